"""A patient's attempt to pay on the processor's page, from the intent to the money."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.catalog.queries import find_entity
from billing.invoices.queries import find_share
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice
from billing.invoices.rules import refuse_unless_open
from billing.invoices.use_cases.locks import lock_invoice
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.patients.queries import refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import DueChanged, NoSuchCheckout, TooSmallForCard
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.queries.checkouts import (
    checkout_of,
    has_use,
    refuse_standing,
    refuse_while_standing,
    standing_checkout,
)
from billing.payments.queries.credits import credit_coming_off
from billing.payments.queries.deposit_requests import find_deposit_request, refuse_unless_asked
from billing.payments.queries.saved_methods import chargeable_consent
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import ChargeFacts
from billing.payments.records.saved_methods import AfterDecline, Purpose
from billing.payments.records.tenders import Rest
from billing.payments.rules.saved_methods import after_decline
from billing.payments.rules.tenders import SMALLEST_CARD_PAYMENT
from billing.payments.states.checkouts import CHECKOUT_MOVES, PAYABLE, STANDING, CheckoutEvent, CheckoutState
from billing.payments.use_cases.closing import close_soon
from billing.payments.use_cases.credits import apply_credits
from billing.payments.use_cases.deposit_requests import keep_deposit_paid
from billing.payments.use_cases.receive import post_lost_fee, take_charge
from billing.payments.use_cases.refused_debits import ask_to_collect
from billing.payments.use_cases.saved_methods import block_card
from billing.payments.use_cases.unapply import lend_again, return_lent_credit
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.errors import KeyReused
from billing.platform.data.idempotency import RequestKey
from billing.platform.data.states import advance

LASTS = {
    Way.PAGE: timedelta(hours=1),
    Way.READER: timedelta(minutes=15),
    Way.SAVED: timedelta(minutes=15),
}


def begin_checkout(
    tx: Tx,
    *,
    invoice_id: str,
    return_url: str,
    request: RequestKey | None,
    is_health_account: bool = False,
    share_id: str | None = None,
    actor: Actor,
    now: datetime,
) -> Checkout:
    """Record the intent to pay what the patient owes, or another payer of a share.

    A repeated request finds its first one. Elected credit comes off first, until the page took nothing; when
    credit pays all, there is no page. Another payer's share takes none of it.

    A page of the same amount that stands already is the one to pay on: twenty clicks are one checkout.
    `is_health_account` is the payer's word that an HSA or FSA pays.
    Raises: NoSuchInvoice, NoSuchShare, AccountOnHold, InvoiceNotOpen, TooSmallForCard, CheckoutStands,
    KeyReused.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    owed = find_share(tx, share_id, actor).open_balance if share_id else invoice.open_balance
    if request and (known := _by_request(tx, request)):
        return known
    if share_id is None:
        refuse_while_on_hold(tx, invoice.patient_id, arose_on=arose_on(tx, invoice))
    coming_off = ZERO if share_id else credit_coming_off(tx, invoice)
    standing = standing_checkout(tx, invoice_id, share_id)
    if standing and not coming_off and _is_page_of(standing, owed, now):
        return _open_again(tx, standing.id, actor, now, is_health_account=is_health_account)
    refuse_standing(standing)
    if share_id is None:
        refuse_unless_open(invoice)
    row = _new(tx, invoice, owed - coming_off, coming_off, Way.PAGE, request, now)
    row.share_id = share_id
    row.return_url, row.is_health_account = return_url, is_health_account
    return _begun(tx, row, coming_off, actor, now)


def begin_reader_payment(
    tx: Tx, *, invoice_id: str, reader_id: str, request: RequestKey, actor: Actor, now: datetime
) -> Checkout:
    """Record the intent to take what is open on a card reader; a repeated request finds its first one.

    Elected credit comes off first, until the reader took nothing; when credit pays all, no reader is asked.
    Raises: NoSuchInvoice, AccountOnHold, InvoiceNotOpen, TooSmallForCard, CheckoutStands, KeyReused.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    if known := _by_request(tx, request):
        return known
    _refuse_unless_chargeable(tx, invoice)
    coming_off = credit_coming_off(tx, invoice)
    row = _new(tx, invoice, invoice.open_balance - coming_off, coming_off, Way.READER, request, now)
    row.reader_id = reader_id
    return _begun(tx, row, coming_off, actor, now)


def begin_charge(
    tx: Tx,
    *,
    invoice_id: str,
    saved_method_id: str,
    due: Money,
    purpose: Purpose,
    request: RequestKey,
    actor: Actor,
    now: datetime,
) -> Checkout:
    """Record the intent to take what is open from a saved card; a repeated request finds its first one.

    Elected credit comes off first, until the charge took nothing; `due` is what the asker believes to be left
    for the card. When credit pays all, no card is asked. The consent that it rests on is kept with it.
    Raises: NoSuchInvoice, AccountOnHold, InvoiceNotOpen, DueChanged, TooSmallForCard, CheckoutStands,
    NoSuchSavedMethod, NotChargeable, ConsentMissing, KeyReused.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    if known := _by_request(tx, request):
        return known
    _refuse_unless_chargeable(tx, invoice)
    coming_off = credit_coming_off(tx, invoice)
    left = invoice.open_balance - coming_off
    if due != left:
        raise DueChanged(f"By now {left} is left for the card.", open_cents=left.cents)
    row = _new(tx, invoice, left, coming_off, Way.SAVED, request, now)
    if left:
        row.saved_method_id = saved_method_id
        row.consent_id = chargeable_consent(tx, saved_method_id, invoice.patient_id, purpose, actor)
    return _begun(tx, row, coming_off, actor, now)


