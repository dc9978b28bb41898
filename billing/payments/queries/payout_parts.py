"""Reads of what payouts are made of, and of which payment, refund or dispute each part is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select
from sqlalchemy.orm import aliased

from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.disputes import DisputeMovementRow, DisputeRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.payouts import PayoutLineRow, PayoutRow
from billing.payments.models.reconciliation import MovementRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.reconciliation import named_in_payouts
from billing.payments.records.payouts import PartsElsewhere, Payout, PayoutContents, PayoutPart
from billing.payments.records.reconciliation import NamedException
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.reconciliation import family_of, held_against
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.payments import PaymentState
from billing.payments.states.payouts import PayoutState
from billing.platform.data.database import Read

OTHER = aliased(PayoutRow)
"""Another payout that is a line of one: it came back, or was made by hand before."""


def contents_of(read: Read, payouts: Sequence[Payout], actor: Actor) -> list[PayoutContents]:
    """What each payout is made of: as many statements for a hundred payouts as for one."""
    ids = [payout.id for payout in payouts]
    named = named_in_payouts(read, ids)
    rows: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in read.session.execute(_lines().where(PayoutLineRow.payout_id.in_(ids))):
        rows[row.payout_id].append(row)
    return [_contents(payout, rows[payout.id], named, actor) for payout in payouts]


def _lines() -> Select[*tuple[Any, ...]]:
    """Each line with what it is of: a charge that was put right, of the payment that it is booked as now."""
    owners = (PaymentRow, RefundRow, DisputeRow, OTHER)
    patients = (PaymentRow.patient_id, RefundRow.patient_id, DisputeRow.patient_id)
    return (
        select(
            PayoutLineRow.payout_id,
            PayoutLineRow.reference,
            PayoutLineRow.source,
            PayoutLineRow.reporting_category,
            PayoutLineRow.net_cents,
            func.coalesce(MovementRow.amount_cents, _booked_cents()).label("gross_cents"),
            func.coalesce(*(each.id for each in owners)).label("owner_id"),
            func.coalesce(*(each.entity_id for each in owners)).label("entity_id"),
            func.coalesce(*(each.site_id for each in owners)).label("site_id"),
            func.coalesce(*patients).label("patient_id"),
            CheckoutRow.id.label("checkout_id"),
            func.coalesce(MovementRow.moved_at, DisputeMovementRow.moved_at).label("moved_at"),
            func.coalesce(PaymentRow.received_on, RefundRow.refunded_on).label("booked_on"),
        )
        .outerjoin(MovementRow, MovementRow.reference == PayoutLineRow.reference)
        .outerjoin(
            PaymentRow,
            and_(PaymentRow.charge_reference == PayoutLineRow.source, PaymentRow.state != PaymentState.MOVED),
        )
        .outerjoin(
            RefundRow,
            and_(RefundRow.reference == PayoutLineRow.source, RefundRow.method == RefundMethod.CARD),
        )
        .outerjoin(DisputeMovementRow, DisputeMovementRow.reference == PayoutLineRow.reference)
        .outerjoin(DisputeRow, DisputeRow.id == DisputeMovementRow.dispute_id)
        .outerjoin(OTHER, OTHER.reference == PayoutLineRow.source)
        .outerjoin(
            CheckoutRow,
            and_(CheckoutRow.id == MovementRow.operation, CheckoutRow.state == CheckoutState.DECLINED),
        )
        .order_by(PayoutLineRow.id)
    )


def _booked_cents() -> ColumnElement[int]:
    """What the books say that a line moved before its fee, until the processor's list says it."""
    category = PayoutLineRow.reporting_category
    return case(
        (category == "charge", PaymentRow.amount_cents),
        (category == "refund", -RefundRow.amount_cents),
        (category == "refund_failure", RefundRow.amount_cents),
        (category == "payout", -OTHER.amount_cents),
        (category == "payout_reversal", OTHER.amount_cents),
        else_=DisputeMovementRow.amount_cents,
    )


def _contents(
    payout: Payout, rows: Sequence[Row[Any]], named: Mapping[str, NamedException], actor: Actor
) -> PayoutContents:
    parts = [(row, _part(row, named)) for row in rows]
    hidden = [part for row, part in parts if not _is_seen(row, actor)]
    elsewhere = PartsElsewhere(
        count=len(hidden),
        gross=total(part.net if part.gross is None else part.gross for part in hidden),
        net=total(part.net for part in hidden),
    )
    return PayoutContents(
        payout=payout,
        parts=tuple(part for row, part in parts if _is_seen(row, actor)),
        elsewhere=elsewhere if hidden else None,
        unexplained=_unexplained(payout, [part for _, part in parts]),
    )


def _is_seen(row: Row[Any], actor: Actor) -> bool:
    """What is of nobody that is known is everybody's to look into who sees the payout."""
    return row.owner_id is None or actor.sees(entity_id=row.entity_id, site_id=row.site_id)


def _part(row: Row[Any], named: Mapping[str, NamedException]) -> PayoutPart:
    """A bank debit that failed is booked as what it cost; no payment came of it."""
    category = row.reporting_category
    object_id = held_against(row.reference, row.source, category)
    return PayoutPart(
        object_id=object_id,
        family=family_of(category),
        category=category,
        moved_on=row.moved_at or row.booked_on,
        gross=None if row.gross_cents is None else Money(row.gross_cents),
        net=Money(row.net_cents),
        owner_id=row.owner_id,
        patient_id=row.patient_id,
        is_in_books=bool(row.owner_id or row.checkout_id),
        exception=named.get(object_id),
    )


def _unexplained(payout: Payout, parts: Sequence[PayoutPart]) -> Money:
    """Of a thing that differs it is the difference, once, however often it moved."""
    differ = {part.differs.id: part.differs.amount for part in parts if part.differs}
    unknown = total(part.net for part in parts if not part.is_explained and not part.differs)
    told = total(part.net for part in parts)
    untold = payout.amount - told if payout.state is PayoutState.PAID else ZERO
    return untold + unknown + total(differ.values())
