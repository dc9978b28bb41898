"""A refund of a payment of ours that somebody made in the processor's dashboard."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.payments.errors import UnexplainedMoney
from billing.payments.errors.foreign_refunds import NotAPatientsRefund, RefundKnown
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.payments import payment_of_charge
from billing.payments.queries.reconciliation import exceptions_of, given_back_by_hand
from billing.payments.queries.refunds import refund_by_reference, refundable_of, refused_since
from billing.payments.queries.reimbursements import sessions_of_payment
from billing.payments.records.refunds import Refund, RefundMethod, RefundReason
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.exceptions import lock_exception
from billing.payments.use_cases.excess import share_again
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import keep_sent
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def book_foreign_refund(
    tx: Tx,
    *,
    charge_reference: str,
    reference: str,
    amount: Money,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Book it as if it had been asked for here: the same sources, limits and refusals. It is sent already.

    While it was gone and not booked, nothing of its visits counted as paid: what an insurer paid since then
    is shared anew.
    Raises: UnexplainedMoney for a charge that is not booked, for what needs a second person, and for what a
    person refused to book; whatever keeps a refund of ours from being asked for.
    """
    payment = payment_of_charge(tx, charge_reference)
    lock_patient(tx, payment.patient_id)
    if known := refund_by_reference(tx, reference):
        return known
    _refuse_what_was_refused(tx, reference)
    asked = _ask(tx, charge_reference, amount, RefundReason.OTHER, limit, actor, now)
    if asked.state is not RefundState.APPROVED:
        raise UnexplainedMoney("A refund above the limit was made in the processor's dashboard.")
    booked = keep_sent(tx, refund_id=asked.id, reference=reference, actor=actor, now=now)
    share_again(tx, session_ids=sessions_of_payment(tx, payment), actor=actor, now=now)
    return booked


def ask_to_book_foreign_refund(
    tx: Tx, *, exception_id: str, reason: RefundReason, limit: Money, actor: Actor, now: datetime
) -> Refund:
    """Ask for an exception to be booked as the refund that it was; above the limit another person approves.

    It carries the processor's id from the beginning, so that it is read there and never sent. Until it is
    approved nothing is posted and the exception stays.
    Raises: NoSuchException, ExceptionEnded, NotAPatientsRefund, RefundKnown; whatever keeps a refund of ours
    from being asked for.
    """
    named = lock_exception(tx, exception_id, actor)
    given_back = given_back_by_hand(tx, named)
    if given_back is None:
        raise NotAPatientsRefund("It did not give back money of a payment that is booked here.")
    charge, amount = given_back
    lock_patient(tx, payment_of_charge(tx, charge).patient_id)
    if known := refund_by_reference(tx, named.object_id):
        raise RefundKnown("Somebody asked for it before. Look at that refund.", refund_id=known.id)
    asked = _ask(tx, charge, amount, reason, limit, actor, now)
    row = tx.session.get_one(RefundRow, asked.id)
    row.reference, row.made_by_hand = named.object_id, True
    record_audit(tx, actor=actor, action="exception.refund", subject_id=named.id, now=now)
    return asked


def _refuse_what_was_refused(tx: Tx, reference: str) -> None:
    """Persons have it in hand since it was asked for, and theirs is the last word, whatever the limit allows.

    Its payment may be another one by now, as one that was moved to the right patient is.
    Raises: UnexplainedMoney.
    """
    for named in exceptions_of(tx, reference, is_open=True):
        if refused_since(tx, reference, named.first_seen_at):
            raise UnexplainedMoney("A person refused to book this refund of the processor's dashboard.")


def _ask(
    tx: Tx,
    charge_reference: str,
    amount: Money,
    reason: RefundReason,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Of wherever the payment's money is at this moment: nobody was shown it, and it has left."""
    payment = payment_of_charge(tx, charge_reference)
    return refund_payment(
        tx,
        payment_id=payment.id,
        amount=amount,
        refundable=refundable_of(tx, payment.id, actor).amount,
        reason=reason,
        method=RefundMethod.CARD,
        limit=limit,
        actor=actor,
        now=now,
    )
