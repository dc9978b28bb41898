"""Reads of what was held against the processor, and of what cannot be explained."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select

from billing.catalog.queries import entities, sites
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.queries import trial_balance
from billing.ledger.records import Account
from billing.payments.errors import NoSuchException
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.dispute_answers import DisputeAnswerRow
from billing.payments.models.disputes import DisputeMovementRow, DisputeRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.payouts import PayoutLineRow, PayoutRow
from billing.payments.models.reconciliation import (
    ExceptionEndRow,
    MovementRow,
    NamedExceptionRow,
    ReconciliationRow,
)
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.checkouts import checkout_of, owner_of_checkout
from billing.payments.queries.differences import AT_ONCE, differences
from billing.payments.records.reconciliation import Difference, ExceptionKind, Held, NamedException, Standing
from billing.payments.rules.reconciliation import kind_of
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def list_exceptions(
    read: Read, actor: Actor, *, is_open: bool | None = None, cursor: str | None = None, limit: int
) -> Sequence[NamedException]:
    """Newest first, those before the cursor."""
    query = _exceptions(is_open=is_open).where(*within_reach(actor, NamedExceptionRow))
    if cursor is not None:
        query = query.where(NamedExceptionRow.id < cursor)
    query = query.order_by(NamedExceptionRow.id.desc()).limit(limit)
    return [_exception_of(row) for row in read.session.execute(query)]


def open_exceptions(read: Read, *, after: str = "") -> Sequence[NamedException]:
    """A page, oldest first, those behind `after`."""
    query = _exceptions(is_open=True).where(NamedExceptionRow.id > after)
    query = query.order_by(NamedExceptionRow.id).limit(AT_ONCE)
    return [_exception_of(row) for row in read.session.execute(query)]


def gone_among(read: Read, page: Sequence[NamedException]) -> Sequence[NamedException]:
    """Those whose difference is not there any more.

    An operation that was made twice is done with when all that it made is in the books.
    """
    found = differences(read, among=[each.object_id for each in page])
    still = {(kind_of(each), each.object_id, each.gap) for each in found if not each.under_way}
    return [
        each
        for each in page
        if (each.kind, each.object_id, each.amount) not in still
        and not (each.kind is ExceptionKind.TWICE and _made_by(read, each.object_id))
    ]


def _made_by(read: Read, operation: str) -> Sequence[Difference]:
    """What differs of the things that the processor made of an operation."""
    made = select(MovementRow.object_id).where(MovementRow.operation == operation)
    return differences(read, among=read.session.scalars(made).all())


def find_exception(read: Read, exception_id: str, actor: Actor) -> NamedException:
    """Raises: NoSuchException."""
    row = read.session.execute(_exceptions(is_open=None).where(NamedExceptionRow.id == exception_id)).first()
    if row is None or not actor.sees(entity_id=row[0].entity_id, site_id=row[0].site_id):
        raise NoSuchException("There is no such exception. Look at the list of open ones.")
    return _exception_of(row)


def exceptions_of(read: Read, object_id: str, *, is_open: bool | None) -> Sequence[NamedException]:
    query = _exceptions(is_open=is_open).where(NamedExceptionRow.object_id == object_id)
    return [_exception_of(row) for row in read.session.execute(query)]


def named_objects(read: Read, object_ids: Sequence[str]) -> frozenset[str]:
    """Those among them that an open exception names."""
    query = _exceptions(is_open=True).where(NamedExceptionRow.object_id.in_(object_ids))
    return frozenset(_exception_of(row).object_id for row in read.session.execute(query))


def named_in_payouts(read: Read, payout_ids: Collection[str]) -> Mapping[str, NamedException]:
    """By what it names, the last exception about each thing that these payouts took along."""
    taken = PayoutLineRow.payout_id.in_(payout_ids)
    query = _exceptions(is_open=None).where(
        NamedExceptionRow.kind != ExceptionKind.TWICE,
        or_(
            NamedExceptionRow.object_id.in_(select(PayoutLineRow.source).where(taken)),
            NamedExceptionRow.object_id.in_(select(PayoutLineRow.reference).where(taken)),
        ),
    )
    found = read.session.execute(query.order_by(NamedExceptionRow.id))
    return {each.object_id: each for each in map(_exception_of, found)}


def standing_of(read: Read, balance: Money) -> Standing:
    """The processor's balance beside the books: what of the gap is under way, and what is named."""
    under_way, named, after = ZERO, ZERO, ""
    while page := differences(read, after=after):
        known = named_objects(read, [each.object_id for each in page])
        for each in page:
            if each.under_way:
                under_way += each.gap
            elif each.object_id in known:
                named += each.gap
        after = page[-1].object_id
    clearing = Money(trial_balance(read).get(Account.PROCESSOR_CLEARING, 0))
    return Standing(balance=balance, clearing=clearing, under_way=under_way, named=named)


def last_held(read: Read) -> Held | None:
    """The last time that the processor was held against the books, to the end."""
    row = read.session.scalar(select(ReconciliationRow).order_by(ReconciliationRow.id.desc()).limit(1))
    if row is None:
        return None
    return Held(
        id=row.id,
        until=row.until,
        standing=Standing(
            balance=Money(row.balance_cents),
            clearing=Money(row.clearing_cents),
            under_way=Money(row.under_way_cents),
            named=Money(row.named_cents),
        ),
    )


def last_reconciled_until(read: Read) -> datetime | None:
    return read.session.scalar(select(func.max(ReconciliationRow.until)))


def operations_examined(read: Read) -> int:
    query = select(func.count(MovementRow.operation.distinct()))
    return read.session.scalar(query) or 0


