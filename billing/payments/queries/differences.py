"""Where the movements of the processor's balance are not what the books say of the same object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    Subquery,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from billing.kernel.money import Money
from billing.ledger.queries import effects_on
from billing.ledger.records import Account
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.disputes import DisputeMovementRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.payouts import PayoutRow
from billing.payments.models.reconciliation import MovementRow, NamedExceptionRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.payments import CHECKOUT, PAYMENT
from billing.payments.records.reconciliation import Difference, Family
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.reconciliation import family_of
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.payouts import PayoutState
from billing.platform.data.base import Instant
from billing.platform.data.database import Read

AT_ONCE = 200
"""Differences of one page."""
REFUND, MOVED_BY_DISPUTE, PAYOUT, EXCEPTION = "refund", "dispute-movement", "payout", "named-exception"
"""Kinds of entries that move clearing, beside those of payments and checkouts."""
ON_ITS_WAY = (PayoutState.PENDING, PayoutState.IN_TRANSIT)


def differences(
    read: Read,
    *,
    after: str = "",
    among: Collection[str] | None = None,
    posted_since: datetime | None = None,
    posted_until: datetime | None = None,
    unchanged_since: datetime | None = None,
) -> Sequence[Difference]:
    """A page of the objects that differ, by their id, those behind `after`.

    What only the books know counts when it was posted within the bounds: before them nothing may have been
    listed of it, and behind them it may not be listed yet. `unchanged_since` leaves only what is in the books
    and was not posted to since then.
    """
    told = _told()
    bounds = [func.min(told.c.posted_at) >= posted_since] if posted_since else []
    bounds += [func.min(told.c.posted_at) <= posted_until] if posted_until else []
    query = (
        select(
            told.c.object_id,
            func.sum(told.c.processor).label("processor"),
            func.sum(told.c.books).label("books"),
            func.sum(told.c.movements).label("movements"),
            func.count(told.c.posted_at).label("entries"),
        )
        .where(told.c.object_id > after)
        .group_by(told.c.object_id)
        .having(func.sum(told.c.processor) != func.sum(told.c.books))
        .having(or_(func.sum(told.c.movements) > 0, and_(true(), *bounds)))
        .order_by(told.c.object_id)
        .limit(AT_ONCE)
    )
    if unchanged_since is not None:
        query = query.having(func.max(told.c.changed_at) < unchanged_since)
    if among is not None:
        query = query.where(told.c.object_id.in_(among))
    return _with_facts(read, read.session.execute(query).all())


def refunded_unbooked(read: Read, patient_id: str) -> Collection[str]:
    """A patient's payments of which money went back in the processor's dashboard, and no refund here says so.

    One that waits for a second person is none of these: what it gives back is taken from its payment already.
    """
    known = select(RefundRow.id).where(RefundRow.reference == MovementRow.object_id)
    moved = (
        select(MovementRow.object_id, PaymentRow.id)
        .join(PaymentRow, PaymentRow.charge_reference == MovementRow.charge)
        .where(PaymentRow.patient_id == patient_id, MovementRow.operation.is_(None), ~known.exists())
        .distinct()
    )
    payments = {row.object_id: row.id for row in read.session.execute(moved)}
    differ = differences(read, among=list(payments)) if payments else ()
    return {payments[each.object_id] for each in differ if each.family is Family.REFUND}


def _told() -> Subquery:
    """What the processor and what the books say, one row each, by the processor's id of the object."""
    cents = (MovementRow.amount_cents - MovementRow.fee_cents).label("processor")
    listed = select(
        MovementRow.object_id,
        cents,
        literal(0, BigInteger).label("books"),
        literal(1, BigInteger).label("movements"),
        cast(null(), Instant()).label("posted_at"),
        cast(null(), Instant()).label("changed_at"),
    )
    return union_all(listed, *_booked()).subquery()


