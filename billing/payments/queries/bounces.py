"""Reads of checks that bounced."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from billing.kernel.money import Money
from billing.payments.models.bounces import BounceRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.records.bounces import Bounce, BounceReason
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read


def refunds_of_money(read: Read, payment_id: str) -> Sequence[str]:
    """Ids of the refunds that give money of a payment back, or gave it, by whichever way; oldest first."""
    query = select(RefundRow.id).where(
        RefundRow.state.not_in((RefundState.REJECTED, RefundState.FAILED)),
        or_(RefundRow.payment_id == payment_id, RefundRow.lot_id.in_(credits_brought_by(read, payment_id))),
    )
    return read.session.scalars(query.order_by(RefundRow.id)).all()


def bounce_of(row: BounceRow) -> Bounce:
    return Bounce(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        payment_id=row.payment_id,
        reason=BounceReason(row.reason),
        amount=Money(row.amount_cents),
        owed=Money(row.owed_cents),
        fee=Money(row.fee_cents),
        bounced_on=row.bounced_on,
        recorded_at=row.recorded_at,
    )
