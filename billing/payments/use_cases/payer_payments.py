"""What other payers bring or send to the desk: cash, checks, and transfers to the bank."""

from __future__ import annotations

from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.invoices.errors import MoreThanOwed
from billing.invoices.queries import find_invoice, find_share
from billing.invoices.records import PayerShare
from billing.invoices.rules import refuse_unless_owed
from billing.invoices.use_cases.locks import lock_payer
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.use_cases import lock_patient
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.checks import (
    instrument_of,
    refuse_booked_before,
    refuse_transfer_booked_before,
)
from billing.payments.records.payments import Payment, Tender
from billing.payments.rules.tenders import refuse_unless_payable
from billing.payments.use_cases.receive import book_share, new_payment, put_in_drawer
from billing.platform.data.database import Tx


def take_payers_cash(
    tx: Tx, *, share_id: str, amount: Money, tendered: Money | None = None, actor: Actor, now: datetime
) -> Payment:
    """Take a payer's cash, no more than they owe.

    Raises: NoSuchShare, CheckoutStands, MoreThanOwed, TenderedTooLittle.
    """
    share = _locked(tx, share_id, actor)
    if amount > share.open_balance:
        raise MoreThanOwed(
            f"This payer owes only {share.open_balance} of it.", open_cents=share.open_balance.cents
        )
    row = new_payment(tx, find_invoice(tx, share.invoice_id, SYSTEM), Tender.CASH, amount, now)
    put_in_drawer(tx, row, tendered, actor)
    return book_share(tx, share.id, row, actor=actor, now=now)


def take_payers_check(
    tx: Tx,
    *,
    share_id: str,
    amount: Money,
    number: str,
    dated_on: date,
    is_another: bool = False,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Take a payer's check for what is written on it; what exceeds is held for the payer.

    `is_another` is the word of who takes it that it is not the one of that number which is booked, or
    another part of it: one check may pay for several patients.
    Raises: NoSuchShare, CheckoutStands, MoreThanOwed, CheckPostdated, CheckStale, CheckBookedBefore.
    """
    share = _locked(tx, share_id, actor)
    refuse_unless_owed(share)
    refuse_unless_payable(dated_on, site_date(tx, share.site_id, now))
    lock_payer(tx, share.payer_id)
    if not is_another:
        refuse_booked_before(tx, share, number, payer_id=share.payer_id, actor=actor)
    return _take(tx, share, Tender.CHECK, amount, instrument_of(number), actor, now)


def take_payers_transfer(
    tx: Tx,
    *,
    share_id: str,
    amount: Money,
    reference: str,
    is_another: bool = False,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Book what a payer sent to the clinic's bank account; what exceeds is held for the payer.

    One transfer may pay several parts, each once. `is_another` is the word of who books it that it is not the
    one that is booked: some payers send equal instalments under one reference.
    Raises: NoSuchShare, CheckoutStands, TransferBookedBefore, MoreThanOwed.
    """
    share = _locked(tx, share_id, actor)
    if not is_another:
        refuse_transfer_booked_before(tx, share_id, amount, reference)
    refuse_unless_owed(share)
    return _take(tx, share, Tender.BANK, amount, reference, actor, now)


def _take(
    tx: Tx,
    share: PayerShare,
    tender: Tender,
    amount: Money,
    instrument: str,
    actor: Actor,
    now: datetime,
) -> Payment:
    row = new_payment(tx, find_invoice(tx, share.invoice_id, SYSTEM), tender, amount, now)
    row.instrument = instrument
    return book_share(tx, share.id, row, actor=actor, now=now)


def _locked(tx: Tx, share_id: str, actor: Actor) -> PayerShare:
    lock_patient(tx, find_share(tx, share_id, actor).patient_id)
    share = find_share(tx, share_id, actor)
    refuse_while_standing(tx, share.invoice_id, share.id)
    return share
