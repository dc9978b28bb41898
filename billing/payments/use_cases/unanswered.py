"""Insurers' money that nobody chose anything for goes back after 30 days."""

from __future__ import annotations

from datetime import UTC, datetime, time

from billing.care.queries import coverage_of
from billing.catalog.queries import site_date
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import is_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import AskAPersonFirst
from billing.payments.queries.choices import goes_back_now, is_forgotten
from billing.payments.queries.credits import find_credit
from billing.payments.queries.disputes import reimbursed_beside_losses
from billing.payments.queries.payments import PAYMENT, find_payment, of_health_account
from billing.payments.queries.refunds import cards_gone
from billing.payments.records.credits import Chooser, CreditLot, Election
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import Refund, RefundMethod
from billing.payments.rules.choices import ANSWERS_WITHIN, goes_back_on
from billing.payments.rules.refunds import goes_back_by
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.credits import CHOICE_DUE, elect
from billing.payments.use_cases.disputes import REIMBURSED_TOO
from billing.payments.use_cases.refunds import request_refund
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, stands_open


def refund_unanswered(tx: Tx, *, lot_id: str, limit: Money, actor: Actor, now: datetime) -> Refund | None:
    """Give back one of `credits_to_refund`; None when that was done, or chosen otherwise, meanwhile.

    It goes to a card that paid the visit and takes all of it, else by check.
    Raises: AskAPersonFirst, and what `request_refund` raises.
    """
    lock_patient(tx, find_credit(tx, lot_id, actor).patient_id)
    lot = find_credit(tx, lot_id, actor)
    if not goes_back_now(tx, lot_id, site_date(tx, lot.site_id, now) - ANSWERS_WITHIN):
        return None
    if is_on_hold(tx, lot.patient_id):
        raise AskAPersonFirst("The patient has died or is bankrupt: ask who acts for them.")
    if _is_doubted(tx, lot.patient_id):
        raise AskAPersonFirst("A bank took back what had paid the visit: find out whose the money is.")
    is_of_account = of_health_account(tx, lot)
    card = _card_of(tx, lot, is_of_account=is_of_account)
    if card is None and is_of_account:
        raise AskAPersonFirst("A health account had paid: ask the patient where it goes.")
    if lot.election is None:
        nobody = Chooser.NOBODY
        elect(tx, lot_id=lot_id, election=Election.REFUND, chooser=nobody, actor=actor, now=now)
    return request_refund(
        tx,
        lot_id=lot_id,
        amount=lot.available,
        available=lot.available,
        payment_id=card.id if card else None,
        limit=limit,
        actor=actor,
        now=now,
    )


def ask_about_choice(tx: Tx, *, lot_id: str, actor: Actor, now: datetime) -> None:
    """A person gives back what could not be given back by itself.

    A task that ended, or that a person closed, before it was due to go back this time, or over 30 days ago,
    is open again.
    """
    lot = find_credit(tx, lot_id, actor)
    due_at = lot.elected_at or datetime.combine(goes_back_on(lot), time.min, UTC)
    closed_before = max(due_at, now - ANSWERS_WITHIN)
    ask_again(tx, kind=CHOICE_DUE, about=lot, closed_before=closed_before, actor=actor, now=now)


def ask_about_forgotten(tx: Tx, *, lot_id: str, actor: Actor, now: datetime) -> None:
    """A person asks for the refund that was chosen; closed without one, the task comes again."""
    lock_patient(tx, find_credit(tx, lot_id, actor).patient_id)
    if is_forgotten(tx, lot_id):
        lot = find_credit(tx, lot_id, actor)
        ask_again(tx, kind=CHOICE_DUE, about=lot, closed_before=now - ANSWERS_WITHIN, actor=actor, now=now)


def _card_of(tx: Tx, lot: CreditLot, *, is_of_account: bool) -> Payment | None:
    """A card payment that covers the visit, can still be refunded, and is as large.

    What a health account paid goes back to a card of one alone, and what no account paid never does.
    """
    covering = [
        part.source_id for part in coverage_of(tx, str(lot.session_id)) if part.source_kind == PAYMENT
    ]
    gone = cards_gone(tx, covering)
    for payment in (find_payment(tx, payment_id, SYSTEM) for payment_id in covering):
        is_card = goes_back_by(payment.tender) is RefundMethod.CARD and payment.id not in gone
        is_patients = payment.payer_id is None and payment.state is PaymentState.RECEIVED
        is_alike = payment.is_health_account == is_of_account
        if (
            is_card
            and is_patients
            and is_alike
            and payment.amount - payment.refunded - payment.lost >= lot.available
        ):
            return payment
    return None


def _is_doubted(tx: Tx, patient_id: str) -> bool:
    """Whether a person finds out whose insurers' money is, since a bank took what had paid for the visit."""
    lost = reimbursed_beside_losses(tx, patient_id)
    return any(stands_open(tx, kind=REIMBURSED_TOO, subject_id=each) for each in lost)