def begin_deposit(
    tx: Tx,
    *,
    deposit_request_id: str,
    asked: Rest,
    is_health_account: bool,
    request: RequestKey | None,
    actor: Actor,
    now: datetime,
) -> Checkout:
    """Record the intent to take a deposit on a page or a reader; as for an invoice, there is one at a time.

    Raises: NoSuchDepositRequest, AccountOnHold, DepositNotAsked, TooSmallForCard, CheckoutStands, KeyReused.
    """
    lock_patient(tx, find_deposit_request(tx, deposit_request_id, actor).patient_id)
    deposit = find_deposit_request(tx, deposit_request_id, actor)
    if request and (known := _by_request(tx, request)):
        return known
    refuse_while_on_hold(tx, deposit.patient_id)
    standing = standing_checkout(tx, deposit_request_id=deposit_request_id)
    if standing and asked.way is Way.PAGE and _is_page_of(standing, deposit.open_balance, now):
        return _open_again(tx, standing.id, actor, now, is_health_account=is_health_account)
    refuse_standing(standing)
    refuse_unless_asked(deposit)
    row = _new(tx, deposit, deposit.open_balance, ZERO, asked.way, request, now)
    row.return_url, row.is_health_account = asked.return_url, is_health_account
    row.reader_id = asked.reader_id or None
    return _begun(tx, row, ZERO, actor, now)


def keep_page(
    tx: Tx, *, checkout_id: str, reference: str, url: str | None, actor: Actor, now: datetime
) -> Checkout:
    """Keep the processor's answer: where the patient pays. One that came too late changes nothing.

    What charges were stopped for meanwhile, or nobody owes any more, is closed again.
    """
    row = _locked(tx, checkout_id)
    if row.state == CheckoutState.CREATED:
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.OPEN, actor=actor, now=now)
    if row.state in PAYABLE:
        row.reference, row.url = reference, url
    tx.session.flush()
    if row.state == CheckoutState.OPEN and row.way != Way.SAVED and not has_use(tx, checkout_of(row)):
        close_soon(tx, [checkout_of(row)], because="opened-late", actor=actor, now=now)
    return checkout_of(row)


def refuse_checkout(tx: Tx, *, checkout_id: str, actor: Actor, now: datetime) -> Checkout:
    """The processor said a definite no: nothing stands there."""
    row = _locked(tx, checkout_id)
    if row.state == CheckoutState.CREATED:
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.REFUSE, actor=actor, now=now)
        return_lent_credit(tx, checkout_id=row.id, actor=actor, now=now)
    return checkout_of(row)


def await_debit(tx: Tx, *, checkout_id: str, reference: str, actor: Actor, now: datetime) -> Checkout:
    """The payer authorized a debit: no money yet, and nothing else may pay the invoice meanwhile."""
    row = _locked(tx, checkout_id)
    if row.state in PAYABLE:
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.PROCESS, actor=actor, now=now)
        row.reference = reference
        tx.session.flush()
        _audit(tx, row, "checkout.await", actor, now)
    return checkout_of(row)


def decline_checkout(
    tx: Tx,
    *,
    checkout_id: str,
    reference: str,
    lost_fee: Money,
    decline: str | None = None,
    actor: Actor,
    now: datetime,
) -> Checkout:
    """The bank did not pay: the invoice owes as before, and the clinic bears what the attempt cost.

    A saved card whose bank said no for good is not charged again until it was renewed. Of a debit that
    failed after the payer had left, a person is told.
    """
    row = _locked(tx, checkout_id)
    if row.state in STANDING:
        payer_left = row.way == Way.PAGE or row.state == CheckoutState.PROCESSING
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.DECLINE, actor=actor, now=now)
        row.reference, row.decline = reference, decline
        tx.session.flush()
        if row.saved_method_id and decline and after_decline(decline) is AfterDecline.NEW_CARD:
            block_card(tx, saved_method_id=row.saved_method_id, decline=decline, actor=actor, now=now)
        post_lost_fee(tx, checkout_of(row), fee=lost_fee, actor=actor, now=now)
        return_lent_credit(tx, checkout_id=row.id, actor=actor, now=now)
        if payer_left:
            ask_to_collect(tx, checkout=checkout_of(row), actor=actor, now=now)
        _audit(tx, row, "checkout.decline", actor, now)
    return checkout_of(row)


