"""Reads of disputes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select

from billing.care.queries import covered_by, find_session
from billing.invoices.queries import find_invoice, standing_lines
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import NoSuchDispute, PaymentDisputed
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.credits import CreditApplicationRow, CreditLotRow
from billing.payments.models.disputes import DisputeMovementRow, DisputeRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import applications_of_credit
from billing.payments.queries.payments import CREDIT, PAYMENT
from billing.payments.queries.reach import seen, visible
from billing.payments.records.disputes import Covered, Dispute
from billing.payments.records.payments import Payment
from billing.payments.states.checkouts import STANDING
from billing.payments.states.disputes import DISPUTED, ENDED, DisputeState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.selects import rows_among
from billing.platform.data.states import StateChange


def became_dispute_at(read: Read, dispute_id: str) -> datetime | None:
    """When a bank that had only asked took the money; None when it took it at once, or not yet."""
    return read.session.scalar(
        select(func.max(StateChange.at)).where(
            StateChange.subject_id == dispute_id,
            StateChange.before == DisputeState.INQUIRY,
            StateChange.after == DisputeState.NEEDS_RESPONSE,
        )
    )


def disputed_payments(read: Read, patient_id: str) -> frozenset[str]:
    """Ids of the payments of a patient whose money a bank holds; inquiries hold none."""
    query = select(DisputeRow).where(DisputeRow.patient_id == patient_id)
    return frozenset(row.payment_id for row in read.session.scalars(query) if _is_held(read, row))


def held_by_banks(read: Read, payment_ids: Collection[str]) -> Mapping[str, Money]:
    """How much of payments banks hold until they have decided, by payment; the others are left out."""
    held: dict[str, Money] = {}
    for row in rows_among(read, DisputeRow, "payment_id", payment_ids):
        if _is_held(read, row):
            away = withdrawn_of(read, row.id) - Money(row.lost_cents)
            held[row.payment_id] = held.get(row.payment_id, ZERO) + (away or Money(row.amount_cents))
    return held


def made_good_of(read: Read, dispute_ids: Collection[str]) -> Mapping[str, Sequence[tuple[datetime, Money]]]:
    """By lost dispute, what of the loss its bank gave back, and when."""
    found: dict[str, list[tuple[datetime, Money]]] = {}
    for row in rows_among(read, DisputeMovementRow, "dispute_id", dispute_ids):
        if row.made_good_cents:
            found.setdefault(row.dispute_id, []).append((row.moved_at, Money(row.made_good_cents)))
    return found


def refuse_while_disputed(read: Read, patient_id: str) -> None:
    """Raises: PaymentDisputed."""
    if disputed := disputed_payments(read, patient_id):
        raise PaymentDisputed(
            "A bank disputes a payment of this patient. Wait until it has decided.",
            payment_ids=sorted(disputed),
        )


def refuse_while_asked_about(read: Read, payment_id: str) -> None:
    """An inquiry counts too: what it may become would follow the payment to where it no longer is.

    Raises: PaymentDisputed.
    """
    rows = read.session.scalars(select(DisputeRow).where(DisputeRow.payment_id == payment_id))
    if any(row.state not in ENDED or _is_held(read, row) for row in rows):
        raise PaymentDisputed(
            "A bank asks about this payment. Wait until it has decided.", payment_ids=[payment_id]
        )


def _is_held(read: Read, row: DisputeRow) -> bool:
    """A win counts until its money is back, and a loss until it is booked."""
    return row.state in DISPUTED or withdrawn_of(read, row.id).cents > row.lost_cents


def find_dispute(read: Read, dispute_id: str, actor: Actor) -> Dispute:
    """Raises: NoSuchDispute."""
    row = seen(read.session.get(DisputeRow, dispute_id), actor, NoSuchDispute("There is no such dispute."))
    return dispute_of(row)


def list_disputes(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: DisputeState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Dispute]:
    """Newest first, those before the cursor."""
    query = visible(DisputeRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(DisputeRow.patient_id == patient_id)
    if state is not None:
        query = query.where(DisputeRow.state == state)
    return [dispute_of(row) for row in read.session.scalars(query)]


def withdrawn_of(read: Read, dispute_id: str) -> Money:
    """What the processor took for a dispute, less what it gave back; fees apart."""
    moved = read.session.scalar(
        select(func.coalesce(func.sum(DisputeMovementRow.amount_cents), 0)).where(
            DisputeMovementRow.dispute_id == dispute_id
        )
    )
    return Money(-int(moved or 0))


def was_reinstated(read: Read, dispute_id: str) -> bool:
    return bool(
        read.session.scalar(
            select(DisputeMovementRow.id)
            .where(DisputeMovementRow.dispute_id == dispute_id, DisputeMovementRow.amount_cents > 0)
            .limit(1)
        )
    )


def lost_of(read: Read, payment_id: str) -> Mapping[str, Money]:
    """What banks took of a payment and kept, by the dispute."""
    lost = select(DisputeRow.id, DisputeRow.lost_cents).where(
        DisputeRow.payment_id == payment_id, DisputeRow.lost_cents > 0
    )
    return {dispute_id: Money(cents) for dispute_id, cents in read.session.execute(lost)}


def taken_twice(read: Read, payment_id: str, *, coming_back: Money = ZERO) -> Money:
    """What banks kept of a payment beyond what of its money was not given back, also as its credit.

    `coming_back` was given back until now.
    """
    return taken_twice_among(read, [payment_id], coming_back=coming_back).get(payment_id, ZERO)


def taken_twice_among(
    read: Read, payment_ids: Collection[str], *, coming_back: Money = ZERO
) -> Mapping[str, Money]:
    """`taken_twice` by payment; those of which no bank kept anything are left out."""
    kept = (
        select(DisputeRow.payment_id, func.sum(DisputeRow.lost_cents), PaymentRow.amount_cents)
        .join(PaymentRow, PaymentRow.id == DisputeRow.payment_id)
        .where(DisputeRow.payment_id.in_(payment_ids), DisputeRow.lost_cents > 0)
        .group_by(DisputeRow.payment_id, PaymentRow.amount_cents)
    )
    lost = read.session.execute(kept).all()
    if not lost:
        return {}
    refunded = (
        select(CreditLotRow.origin_payment_id, func.sum(RefundRow.amount_cents))
        .join(CreditLotRow, CreditLotRow.id == RefundRow.lot_id)
        .where(
            CreditLotRow.origin_payment_id.in_([payment_id for payment_id, _, _ in lost]),
            RefundRow.state.not_in((RefundState.REJECTED, RefundState.FAILED)),
        )
        .group_by(CreditLotRow.origin_payment_id)
    )
    given_back = {payment_id: Money(int(cents)) for payment_id, cents in read.session.execute(refunded)}
    return {
        payment_id: max(
            ZERO,
            Money(int(cents)) + given_back.get(payment_id, ZERO) + coming_back - Money(int(paid)),
        )
        for payment_id, cents, paid in lost
    }


def made_good_by(read: Read, dispute: Dispute, came_back: Money) -> Money:
    """How much of what comes back after a loss the clinic had paid twice: what was the patient's is not."""
    if not dispute.lost or came_back < ZERO:
        return ZERO
    return min(came_back, dispute.lost, taken_twice(read, dispute.payment_id))


