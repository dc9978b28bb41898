"""A check that the bank did not pay: what it had paid is owed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.invoices.queries import find_invoice, standing_lines, still_applied
from billing.invoices.records import SettledPart
from billing.invoices.rules import owing_again_lines, owing_share_again_lines
from billing.invoices.use_cases.shares import agree_again
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.queries import least_owed
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import NotACheck, NotBounceable, RefundStands
from billing.payments.errors.checks import CheckNotBanked
from billing.payments.models.bounces import BounceRow
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.bounces import bounce_of, refunds_of_money
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.credits import (
    applications_of_credit,
    credits_from_payment,
)
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.deposits import banked_on, held_in
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.queries.dormant import credit_of_the_state
from billing.payments.queries.payments import CREDIT, PAYMENT, find_payment
from billing.payments.records.bounces import Bounce, BounceReason
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.payments import Payment, Tender
from billing.payments.states.dormant import DormantState
from billing.payments.states.payments import PAYMENT_MOVES, PaymentEvent
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.deposit_requests import ask_for_deposit_again
from billing.payments.use_cases.excess import use_reimbursements
from billing.payments.use_cases.unapply import undo_application
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person

BOUNCE = "bounce"
CHECK_BOUNCED = "check-bounced"
"""The task of a person who talks to the patient: days to come are not paid any more."""


def bounce_check(
    tx: Tx,
    *,
    payment_id: str,
    reason: BounceReason,
    bounced_on: date,
    fee: Money,
    actor: Actor,
    now: datetime,
) -> Bounce:
    """Record that a check is worth nothing, before it was banked or after.

    What its money had paid is owed again, also where it had become credit first; what was still credit is
    gone. Another payer's check is that payer's debt again. The bank's fee is the clinic's; a check that was
    not banked is taken back, without one. What it paid of a deposit is asked for again, unless an invoice
    owes it. What an insurer paid for it, and the patient still has as credit, comes off what is owed again.
    Raises: NoSuchPayment, NotACheck, IllegalMove for one that bounced before or was moved, BadDay,
    CheckNotBanked, RefundStands, CheckoutStands, NotBounceable.
    """
    payment = _locked(tx, payment_id, actor)
    if payment.tender is not Tender.CHECK:
        raise NotACheck("Only a check bounces; what else fails, the processor says.")
    row = tx.session.get_one(PaymentRow, payment_id)
    advance(tx, row, PAYMENT_MOVES, PaymentEvent.BOUNCE, actor=actor, now=now)
    earliest = banked_on(tx, payment.id) or payment.received_on
    refuse_unless_past(tx, payment.site_id, "bounced_on", bounced_on, now, since=earliest)
    if fee and held_in(tx, payment) is Account.UNDEPOSITED:
        raise CheckNotBanked(
            "This check was not taken to the bank. Record the bank deposit first, or take the check back "
            "without a fee."
        )
    _refuse_while_given_back(tx, payment)
    of_payer = payment.payer_id is not None
    parts = (_payers_again if of_payer else _off_its_invoice)(tx, payment, actor, now)
    applied = total(part.amount for part in parts)
    undone = _off_other_invoices(tx, payment, bounced_on, actor, now)
    spent = total(undone.values())
    lots = credits_from_payment(tx, payment.id)
    if applied + total(lot.available for lot in lots) != payment.amount:
        raise _is_the_states(tx, payment)
    on = _booked_on(tx, payment, lots, bounced_on, now)
    _withdraw_all(tx, payment, lots, on, now)
    bounce = _keep(tx, payment, reason, bounced_on, (applied + spent, fee), now)
    _post(tx, payment, bounce, (parts, lots), on, actor, now)
    if not of_payer:
        use_reimbursements(tx, session_ids=_owing_again(tx, payment, undone), actor=actor, now=now)
    ask_for_deposit_again(tx, payment_id=payment.id, owed=applied + spent, actor=actor, now=now)
    _ask_to_talk(tx, payment, actor, now)
    detail = {"cents": payment.amount.cents}
    record_audit(tx, actor=actor, action="payment.bounce", subject_id=payment.id, now=now, detail=detail)
    return bounce


def _locked(tx: Tx, payment_id: str, actor: Actor) -> Payment:
    lock_patient(tx, find_payment(tx, payment_id, actor).patient_id)
    return find_payment(tx, payment_id, actor)


def _refuse_while_given_back(tx: Tx, payment: Payment) -> None:
    """Money that never came cannot go back, and what went is not undone by an entry here."""
    if standing := refunds_of_money(tx, payment.id):
        raise RefundStands(
            "Money of this check is being given back. Reject what waits, void the check that was written, "
            "claim what was set aside for the state. What was cashed, or the state has, is the accountant's.",
            refund_ids=list(standing),
        )


def _is_the_states(tx: Tx, payment: Payment) -> NotBounceable:
    """Only what is set aside can be had back here; what a state has, the state alone returns."""
    found = credit_of_the_state(tx, payment.id)
    set_aside = [each.id for each in found if each.state is DormantState.SET_ASIDE]
    if set_aside:
        return NotBounceable(
            "Some of this money is set aside for the state. The accountant claims it for its owner first; "
            "then the check can be recorded.",
            dormant_ids=set_aside,
        )
    return NotBounceable(
        "The state has some of this money, so that it cannot be taken off here any more. Ask the state to "
        "return what was remitted in error; what it keeps is the clinic's loss, and is not booked here.",
        dormant_ids=[each.id for each in found],
    )


def _off_its_invoice(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> Sequence[SettledPart]:
    if payment.invoice_id is None:
        return ()
    applied = still_applied(tx, payment.invoice_id, PAYMENT, payment.id)
    if not applied:
        return ()
    refuse_while_standing(tx, payment.invoice_id)
    return take_back(
        tx,
        invoice_id=payment.invoice_id,
        source_kind=PAYMENT,
        source_id=payment.id,
        amount=applied,
        actor=actor,
        now=now,
    ).parts


def _payers_again(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> Sequence[SettledPart]:
    """The payer owes their part once more, and the patient no more than before. Raises: NotBounceable."""
    invoice_id, share_id = str(payment.invoice_id), payment.share_id
    if not still_applied(tx, invoice_id, PAYMENT, payment.id):
        return ()
    if share_id is None:
        raise NotBounceable("Nobody recorded which part this check had paid. The accountant books this one.")
    refuse_while_standing(tx, invoice_id, share_id)
    return agree_again(tx, share_id=share_id, source_kind=PAYMENT, source_id=payment.id, actor=actor, now=now)


def _owing_again(tx: Tx, payment: Payment, undone: Iterable[str]) -> Sequence[str]:
    own = [payment.invoice_id] if payment.invoice_id is not None else []
    invoices = [find_invoice(tx, each, SYSTEM) for each in dict.fromkeys([*own, *undone])]
    return [line.session_id for invoice in invoices for line in standing_lines(tx, invoice)]


def _off_other_invoices(
    tx: Tx, payment: Payment, bounced_on: date, actor: Actor, now: datetime
) -> Mapping[str, Money]:
    """Credit that this money had become comes off the invoices that took it; how much off each.

    On the day of the bounce, which takes the credit: else there would be less than none of it meanwhile.
    """
    undone: dict[str, Money] = {}
    for lot_id in credits_brought_by(tx, payment.id):
        for application in applications_of_credit(tx, lot_id):
            standing = still_applied(tx, application.invoice_id, CREDIT, application.id)
            if standing:
                refuse_while_standing(tx, application.invoice_id)
                undo_application(tx, application, standing, actor, now, since=bounced_on)
                undone[application.invoice_id] = undone.get(application.invoice_id, ZERO) + standing
    return undone


def _booked_on(tx: Tx, payment: Payment, lots: Sequence[CreditLot], bounced_on: date, now: datetime) -> date:
    """The day of the bounce, or today if it takes what was not credit ever since."""
    taken = total(lot.available for lot in lots)
    if taken and taken > least_owed(tx, lots[0].account, payment.patient_id, since=bounced_on):
        return site_date(tx, payment.site_id, now)
    return bounced_on


def _withdraw_all(tx: Tx, payment: Payment, lots: Sequence[CreditLot], on: date, now: datetime) -> None:
    for lot in lots:
        withdraw(
            tx,
            lot_id=lot.id,
            reason=Withdrawal.BOUNCED,
            subject_id=payment.id,
            amount=lot.available,
            withdrawn_on=on,
            now=now,
        )


def _keep(
    tx: Tx,
    payment: Payment,
    reason: BounceReason,
    bounced_on: date,
    owed_and_fee: tuple[Money, Money],
    now: datetime,
) -> Bounce:
    owed, fee = owed_and_fee
    row = BounceRow(
        id=new_id("bnc"),
        entity_id=payment.entity_id,
        site_id=payment.site_id,
        patient_id=payment.patient_id,
        payment_id=payment.id,
        reason=reason,
        amount_cents=payment.amount.cents,
        owed_cents=owed.cents,
        fee_cents=fee.cents,
        bounced_on=bounced_on,
        recorded_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    return bounce_of(row)


def _post(
    tx: Tx,
    payment: Payment,
    bounce: Bounce,
    gone: tuple[Sequence[SettledPart], Sequence[CreditLot]],
    on: date,
    actor: Actor,
    now: datetime,
) -> None:
    parts, lots = gone
    owing_again = owing_again_lines if payment.payer_id is None else owing_share_again_lines
    lines = (
        *owing_again(parts, payment.patient_id),
        *(debit(lot.account, lot.available, payment.patient_id) for lot in lots),
        credit(held_in(tx, payment), payment.amount, payment.patient_id),
    )
    source = Source(PAYMENT, payment.id, "bounced")
    post(tx, Posting.of(payment, source, on, lines), actor=actor, now=now)
    if bounce.fee:
        asked = (debit(Account.BANK_FEES, bounce.fee), credit(Account.BANK, bounce.fee))
        source = Source(BOUNCE, bounce.id, "fee")
        post(tx, Posting.of(payment, source, bounce.bounced_on, asked), actor=actor, now=now)


def _ask_to_talk(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> None:
    ask_a_person(tx, kind=CHECK_BOUNCED, about=payment, actor=actor, now=now)
