"""Reads of refunds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from billing.care.queries import covered_by, find_session
from billing.invoices.queries import find_invoice, standing_lines
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import NoSuchRefund, PaymentDisputed
from billing.payments.models.reconciliation import MovementRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import credits_from_payment, reimbursed_for_session
from billing.payments.queries.disputes import refuse_while_disputed
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
from billing.payments.rules.refunds import take_in_order
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundEvent, RefundState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.states import StateChange

WHENEVER = datetime.max.replace(tzinfo=UTC)
"""Later than anything that was paid."""
HAS_LEFT_UNBOOKED: Any = and_(RefundRow.reference.is_not(None), RefundRow.refunded_on.is_(None))
"""As `has_left_unbooked` of a refund."""
IS_UNWRITTEN: Any = and_(RefundRow.method == RefundMethod.CHECK, RefundRow.state == RefundState.APPROVED)
"""Approved, and no check was written yet."""
LEFT_OR_CAME_BACK = (RefundEvent.SEND, RefundEvent.FAIL, RefundEvent.REJECT)


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


def refused_since(read: Read, reference: str, since: datetime) -> bool:
    """Whether a person refused, or withdrew, to book this refund of the processor's dashboard."""
    refused = select(RefundRow.id).where(
        RefundRow.refused_reference == reference,
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


def cards_gone(read: Read, payment_ids: Collection[str]) -> frozenset[str]:
    """Those payments to whose card or account a refund came back, and none has left for it since.

    When each did is what the processor lists, and until then when it was recorded here. One that was made
    in the processor's dashboard has left whatever became of it here.
    """
    came_back = or_(
        RefundRow.state == RefundState.FAILED,
        RefundRow.rejected_for.is_not_distinct_from(Rejection.CAME_BACK),
    )
    listed = (
        select(func.max(MovementRow.moved_at))
        .where(
            MovementRow.object_id == func.coalesce(RefundRow.reference, RefundRow.refused_reference),
            (MovementRow.amount_cents > 0) == came_back,
        )
        .scalar_subquery()
    )
    recorded = and_(StateChange.subject_id == RefundRow.id, StateChange.event.in_(LEFT_OR_CAME_BACK))
    news = (
        select(RefundRow.payment_id, came_back)
        .outerjoin(StateChange, recorded)
        .where(
            RefundRow.payment_id.in_(payment_ids),
            RefundRow.method == RefundMethod.CARD,
            or_(RefundRow.refunded_on.is_not(None), RefundRow.made_by_hand),
        )
        .order_by(func.coalesce(listed, StateChange.at), func.coalesce(StateChange.id, RefundRow.id))
    )
    last = {str(payment_id): is_back for payment_id, is_back in read.session.execute(news)}
    return frozenset(each for each, is_back in last.items() if is_back)


def unwritten_checks(read: Read, actor: Actor, *, limit: int) -> tuple[Sequence[Refund], Money]:
    """Refunds that wait for their check, the first approved first, and what all of them come to."""
    waiting = (IS_UNWRITTEN, *within_reach(actor, RefundRow))
    query = select(RefundRow).where(*waiting).order_by(RefundRow.approved_at, RefundRow.id).limit(limit)
    cents = read.session.scalar(select(func.sum(RefundRow.amount_cents)).where(*waiting))
    return [refund_of(row) for row in read.session.scalars(query)], Money(int(cents or 0))


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


def refundable_now(read: Read, payment_id: str, actor: Actor) -> Refundable:
    """`refundable_of`; nothing while a bank disputes any payment of the patient. Raises: NoSuchPayment."""
    found, payment = refundable_of(read, payment_id, actor), find_payment(read, payment_id, actor)
    try:
        refuse_while_disputed(read, payment.patient_id)
    except PaymentDisputed as refusal:
        return Refundable(
            payment_id=found.payment_id,
            amount=ZERO,
            sources=(),
            blocked_by=refusal.code,
            blocked_reason=refusal.detail,
        )
    return found


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