def reimbursed_beside_losses(read: Read, patient_id: str) -> Sequence[str]:
    """The lost disputes of a patient that took what an insurer had reimbursed."""
    query = select(DisputeRow.id).where(DisputeRow.patient_id == patient_id, DisputeRow.reimbursed_cents > 0)
    return read.session.scalars(query.order_by(DisputeRow.id)).all()


def was_made_good(read: Read, dispute_id: str) -> bool:
    """Whether some of what a lost dispute took came back later."""
    made_good = select(DisputeMovementRow.id).where(
        DisputeMovementRow.dispute_id == dispute_id, DisputeMovementRow.made_good_cents > 0
    )
    return read.session.scalar(made_good.limit(1)) is not None


def credits_brought_by(read: Read, payment_id: str) -> Sequence[str]:
    """Ids of all credits that money of a payment became, spent or not, oldest first."""
    query = select(CreditLotRow.id).where(CreditLotRow.origin_payment_id == payment_id)
    return read.session.scalars(query.order_by(CreditLotRow.id)).all()


def covered_with(read: Read, payment: Payment) -> Sequence[Covered]:
    """What a payment's money covers: what is still to be given first, the latest session first."""
    found = [
        (session.planned_on, covered)
        for invoice_id, kind, source_id in _uses(read, payment)
        for line in standing_lines(read, find_invoice(read, invoice_id, SYSTEM))
        for session in [find_session(read, line.session_id, SYSTEM)]
        if (amount := covered_by(read, session.id, kind, source_id))
        for covered in [
            Covered(
                session_id=session.id,
                source_kind=kind,
                source_id=source_id,
                amount=amount,
                is_earned=session.is_earned,
            )
        ]
    ]
    latest_first = sorted(found, key=lambda each: each[0], reverse=True)
    return [covered for _, covered in sorted(latest_first, key=lambda each: each[1].is_earned)]


def _uses(read: Read, payment: Payment) -> Iterator[tuple[str, str, str]]:
    """Each invoice that took money of a payment, and under which kind and id."""
    if payment.invoice_id is not None:
        yield payment.invoice_id, PAYMENT, payment.id
    for lot_id in credits_brought_by(read, payment.id):
        for application in applications_of_credit(read, lot_id):
            yield application.invoice_id, CREDIT, application.id


def dispute_of(row: DisputeRow) -> Dispute:
    return Dispute(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        payment_id=row.payment_id,
        reference=row.reference,
        state=DisputeState(row.state),
        reason=row.reason,
        amount=Money(row.amount_cents),
        lost=Money(row.lost_cents),
        reimbursed=Money(row.reimbursed_cents),
        due_at=row.due_at,
        opened_at=row.opened_at,
    )


def standing_with_credit_of(read: Read, payment_id: str) -> Sequence[str]:
    """The attempts without an outcome to which credit that this payment brought is lent."""
    lent = (
        select(CheckoutRow.id)
        .join(CreditApplicationRow, CreditApplicationRow.checkout_id == CheckoutRow.id)
        .where(
            CreditApplicationRow.lot_id.in_(credits_brought_by(read, payment_id)),
            CheckoutRow.state.in_(STANDING),
        )
    )
    return read.session.scalars(lent.distinct()).all()
