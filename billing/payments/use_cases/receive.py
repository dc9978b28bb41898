"""Money received: booked, applied to its invoice, posted with the processor's fee."""

from __future__ import annotations

from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.invoices.errors import MoreThanOwed
from billing.invoices.queries import find_share
from billing.invoices.records import Invoice, SettledPart
from billing.invoices.rules import paying_share_lines, refuse_unless_open, settling_lines, what_is_owed
from billing.invoices.states import InvoiceState
from billing.invoices.use_cases.locks import lock_invoice
from billing.invoices.use_cases.settle import settle
from billing.invoices.use_cases.shares import fulfil_share
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors.drawers import TenderedTooLittle
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.checkouts import owner_of_checkout, refuse_while_standing
from billing.payments.queries.checks import instrument_of, refuse_booked_before
from billing.payments.queries.deposits import held_in
from billing.payments.queries.payments import CHECKOUT, PAYMENT, payment_of
from billing.payments.records.checkouts import Checkout
from billing.payments.records.credits import CreditSource
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import ChargeFacts, Owned, Payment, Tender
from billing.payments.rules.tenders import refuse_unless_payable
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.credit_tasks import ask_about_excess
from billing.payments.use_cases.credits import open_lot
from billing.payments.use_cases.drawers import lock_open_drawer, refuse_cash_outside
from billing.payments.use_cases.receipts import issue_payment_receipt
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def take_cash(
    tx: Tx,
    *,
    invoice_id: str,
    amount: Money,
    tendered: Money | None = None,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Take cash at the desk: what is kept of what was handed over, the rest of which is change.

    It falls into the actor's open drawer at that site, if there is one.
    Raises: NoSuchInvoice; CheckoutStands; MoreThanOwed, since a zero too many is likelier than a gift;
    TenderedTooLittle.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    refuse_while_standing(tx, invoice_id)
    if amount > invoice.open_balance:
        raise MoreThanOwed(what_is_owed(invoice), open_cents=invoice.open_balance.cents)
    row = new_payment(tx, invoice, Tender.CASH, amount, now)
    put_in_drawer(tx, row, tendered, actor)
    return book(tx, invoice, row, actor=actor, now=now)


def put_in_drawer(tx: Tx, row: PaymentRow, tendered: Money | None, actor: Actor) -> None:
    """Cash falls into the open drawer of who takes it, and what was handed over is remembered.

    Raises: TenderedTooLittle, DrawerElsewhere.
    """
    if tendered is not None and tendered.cents < row.amount_cents:
        kept = Money(row.amount_cents)
        flaw = Flaw("/tendered_cents", f"Must be {kept} or more.")
        raise TenderedTooLittle(f"{tendered} was handed over, which is less than {kept}.", [flaw])
    row.tendered_cents = None if tendered is None else tendered.cents
    row.drawer_id = lock_open_drawer(tx, row.site_id, actor)
    if row.drawer_id is None:
        refuse_cash_outside(tx, row.site_id, actor)


def take_check(
    tx: Tx,
    *,
    invoice_id: str,
    amount: Money,
    number: str,
    dated_on: date,
    is_health_account: bool,
    is_another: bool = False,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Take a check for what is written on it; what the invoice does not need is the patient's credit.

    `is_another` is the word of who takes it that it is not the one of that number which is booked.
    Raises: NoSuchInvoice, CheckoutStands, InvoiceNotOpen, CheckPostdated, CheckStale, CheckBookedBefore.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    refuse_while_standing(tx, invoice_id)
    refuse_unless_open(invoice)
    refuse_unless_payable(dated_on, site_date(tx, invoice.site_id, now))
    if not is_another:
        refuse_booked_before(tx, invoice, number, actor=actor)
    row = new_payment(tx, invoice, Tender.CHECK, amount, now)
    row.instrument, row.is_health_account = instrument_of(number), is_health_account
    return book(tx, invoice, row, actor=actor, now=now)


def take_charge(tx: Tx, *, checkout: Checkout, charge: ChargeFacts, actor: Actor, now: datetime) -> Payment:
    """Book a charge that the processor made, with its fee.

    What the invoice no longer needs becomes the patient's credit, or is held for the payer whose it was, and
    a person is told. What pays a deposit is one. A debit is received when it has succeeded, days after it was
    made.
    Raises: NoSuchInvoice.
    """
    owner = lock_owner(tx, checkout, actor)
    received_at = now if charge.tender is Tender.ACH else charge.charged_at
    row = new_payment(tx, owner, charge.tender, charge.amount, received_at)
    row.checkout_id, row.charge_reference, row.fee_cents = checkout.id, charge.reference, charge.fee.cents
    row.instrument, row.is_health_account = charge.instrument, checkout.is_health_account
    if checkout.share_id is not None:
        payment = book_share(tx, checkout.share_id, row, actor=actor, now=now)
        ask_about_excess(tx, payment, actor=actor, now=now)
    elif isinstance(owner, Invoice):
        payment = book(tx, owner, row, actor=actor, now=now)
        ask_about_excess(tx, payment, actor=actor, now=now)
    else:
        payment = book(tx, None, row, held=CreditSource.DEPOSIT, actor=actor, now=now)
    if charge.fee:
        post_fee(tx, payment, actor, now)
    return payment


def book(
    tx: Tx,
    invoice: Invoice | None,
    row: PaymentRow,
    *,
    held: CreditSource = CreditSource.OVERPAYMENT,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Write a payment, settle with it what an invoice owes, hold what exceeds, and post the entry.

    `held` is what the excess is: more than was owed, or a deposit, for which there is no invoice yet.
    """
    tx.session.add(row)
    tx.session.flush()
    payment = payment_of(row)
    applied = ZERO
    parts: tuple[SettledPart, ...] = ()
    if invoice and invoice.state is InvoiceState.OPEN:
        applied = min(payment.amount, invoice.open_balance)
        parts = settle(
            tx,
            invoice_id=invoice.id,
            source_kind=PAYMENT,
            source_id=payment.id,
            amount=applied,
            actor=actor,
            now=now,
        ).parts
    excess = payment.amount - applied
    lots = []
    if excess:
        lot = open_lot(
            tx,
            payment,
            source=held,
            source_id=payment.id,
            origin_payment_id=payment.id,
            amount=excess,
            held_on=payment.received_on,
        )
        lots.append(credit(lot.account, excess, payment.patient_id))
    lines = (
        debit(held_in(tx, payment), payment.amount, payment.patient_id),
        *settling_lines(parts, payment.patient_id),
        *lots,
    )
    return _received(tx, payment, parts, lines, actor, now)


def book_share(tx: Tx, share_id: str, row: PaymentRow, *, actor: Actor, now: datetime) -> Payment:
    """Write another payer's payment, let it stand where their share stood, and hold for them what exceeds."""
    share = find_share(tx, share_id, SYSTEM)
    row.payer_id, row.share_id = share.payer_id, share.id
    tx.session.add(row)
    tx.session.flush()
    payment, applied = payment_of(row), min(Money(row.amount_cents), share.open_balance)
    parts: tuple[SettledPart, ...] = ()
    if applied:
        parts = fulfil_share(
            tx,
            share_id=share_id,
            source_kind=PAYMENT,
            source_id=payment.id,
            amount=applied,
            actor=actor,
            now=now,
        )
    excess = payment.amount - applied
    if excess:
        open_lot(
            tx,
            payment,
            source=CreditSource.OVERPAYMENT,
            source_id=payment.id,
            origin_payment_id=payment.id,
            payer_id=payment.payer_id,
            amount=excess,
            held_on=payment.received_on,
        )
    lines = (
        debit(held_in(tx, payment), payment.amount, payment.patient_id),
        *paying_share_lines(parts, payment.patient_id),
        credit(Account.PAYER_MONEY_TO_RETURN, excess, payment.patient_id),
    )
    return _received(tx, payment, parts, lines, actor, now)


def _received(
    tx: Tx,
    payment: Payment,
    parts: tuple[SettledPart, ...],
    lines: tuple[Line, ...],
    actor: Actor,
    now: datetime,
) -> Payment:
    post(tx, _posting(payment, "received", lines), actor=actor, now=now)
    detail = {"cents": payment.amount.cents}
    record_audit(tx, actor=actor, action="payment.receive", subject_id=payment.id, now=now, detail=detail)
    issue_payment_receipt(tx, payment, parts, now)
    return payment


def new_payment(tx: Tx, of: Owned, tender: Tender, amount: Money, received_at: datetime) -> PaymentRow:
    """A payment that is not booked yet, of an invoice or of what will have one."""
    return PaymentRow(
        id=new_id("pay"),
        entity_id=of.entity_id,
        site_id=of.site_id,
        patient_id=of.patient_id,
        invoice_id=of.id if isinstance(of, Invoice) else None,
        tender=tender,
        amount_cents=amount.cents,
        fee_cents=0,
        refunded_cents=0,
        lost_cents=0,
        state=PaymentState.RECEIVED,
        is_health_account=False,
        received_on=site_date(tx, of.site_id, received_at),
        received_at=received_at,
    )


def post_fee(tx: Tx, payment: Payment, actor: Actor, now: datetime) -> None:
    """What the processor kept of a payment."""
    lines = (
        debit(Account.PROCESSOR_FEES, payment.fee),
        credit(Account.PROCESSOR_CLEARING, payment.fee),
    )
    post(tx, _posting(payment, "fee", lines), actor=actor, now=now)


def post_lost_fee(tx: Tx, checkout: Checkout, *, fee: Money, actor: Actor, now: datetime) -> None:
    """What the processor kept for a debit that failed."""
    if not fee:
        return
    owner = lock_owner(tx, checkout, actor)
    lines = (debit(Account.PROCESSOR_FEES, fee), credit(Account.PROCESSOR_CLEARING, fee))
    source, on = Source(CHECKOUT, checkout.id, "fee"), site_date(tx, owner.site_id, now)
    post(tx, Posting.of(owner, source, on, lines), actor=actor, now=now)


def lock_owner(tx: Tx, checkout: Checkout, actor: Actor) -> Invoice | DepositRequest:
    """What an attempt pays, its patient locked. Raises: NoSuchInvoice, NoSuchDepositRequest."""
    lock_patient(tx, checkout.patient_id)
    return owner_of_checkout(tx, checkout, actor)


def _posting(payment: Payment, purpose: str, lines: tuple[Line, ...]) -> Posting:
    return Posting.of(payment, Source(PAYMENT, payment.id, purpose), payment.received_on, lines)
