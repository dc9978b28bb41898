"""Reads of refunds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from billing.care.queries import covered_by, find_session
from billing.invoices.queries import find_invoice, standing_lines
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import NoSuchRefund
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import credits_from_payment, reimbursed_for_session
from billing.payments.queries.payments import PAYMENT, find_payment, paid_by_patient
from billing.payments.queries.reach import seen, visible
from billing.payments.records.credits import CreditLot, Election
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import (
    Refund,
    Refundable,
    RefundableKind,
    RefundableSource,
    RefundMethod,
    RefundReason,
    Rejection,
)
from billing.payments.rules import take_in_order
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read

WHENEVER = datetime.max.replace(tzinfo=UTC)
"""Later than anything that was paid."""
HAS_LEFT_UNBOOKED: Any = and_(RefundRow.reference.is_not(None), RefundRow.refunded_on.is_(None))
"""As `has_left_unbooked` of a refund."""


def find_refund(read: Read, refund_id: str, actor: Actor) -> Refund:
    """Raises: NoSuchRefund."""
    row = seen(read.session.get(RefundRow, refund_id), actor, NoSuchRefund("There is no such refund."))
    return refund_of(row)


def replacement_of(read: Read, refund_id: str) -> str | None:
    """The refund that owes the money of a voided check again."""
    return read.session.scalar(select(RefundRow.id).where(RefundRow.replaces_id == refund_id))


def refund_by_reference(read: Read, reference: str) -> Refund | None:
    """By the processor's id."""
    row = read.session.scalar(
        select(RefundRow).where(RefundRow.reference == reference, RefundRow.method == RefundMethod.CARD)
    )
    return refund_of(row) if row else None


def refused_since(read: Read, payment_id: str, amount: Money, since: datetime) -> bool:
    """Whether a person refused, or withdrew, to book such a refund of the processor's dashboard."""
    refused = select(RefundRow.id).where(
        RefundRow.payment_id == payment_id,
        RefundRow.amount_cents == amount.cents,
        RefundRow.made_by_hand,
        RefundRow.state == RefundState.REJECTED,
        RefundRow.requested_at >= since,
    )
    return read.session.scalar(refused.limit(1)) is not None


def list_refunds(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    payment_id: str | None = None,
    state: RefundState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Refund]:
    """Newest first, those before the cursor."""
    query = visible(RefundRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(RefundRow.patient_id == patient_id)
    if payment_id is not None:
        query = query.where(RefundRow.payment_id == payment_id)
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


def approved_by_itself(read: Read, patient_id: str, since: datetime) -> Money:
    """What goes back, or went, without a second person who looked. The patient is locked.

    A check that was written counts though it was voided; so the one that replaces it does not count again.
    """
    cents = read.session.scalar(
        select(func.coalesce(func.sum(RefundRow.amount_cents), 0)).where(
            RefundRow.patient_id == patient_id,
            RefundRow.approved_by == SYSTEM.id,
            RefundRow.requested_at > since,
            RefundRow.replaces_id.is_(None),
            or_(
                RefundRow.state.not_in((RefundState.FAILED, RefundState.REJECTED)),
                and_(RefundRow.method == RefundMethod.CHECK, RefundRow.refunded_on.is_not(None)),
            ),
        )
    )
    return Money(int(cents or 0))


def refundable_of(read: Read, payment_id: str, actor: Actor) -> Refundable:
    """What can go back of a payment: its credit first, then what covers sessions, the later ones first.

    Credit that the patient chose to keep for the next invoice is not in it. Raises: NoSuchPayment.
    """
    payment = find_payment(read, payment_id, actor)
    sources: tuple[RefundableSource, ...] = ()
    if payment.state is PaymentState.RECEIVED:
        held = [_held(lot) for lot in credits_from_payment(read, payment_id) if not _is_kept(lot)]
        left = payment.amount - payment.refunded - payment.lost
        sources = take_in_order([*held, *_cover(read, payment)], left)
    return Refundable(
        payment_id=payment_id, amount=total(source.amount for source in sources), sources=sources
    )


def _is_kept(lot: CreditLot) -> bool:
    return lot.elected_at is not None and lot.election is Election.CREDIT


def _held(lot: CreditLot) -> RefundableSource:
    return RefundableSource(kind=RefundableKind.CREDIT, id=lot.id, amount=lot.available)


def _cover(read: Read, payment: Payment) -> list[RefundableSource]:
    """What the payment covers: sessions to come before those that were given, the later ones first."""
    if payment.invoice_id is None:
        return []
    found = []
    for line in reversed(standing_lines(read, find_invoice(read, payment.invoice_id, SYSTEM))):
        amount = covered_by(read, line.session_id, PAYMENT, payment.id)
        is_earned = find_session(read, line.session_id, SYSTEM).is_earned
        kind = RefundableKind.GIVEN if is_earned else RefundableKind.TO_COME
        if payment.payer_id is None:
            # What an insurer gave back is the patient's already, so it does not go back once more.
            back = reimbursed_for_session(read, line.session_id)
            paid = paid_by_patient(read, line.session_id, WHENEVER)
            amount = min(amount, max(ZERO, paid - back))
        if amount:
            found.append(RefundableSource(kind=kind, id=line.session_id, amount=amount))
    return sorted(found, key=lambda source: source.kind is RefundableKind.GIVEN)


def refund_of(row: RefundRow) -> Refund:
    return Refund(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        lot_id=row.lot_id,
        payment_id=row.payment_id,
        payer_id=row.payer_id,
        method=RefundMethod(row.method),
        amount=Money(row.amount_cents),
        state=RefundState(row.state),
        requested_by=row.requested_by,
        requested_by_person=row.requested_by_person,
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        refunded_on=row.refunded_on,
        reference=row.reference,
        reason=RefundReason(row.reason) if row.reason else None,
        rejected_for=Rejection(row.rejected_for) if row.rejected_for else None,
        made_by_hand=row.made_by_hand,
        cashed_on=row.cashed_on,
        is_voided=row.voided_by_person is not None,
        replaces_id=row.replaces_id,
    )
