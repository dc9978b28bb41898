"""Reads of refunds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import (
    NoSuchRefund,
)
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.refunds import Refund, RefundMethod
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read


def find_refund(read: Read, refund_id: str, actor: Actor) -> Refund:
    """Raises: NoSuchRefund."""
    row = seen(read.session.get(RefundRow, refund_id), actor, NoSuchRefund("There is no such refund."))
    return refund_of(row)


def refund_by_reference(read: Read, reference: str) -> Refund | None:
    """By the processor's id."""
    row = read.session.scalar(
        select(RefundRow).where(RefundRow.reference == reference, RefundRow.method == RefundMethod.CARD)
    )
    return refund_of(row) if row else None


def list_refunds(
    read: Read,
    actor: Actor,
    *,
    state: RefundState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Refund]:
    """Newest first, those before the cursor."""
    query = visible(RefundRow, actor, cursor, limit)
    if state is not None:
        query = query.where(RefundRow.state == state)
    return [refund_of(row) for row in read.session.scalars(query)]


def unresolved_refunds(read: Read, *, before: datetime) -> Sequence[Refund]:
    """Card refunds that were approved before, and have no outcome yet."""
    query = select(RefundRow).where(
        RefundRow.method == RefundMethod.CARD,
        RefundRow.state.in_((RefundState.APPROVED, RefundState.SENT)),
        RefundRow.approved_at < before,
    )
    return [refund_of(row) for row in read.session.scalars(query)]


def refund_of(row: RefundRow) -> Refund:
    return Refund(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        lot_id=row.lot_id,
        payment_id=row.payment_id,
        method=RefundMethod(row.method),
        amount=Money(row.amount_cents),
        state=RefundState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        refunded_on=row.refunded_on,
        reference=row.reference,
    )