def operations_made_twice(read: Read, *, after: str = "") -> Sequence[tuple[str, Money]]:
    """Our operations of which the processor made more than one thing, and what the surplus moved.

    A debit that failed and the card that then paid are one payment: what was taken back does not count.
    A dispute carries its last answer, which moves nothing: what the bank took and gave back is one thing.
    """
    made = (
        select(MovementRow.operation, func.sum(MovementRow.amount_cents).label("cents"))
        .where(MovementRow.operation > after)
        .group_by(MovementRow.operation, MovementRow.source)
        .having(func.sum(MovementRow.amount_cents) != 0)
        .subquery()
    )
    query = (
        select(made.c.operation, func.sum(made.c.cents), func.min(made.c.cents))
        .group_by(made.c.operation)
        .having(func.count() > 1)
        .order_by(made.c.operation)
        .limit(AT_ONCE)
    )
    return [(str(one), Money(int(all_) - int(least))) for one, all_, least in read.session.execute(query)]


def owner_of_difference(read: Read, difference: Difference) -> tuple[str, str]:
    """The legal entity and site that it concerns.

    By our operation, or by the charge, refund, dispute or payout that we keep. What nobody can place goes
    to the first entity, since somebody has to look.
    """
    if difference.operation:
        return owner_of_operation(read, difference.operation)
    for query in _owners(difference):
        row = read.session.execute(query.limit(1)).first()
        if row is not None:
            return row[0], row[1]
    return _whoever_looks(read)


def owner_of_operation(read: Read, operation: str) -> tuple[str, str]:
    """The legal entity and site of a checkout or refund of ours, or of an answer to a dispute."""
    attempt = read.session.get(CheckoutRow, operation)
    if attempt is not None:
        owner = owner_of_checkout(read, checkout_of(attempt), SYSTEM)
        return owner.entity_id, owner.site_id
    row = read.session.get(RefundRow, operation) or read.session.get(DisputeAnswerRow, operation)
    return (row.entity_id, row.site_id) if row else _whoever_looks(read)


def is_of_a_payment(read: Read, named: NamedException) -> bool:
    """Whether it gave back, or took, money of a payment that is booked here."""
    charges = select(MovementRow.charge).where(
        MovementRow.object_id == named.object_id, MovementRow.charge.is_not(None)
    )
    booked = select(PaymentRow.id).where(PaymentRow.charge_reference.in_(charges))
    is_ours = read.session.scalar(booked.limit(1)) is not None
    return is_ours and named.kind in (ExceptionKind.REFUND, ExceptionKind.DISPUTE)


def given_back_by_hand(read: Read, named: NamedException) -> tuple[str, Money] | None:
    """The charge and the amount of a refund, when it gave back money of a payment that is booked here."""
    moved = select(MovementRow.charge, func.sum(MovementRow.amount_cents)).where(
        MovementRow.object_id == named.object_id, MovementRow.charge.is_not(None)
    )
    found = read.session.execute(moved.group_by(MovementRow.charge)).first()
    if found is None or named.kind is not ExceptionKind.REFUND or not is_of_a_payment(read, named):
        return None
    charge, cents = found
    return str(charge), Money(-int(cents))


def listed_at(read: Read, object_id: str) -> datetime | None:
    """When the processor first moved money for one of its objects, if it is listed here by now."""
    return read.session.scalar(
        select(func.min(MovementRow.moved_at)).where(MovementRow.object_id == object_id)
    )


def is_of_a_checkout(read: Read, named: NamedException) -> bool:
    """Whether somebody paid it who was asked to by a checkout of ours."""
    operations = select(MovementRow.operation).where(
        MovementRow.object_id == named.object_id, MovementRow.operation.is_not(None)
    )
    return (
        read.session.scalar(select(CheckoutRow.id).where(CheckoutRow.id.in_(operations)).limit(1)) is not None
    )


def gross_of(read: Read, named: NamedException) -> Money:
    """What moved at the processor for an exception at most, its fees counted apart."""
    moved = select(func.sum(func.abs(MovementRow.amount_cents) + func.abs(MovementRow.fee_cents)))
    cents = read.session.scalar(moved.where(MovementRow.object_id == named.object_id))
    return Money(max(abs(named.amount.cents), int(cents or 0)))


def _whoever_looks(read: Read) -> tuple[str, str]:
    first = entities(read)[0]
    return first.id, sites(read, first.id)[0].id


def _owners(difference: Difference) -> list[Select[str, str]]:
    object_id = difference.object_id
    charges = [each for each in (difference.charge, object_id) if each]
    owners: list[Select[str, str]] = [
        select(PaymentRow.entity_id, PaymentRow.site_id).where(PaymentRow.charge_reference.in_(charges)),
        select(RefundRow.entity_id, RefundRow.site_id).where(RefundRow.reference == object_id),
        select(PayoutRow.entity_id, PayoutRow.site_id).where(PayoutRow.reference == object_id),
        select(DisputeRow.entity_id, DisputeRow.site_id)
        .join(DisputeMovementRow, DisputeMovementRow.dispute_id == DisputeRow.id)
        .where(DisputeMovementRow.reference == object_id),
    ]
    return owners


def _exceptions(*, is_open: bool | None) -> Select[Any, Any]:
    query = select(NamedExceptionRow, ExceptionEndRow.resolved_at).outerjoin(
        ExceptionEndRow, ExceptionEndRow.exception_id == NamedExceptionRow.id
    )
    if is_open is None:
        return query
    ended = ExceptionEndRow.resolved_at
    return query.where(ended.is_(None) if is_open else ended.is_not(None))


def _exception_of(found: Row[Any, Any]) -> NamedException:
    row, resolved_at = found
    return NamedException(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        kind=ExceptionKind(row.kind),
        object_id=row.object_id,
        amount=Money(row.cents),
        first_seen_at=row.first_seen_at,
        resolved_at=resolved_at,
    )