def pay_checkout(
    tx: Tx, *, checkout_id: str, reference: str, charge: ChargeFacts, actor: Actor, now: datetime
) -> Checkout:
    """Book the money of a completed checkout, once however often it is told, and however late."""
    row = _locked(tx, checkout_id)
    if row.state == CheckoutState.PAID:
        return checkout_of(row)
    advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.PAY, actor=actor, now=now)
    row.reference = reference
    payment = take_charge(tx, checkout=checkout_of(row), charge=charge, actor=actor, now=now)
    lend_again(tx, checkout_id=row.id, actor=actor, now=now)
    if row.deposit_request_id is not None:
        keep_deposit_paid(
            tx,
            request_id=row.deposit_request_id,
            payment_id=payment.id,
            amount=payment.amount,
            actor=actor,
            now=now,
        )
    return checkout_of(row)


def close_checkout(tx: Tx, *, checkout_id: str, actor: Actor, now: datetime) -> Checkout:
    """The processor's page is closed and took no money."""
    row = _locked(tx, checkout_id)
    if row.state in PAYABLE:
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.EXPIRE, actor=actor, now=now)
        return_lent_credit(tx, checkout_id=row.id, actor=actor, now=now)
        _audit(tx, row, "checkout.close", actor, now)
    return checkout_of(row)


def _refuse_unless_chargeable(tx: Tx, invoice: Invoice) -> None:
    """Raises: AccountOnHold, CheckoutStands, InvoiceNotOpen."""
    refuse_while_on_hold(tx, invoice.patient_id, arose_on=arose_on(tx, invoice))
    refuse_while_standing(tx, invoice.id)
    refuse_unless_open(invoice)


def _new(
    tx: Tx,
    pays: Invoice | DepositRequest,
    left: Money,
    coming_off: Money,
    way: Way,
    request: RequestKey | None,
    now: datetime,
) -> CheckoutRow:
    """An attempt to take what credit leaves. Raises: TooSmallForCard, unless credit leaves nothing."""
    if left < SMALLEST_CARD_PAYMENT and not (coming_off and not left):
        raise TooSmallForCard(f"A card takes no less than {SMALLEST_CARD_PAYMENT}. Pay at the desk.")
    return CheckoutRow(
        id=new_id("chk"),
        invoice_id=pays.id if isinstance(pays, Invoice) else None,
        deposit_request_id=None if isinstance(pays, Invoice) else pays.id,
        patient_id=pays.patient_id,
        way=way,
        amount_cents=left.cents,
        state=CheckoutState.CREATED,
        return_url="",
        descriptor=find_entity(tx, pays.entity_id).statement_descriptor,
        is_health_account=False,
        opened_at=now,
        expires_at=now + LASTS[way],
        request_key=request.name if request else None,
        request_sha256=request.sha256 if request else None,
    )


def _begun(tx: Tx, row: CheckoutRow, coming_off: Money, actor: Actor, now: datetime) -> Checkout:
    """Keep the attempt and lend it the credit; what credit pays whole is paid."""
    tx.session.add(row)
    tx.session.flush()
    if coming_off:
        apply_credits(
            tx,
            invoice_id=str(row.invoice_id),
            at_most=coming_off,
            checkout_id=row.id,
            actor=actor,
            now=now,
        )
    _audit(tx, row, "checkout.begin", actor, now)
    if not row.amount_cents:
        advance(tx, row, CHECKOUT_MOVES, CheckoutEvent.PAY, actor=actor, now=now)
    return checkout_of(row)


def _is_page_of(standing: Checkout, owed: Money, now: datetime) -> bool:
    if standing.way is not Way.PAGE:
        return False
    return standing.state in PAYABLE and standing.amount == owed and standing.expires_at > now


def _open_again(
    tx: Tx, checkout_id: str, actor: Actor, now: datetime, *, is_health_account: bool
) -> Checkout:
    """Who comes to a page that stands is kept too: an owner who comes to the desk's page gave a sign."""
    row = tx.session.get_one(CheckoutRow, checkout_id)
    row.is_health_account = is_health_account
    tx.session.flush()
    _audit(tx, row, "checkout.open_again", actor, now)
    return checkout_of(row)


def _locked(tx: Tx, checkout_id: str) -> CheckoutRow:
    patient_id = tx.session.scalar(select(CheckoutRow.patient_id).where(CheckoutRow.id == checkout_id))
    if patient_id is None:
        raise NoSuchCheckout(f"There is no checkout {checkout_id}.")
    lock_patient(tx, patient_id)
    return tx.session.get_one(CheckoutRow, checkout_id)


def _by_request(tx: Tx, request: RequestKey) -> Checkout | None:
    row = tx.session.scalar(select(CheckoutRow).where(CheckoutRow.request_key == request.name))
    if row is None:
        return None
    if row.request_sha256 != request.sha256:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    return checkout_of(row)


def _audit(tx: Tx, row: CheckoutRow, action: str, actor: Actor, now: datetime) -> None:
    detail = {"cents": row.amount_cents}
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now, detail=detail)
