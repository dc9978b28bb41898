"""A payment that was booked for the wrong patient, booked again for the right one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from billing.invoices.queries import find_invoice, still_applied
from billing.invoices.records import Invoice, SettledPart
from billing.invoices.rules import owing_again_lines
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.queries import entry_of
from billing.ledger.records import Posting, Source, credit, debit
from billing.ledger.use_cases import post, reverse
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.errors import AnotherEntity, AnotherPatient, NotMovable
from billing.payments.models.deposits import BankDepositItemRow
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.credits import credits_from_payment, reimbursed_for_session
from billing.payments.queries.deposits import held_in
from billing.payments.queries.disputes import refuse_while_asked_about, refuse_while_disputed
from billing.payments.queries.payments import PAYMENT, find_payment
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.records.credits import CreditLot, CreditSource, Withdrawal
from billing.payments.records.payments import Payment
from billing.payments.states.payments import PAYMENT_MOVES, PaymentEvent, PaymentState
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.deposit_requests import ask_for_deposit_again, take_off_requests
from billing.payments.use_cases.receive import book, post_fee
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person

PRIVACY_REVIEW = "privacy-review"


def move_payment(
    tx: Tx, *, payment_id: str, patient_id: str, invoice_id: str | None, actor: Actor, now: datetime
) -> Payment:
    """Book a payment for the patient whose money it was, as of the day on which it came.

    What it had covered for the wrong patient is owed there again. It settles the invoice, if one is named;
    the rest is the right patient's credit, or deposit if it was one, and then the wrong patient is asked for
    theirs again and the right one no more. A person looks at what the wrong patient may have been shown.
    Raises: NoSuchPayment, NoSuchPatient, NoSuchInvoice, AnotherEntity, AnotherPatient, CheckoutStands,
    NotMovable, PaymentDisputed, VoidedCheckPaid, IllegalMove for one that was moved before or bounced.
    """
    payment = _locked(tx, payment_id, patient_id, actor)
    to = _destination(tx, patient_id, invoice_id, actor)
    row = tx.session.get_one(PaymentRow, payment_id)
    advance(tx, row, PAYMENT_MOVES, PaymentEvent.MOVE, actor=actor, now=now)
    held = _held_as(credits_from_payment(tx, payment.id))
    _take_from_the_wrong_patient(tx, payment, actor, now)
    moved = book(tx, to, _again(row, patient_id, invoice_id), held=held, actor=actor, now=now)
    if held is CreditSource.DEPOSIT:
        ask_for_deposit_again(tx, payment_id=payment.id, owed=ZERO, actor=actor, now=now)
        take_off_requests(tx, payment=moved, actor=actor, now=now)
    _stay_banked(tx, payment, moved)
    if moved.fee:
        _move_fee(tx, payment, moved, actor, now)
    _ask_to_look(tx, payment, actor, now)
    detail: dict[str, str | int] = {"cents": payment.amount.cents, "to": moved.id}
    record_audit(tx, actor=actor, action="payment.move", subject_id=payment_id, now=now, detail=detail)
    return moved


def _held_as(lots: Iterable[CreditLot]) -> CreditSource:
    """A deposit is one for the right patient too: their next invoice takes it by itself."""
    is_deposit = any(lot.source is CreditSource.DEPOSIT for lot in lots)
    return CreditSource.DEPOSIT if is_deposit else CreditSource.OVERPAYMENT


def _locked(tx: Tx, payment_id: str, patient_id: str, actor: Actor) -> Payment:
    payment, patient = find_payment(tx, payment_id, actor), find_patient(tx, patient_id, actor)
    if patient.entity_id != payment.entity_id:
        raise AnotherEntity("The payment belongs to another legal entity. Refund it there instead.")
    if patient.id == payment.patient_id:
        raise NotMovable("The payment is this patient's already. Move what it paid as credit instead.")
    if payment.payer_id is not None:
        raise NotMovable("Another payer gave this for a part that they had agreed to. Refund it to them.")
    for one in sorted((payment.patient_id, patient.id)):
        lock_patient(tx, one)
    refuse_while_disputed(tx, payment.patient_id)
    refuse_while_asked_about(tx, payment.id)
    return find_payment(tx, payment_id, actor)


def _destination(tx: Tx, patient_id: str, invoice_id: str | None, actor: Actor) -> Invoice | None:
    if invoice_id is None:
        return None
    invoice = find_invoice(tx, invoice_id, actor)
    if invoice.patient_id != patient_id:
        raise AnotherPatient("That invoice is not the named patient's.")
    refuse_while_standing(tx, invoice_id)
    return invoice


def _take_from_the_wrong_patient(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> None:
    """The whole payment leaves: what it covers, and what is left of it as credit."""
    lots = credits_from_payment(tx, payment.id)
    for lot in lots:
        refuse_while_paid_twice(tx, lot.id)
    applied = _applied(tx, payment)
    whole = applied + total(lot.available for lot in lots) == payment.amount
    was_refunded = payment.refunded or any(lot.source is CreditSource.RELEASED for lot in lots)
    if not whole or was_refunded or payment.lost:
        raise NotMovable(
            "Some of this payment was given back, is disputed, or was spent as credit. Undo that first."
        )
    parts = _owe_again(tx, payment, applied, actor, now)
    if any(reimbursed_for_session(tx, part.session_id) for part in parts):
        raise NotMovable("An insurer gave money back for what this payment paid. Undo that first.")
    _withdraw_all(tx, payment, lots, now)
    lines = (
        *owing_again_lines(parts, payment.patient_id),
        *(debit(lot.account, lot.available, payment.patient_id) for lot in lots),
        credit(held_in(tx, payment), payment.amount, payment.patient_id),
    )
    source = Source(PAYMENT, payment.id, "moved")
    post(tx, Posting.of(payment, source, payment.received_on, lines), actor=actor, now=now)


def _applied(tx: Tx, payment: Payment) -> Money:
    if payment.invoice_id is None:
        return ZERO
    return still_applied(tx, payment.invoice_id, PAYMENT, payment.id)


def _owe_again(
    tx: Tx, payment: Payment, applied: Money, actor: Actor, now: datetime
) -> Sequence[SettledPart]:
    if payment.invoice_id is None or not applied:
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


def _withdraw_all(tx: Tx, payment: Payment, lots: Iterable[CreditLot], now: datetime) -> None:
    for lot in lots:
        withdraw(
            tx,
            lot_id=lot.id,
            reason=Withdrawal.MOVED,
            subject_id=payment.id,
            amount=lot.available,
            withdrawn_on=payment.received_on,
            now=now,
        )


def _again(row: PaymentRow, patient_id: str, invoice_id: str | None) -> PaymentRow:
    """The same money, for the right patient: its day, its charge and so its way back stay as they were."""
    return PaymentRow(
        id=new_id("pay"),
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=patient_id,
        invoice_id=invoice_id,
        payer_id=row.payer_id,
        state=PaymentState.RECEIVED,
        tender=row.tender,
        instrument=row.instrument,
        is_health_account=row.is_health_account,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        refunded_cents=0,
        lost_cents=0,
        charge_reference=row.charge_reference,
        corrects_id=row.id,
        drawer_id=row.drawer_id,
        tendered_cents=row.tendered_cents,
        received_on=row.received_on,
        received_at=row.received_at,
    )


def _stay_banked(tx: Tx, payment: Payment, moved: Payment) -> None:
    """Nobody carries to the bank again what is there."""
    if item := tx.session.get(BankDepositItemRow, payment.id):
        again = BankDepositItemRow(
            payment_id=moved.id, deposit_id=item.deposit_id, from_drawer_id=item.from_drawer_id
        )
        tx.session.add(again)
        tx.session.flush()


def _move_fee(tx: Tx, payment: Payment, moved: Payment, actor: Actor, now: datetime) -> None:
    posted = entry_of(tx, source_kind=PAYMENT, source_id=payment.id, purpose="fee")
    if posted is not None:
        reverse(tx, posted, source_kind=PAYMENT, source_id=payment.id, actor=actor, now=now)
        post_fee(tx, moved, actor, now)


def _ask_to_look(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> None:
    """Papers of the wrong patient may have shown somebody else's money."""
    ask_a_person(tx, kind=PRIVACY_REVIEW, about=payment, actor=actor, now=now)