def _booked() -> list[Select[Any]]:
    """A debit that failed left only a fee, under the id of our checkout; the processor's is its charge's."""
    told = effects_on(Account.PROCESSOR_CLEARING)
    failed = (
        select(MovementRow.operation, func.min(MovementRow.object_id).label("object_id"))
        .where(MovementRow.reporting_category == "charge_failure")
        .group_by(MovementRow.operation)
        .subquery()
    )
    kinds = (PAYMENT, CHECKOUT, REFUND, MOVED_BY_DISPUTE, PAYOUT, EXCEPTION)

    def booked(object_id: Any, kind: str) -> Select[Any]:
        return _as_told(told, object_id).where(told.c.source_kind == kind)

    return [
        booked(PaymentRow.charge_reference, PAYMENT).join(PaymentRow, PaymentRow.id == told.c.source_id),
        booked(func.coalesce(failed.c.object_id, told.c.source_id), CHECKOUT).outerjoin(
            failed, failed.c.operation == told.c.source_id
        ),
        booked(RefundRow.reference, REFUND).join(
            RefundRow, and_(RefundRow.id == told.c.source_id, RefundRow.method == RefundMethod.CARD)
        ),
        booked(DisputeMovementRow.reference, MOVED_BY_DISPUTE).join(
            DisputeMovementRow, DisputeMovementRow.id == told.c.source_id
        ),
        booked(PayoutRow.reference, PAYOUT).join(PayoutRow, PayoutRow.id == told.c.source_id),
        booked(NamedExceptionRow.object_id, EXCEPTION).join(
            NamedExceptionRow, NamedExceptionRow.id == told.c.source_id
        ),
        _as_told(told, told.c.source_id).where(told.c.source_kind.not_in(kinds)),
    ]


def _as_told(told: Subquery, object_id: Any) -> Select[Any]:
    return select(
        object_id.label("object_id"),
        literal(0, BigInteger).label("processor"),
        cast(told.c.cents, BigInteger).label("books"),
        literal(0, BigInteger).label("movements"),
        told.c.posted_at,
        told.c.changed_at,
    ).select_from(told)


def _with_facts(read: Read, rows: Sequence[Row[Any]]) -> list[Difference]:
    found = [row.object_id for row in rows]
    movements: dict[str, list[MovementRow]] = defaultdict(list)
    for movement in read.session.scalars(select(MovementRow).where(MovementRow.object_id.in_(found))):
        movements[movement.object_id].append(movement)
    on_its_way = _on_its_way(read, found, [each for group in movements.values() for each in group])
    return [_difference(row, movements[row.object_id], on_its_way) for row in rows]


def _on_its_way(read: Read, found: Sequence[str], movements: Sequence[MovementRow]) -> frozenset[str]:
    """Ids of payouts that have not arrived, and of debits that are not decided."""
    payouts = select(PayoutRow.reference).where(
        PayoutRow.reference.in_(found), PayoutRow.state.in_(ON_ITS_WAY)
    )
    operations = {each.operation: each.object_id for each in movements if each.operation}
    debits = select(CheckoutRow.id).where(
        CheckoutRow.id.in_(operations), CheckoutRow.state == CheckoutState.PROCESSING
    )
    return frozenset(
        [*read.session.scalars(payouts), *(operations[each] for each in read.session.scalars(debits))]
    )


def _difference(row: Row[Any], movements: Sequence[MovementRow], on_its_way: frozenset[str]) -> Difference:
    first = movements[0] if movements else None
    return Difference(
        object_id=row.object_id,
        family=family_of(first.reporting_category) if first else Family.MOVEMENT,
        processor=Money(int(row.processor)),
        books=Money(int(row.books)),
        is_at_processor=bool(row.movements),
        is_in_books=bool(row.entries),
        under_way=row.object_id in on_its_way,
        source=first.source if first else None,
        charge=first.charge if first else None,
        operation=first.operation if first else None,
    )
