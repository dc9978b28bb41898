"""The fee for a session that the patient missed: billed on somebody's decision, and waived on another."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.care.use_cases import set_due
from billing.invoices.errors import FeeChanged, NotAFee
from billing.invoices.queries import fee_of_missed
from billing.invoices.records import NO_SHOW, Invoice, InvoiceKind, InvoiceLine
from billing.invoices.states import InvoiceIssued
from billing.invoices.use_cases.earn import earn_fee
from billing.invoices.use_cases.issue import stand_on, write_invoice
from billing.invoices.use_cases.locks import lock_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.patients.queries import refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def bill_no_show(
    tx: Tx, *, session_id: str, fee: Money | None = None, actor: Actor, now: datetime
) -> Invoice:
    """Charge the fee for a missed session: an invoice of its own, owed at once, which a deposit pays first.

    `fee` is what it was shown with, where somebody looked first.
    Raises: NoSuchSession, SessionNotMissed, SessionAlreadyInvoiced, NeverThePatient, NoFeeAgreed, FeeChanged,
    AccountOnHold.
    """
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    quote, amount = fee_of_missed(tx, session_id, actor)
    session = find_session(tx, session_id, actor)
    refuse_while_on_hold(tx, session.patient_id, arose_on=session.planned_on)
    if fee not in (None, amount):
        raise FeeChanged(f"The fee is {amount} by now.", fee_cents=amount.cents)
    line = InvoiceLine(
        id=new_id("inl"),
        session_id=session_id,
        service=NO_SHOW,
        service_on=session.planned_on,
        charge=amount,
        discount=ZERO,
        net=amount,
    )
    invoice = write_invoice(tx, quote, InvoiceKind.FEE, [line], now)
    stand_on(tx, invoice)
    set_due(tx, session_id=session_id, due=amount, actor=actor, now=now)
    earn_fee(tx, invoice, actor, now)
    detail = {"total_cents": amount.cents}
    record_audit(tx, actor=actor, action="invoice.issue", subject_id=invoice.id, now=now, detail=detail)
    tx.emit(InvoiceIssued(invoice_id=invoice.id, patient_id=invoice.patient_id, actor=actor, now=now))
    return invoice


def waive_no_show(tx: Tx, *, invoice_id: str, reason: str, actor: Actor, now: datetime) -> Invoice:
    """Give up a fee of which nothing is paid: what a deposit had paid of it is taken off first.

    Raises: NoSuchInvoice, NotAFee, IllegalMove, InvoiceInUse.
    """
    if lock_invoice(tx, invoice_id, actor).kind is not InvoiceKind.FEE:
        raise NotAFee("This invoice is no fee for a missed session.")
    return void_invoice(tx, invoice_id=invoice_id, reason=reason, actor=actor, now=now)
