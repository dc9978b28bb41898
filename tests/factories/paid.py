"""Invoices paid in the ways that people pay, for tests of what is done with the money afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import event

from billing.catalog.queries import site_date
from billing.invoices.records import Invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import refundable_of
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.refunds import Refund, RefundReason
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.deposits import bank_payments
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.platform.data.database import Database
from tests.factories.accounting import LIMIT
from tests.factories.world import a_charge

RETURN_URL = "https://clinic.example/pay/thanks"


def paid_by_card(
    database: Database,
    invoice: Invoice,
    now: datetime,
    *,
    tender: Tender = Tender.CARD,
    instrument: str = "visa 4242",
    is_health_account: bool = False,
    share_id: str | None = None,
    fee: Money = Money(30),
) -> Payment:
    """All that the patient, or another payer of a share, still owes, by a card page and its notice."""
    checkout = database.in_transaction(
        lambda tx: begin_checkout(
            tx,
            invoice_id=invoice.id,
            return_url=RETURN_URL,
            request=None,
            is_health_account=is_health_account,
            share_id=share_id,
            actor=SYSTEM,
            now=now,
        )
    )
    charge = replace(a_charge(checkout.id, checkout.amount, now, fee), tender=tender, instrument=instrument)
    database.in_transaction(
        lambda tx: pay_checkout(
            tx, checkout_id=checkout.id, reference=f"cs_{checkout.id}", charge=charge, actor=SYSTEM, now=now
        )
    )
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=invoice.id, limit=1)[0]


def paid_in_cash(database: Database, invoice: Invoice, now: datetime, amount: Money) -> Payment:
    return database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=invoice.id, amount=amount, actor=SYSTEM, now=now)
    )


def paid_by_check(
    database: Database, invoice: Invoice, now: datetime, amount: Money, number: str = "1042"
) -> Payment:
    return database.in_transaction(
        lambda tx: take_check(
            tx,
            invoice_id=invoice.id,
            amount=amount,
            number=number,
            dated_on=site_date(tx, invoice.site_id, now),
            is_health_account=False,
            actor=SYSTEM,
            now=now,
        )
    )


def banked(database: Database, payment: Payment, now: datetime) -> Payment:
    """Taken to the bank by itself, on the day on which it came."""
    asked = {"site_id": payment.site_id, "payment_ids": [payment.id], "banked_on": payment.received_on}
    database.in_transaction(lambda tx: bank_payments(tx, **asked, actor=SYSTEM, now=now))
    return payment


def given_back(database: Database, invoice_id: str, now: datetime, amount: Money) -> Refund:
    """Asked for from the one payment of an invoice; of the latest visits first."""
    with database.reading() as read:
        (payment,) = list_payments(read, SYSTEM, invoice_id=invoice_id, limit=2)
        refundable = refundable_of(read, payment.id, SYSTEM).amount
    return database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment.id,
            amount=amount,
            refundable=refundable,
            reason=RefundReason.CANCELLED,
            method=None,
            limit=LIMIT,
            actor=SYSTEM,
            now=now,
        )
    )


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    engines = (database.write_engine, database.read_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
