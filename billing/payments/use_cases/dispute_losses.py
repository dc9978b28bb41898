"""What a lost dispute takes: credit first, then what is still to be given, then what was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select

from billing.care.queries import coverage_of, find_session
from billing.care.records import REFUNDED
from billing.care.states import SessionState
from billing.care.use_cases import cancel_session
from billing.catalog.queries import site_date
from billing.invoices.queries import line_of_session
from billing.invoices.records import (
    InvoiceKind,
    SettledPart,
)
from billing.invoices.use_cases.take_back import refund_cover
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import credits_from_payment, find_credit
from billing.payments.queries.disputes import covered_with, credits_brought_by, standing_with_credit_of
from billing.payments.queries.payments import find_payment
from billing.payments.queries.refunds import HAS_LEFT_UNBOOKED
from billing.payments.records.credits import CreditSource, Withdrawal
from billing.payments.records.disputes import Dispute
from billing.payments.records.refunds import RefundMethod, Rejection
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.credit_tasks import REFUND_FAILED, end_asking_about_held
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.refund_checks import CHECK_VOIDED
from billing.payments.use_cases.refunds import hold_again, lock_refund, reject_refund
from billing.payments.use_cases.unapply import return_lent_credit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_a_person, end_tasks

SESSIONS_UNPAID = "dispute-sessions-unpaid"


def take_loss(tx: Tx, *, dispute: Dispute, loss: Money, actor: Actor, now: datetime) -> tuple[Money, Money]:
    """Take lost money from where it was: how much was held as credit, and how much was paid ahead.

    A deposit that no invoice took was paid ahead.

    A session still to come that only lost money had paid is called off; where it cannot be, or was to be
    today, so that the patient may be on their way, a person looks.
    The caller holds the patient's lock and posts the entry.
    """
    for checkout_id in standing_with_credit_of(tx, dispute.payment_id):
        return_lent_credit(tx, checkout_id=checkout_id, actor=actor, now=now)
    held, deposited = _withdraw_credit(tx, dispute, loss, actor, now)
    parts = _take_cover(tx, dispute, loss - held - deposited, actor, now)
    ahead = [part for part in parts if not part.earned]
    left = [part.session_id for part in ahead if not _called_off(tx, part.session_id, actor, now)]
    if left or any(_is_today(tx, part.session_id, now) for part in ahead):
        ask_a_person(tx, kind=SESSIONS_UNPAID, about=dispute, actor=actor, now=now)
    return held, deposited + total(part.amount for part in ahead)


def end_waiting_refunds(tx: Tx, *, payment_id: str, actor: Actor, now: datetime) -> Sequence[str]:
    """Those that nobody approved, and checks that nobody wrote: the money is gone.

    The ids of these checks, and of refunds that had failed before and whose money is still held as credit.
    A refund that was made in the processor's dashboard has left before, and waits on.
    """
    called_off = _held_after_failure(tx, payment_id)
    unwritten = and_(RefundRow.state == RefundState.APPROVED, RefundRow.method == RefundMethod.CHECK)
    waiting = select(RefundRow.id, RefundRow.state).where(
        or_(and_(RefundRow.state == RefundState.REQUESTED, ~HAS_LEFT_UNBOOKED), unwritten),
        or_(RefundRow.payment_id == payment_id, RefundRow.lot_id.in_(credits_brought_by(tx, payment_id))),
    )
    for refund_id, state in tx.session.execute(waiting).all():
        if state == RefundState.REQUESTED:
            reject_refund(tx, refund_id=refund_id, reason=Rejection.DISPUTE_LOST, actor=actor, now=now)
            continue
        hold_again(tx, lock_refund(tx, refund_id, actor), actor, now)
        end_tasks(tx, kind=CHECK_VOIDED, subject_ids=[refund_id], actor=actor, now=now)
        called_off.append(refund_id)
    return called_off


def _held_after_failure(tx: Tx, payment_id: str) -> list[str]:
    failed = select(RefundRow.id, RefundRow.lot_id).where(
        RefundRow.state == RefundState.FAILED,
        RefundRow.rejected_for.is_(None),
        or_(RefundRow.payment_id == payment_id, RefundRow.lot_id.in_(credits_brought_by(tx, payment_id))),
    )
    found = tx.session.execute(failed).all()
    return [str(refund_id) for refund_id, lot_id in found if find_credit(tx, lot_id, SYSTEM).available]


def tell_of_called_off(tx: Tx, *, refund_ids: Sequence[str], actor: Actor, now: datetime) -> None:
    """A person sends in another way what the loss left of the credit; else the bank has the money."""
    for refund_id in refund_ids:
        row = lock_refund(tx, refund_id, actor)
        if find_credit(tx, row.lot_id, SYSTEM).available:
            ask_a_person(tx, kind=REFUND_FAILED, about=row, actor=actor, now=now)
        else:
            row.rejected_for = Rejection.DISPUTE_LOST
            end_tasks(tx, kind=REFUND_FAILED, subject_ids=[refund_id], actor=actor, now=now)
    tx.session.flush()


def _withdraw_credit(
    tx: Tx, dispute: Dispute, loss: Money, actor: Actor, now: datetime
) -> tuple[Money, Money]:
    """How much was credit, and how much a deposit."""
    held, deposited, today = ZERO, ZERO, site_date(tx, dispute.site_id, now)
    for lot in credits_from_payment(tx, dispute.payment_id):
        amount = min(lot.available, loss - held - deposited)
        if not amount:
            continue
        withdraw(
            tx,
            lot_id=lot.id,
            reason=Withdrawal.DISPUTE,
            subject_id=dispute.id,
            amount=amount,
            withdrawn_on=today,
            now=now,
        )
        end_asking_about_held(tx, lot, actor=actor, now=now)
        if lot.source is CreditSource.DEPOSIT:
            deposited = deposited + amount
        else:
            held = held + amount
    return held, deposited


def _take_cover(tx: Tx, dispute: Dispute, loss: Money, actor: Actor, now: datetime) -> Sequence[SettledPart]:
    parts, left = [], loss
    for covered in covered_with(tx, find_payment(tx, dispute.payment_id, SYSTEM)):
        amount = min(covered.amount, left)
        if amount:
            parts.append(
                refund_cover(
                    tx,
                    session_id=covered.session_id,
                    source_kind=covered.source_kind,
                    source_id=covered.source_id,
                    refund_id=dispute.id,
                    amount=amount,
                    actor=actor,
                    now=now,
                )
            )
            left = left - amount
    return parts


def _is_today(tx: Tx, session_id: str, now: datetime) -> bool:
    session = find_session(tx, session_id, SYSTEM)
    return session.planned_on == site_date(tx, session.site_id, now)


def _called_off(tx: Tx, session_id: str, actor: Actor, now: datetime) -> bool:
    """Whether a session that lost money had paid does not take place any more."""
    session = find_session(tx, session_id, SYSTEM)
    if session.state is not SessionState.PLANNED:
        return session.state is SessionState.CANCELLED
    found = line_of_session(tx, session_id)
    is_single = found is not None and found[0].kind is not InvoiceKind.PACKAGE
    if not is_single or any(part.source_kind != REFUNDED for part in coverage_of(tx, session_id)):
        return False
    cancel_session(tx, session_id=session_id, actor=actor, now=now)
    return True
