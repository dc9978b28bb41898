"""A bank account that did not pay, days later: staff are asked to collect, until nothing is owed."""

from __future__ import annotations

import pytest

from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.use_cases.checkouts import (
    await_debit,
    begin_checkout,
    begin_reader_payment,
    decline_checkout,
)
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.platform.data.idempotency import RequestKey
from billing.platform.data.tasks import list_tasks
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import RETURN_URL, paid_in_cash
from tests.factories.payers import a_fixed_part, a_payer


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def refused(database, now):
    """Somebody authorizes a debit of all that is owed, and days later the bank says no; told twice."""

    def run(invoice, share_id=None, *, times=2):
        checkout = database.in_transaction(
            lambda tx: begin_checkout(
                tx,
                invoice_id=invoice.id,
                share_id=share_id,
                return_url=RETURN_URL,
                request=None,
                actor=SYSTEM,
                now=now,
            )
        )
        told = {"checkout_id": checkout.id, "reference": f"cs_{checkout.id}", "actor": SYSTEM, "now": now}
        database.in_transaction(lambda tx: await_debit(tx, **told))
        for _ in range(times):
            database.in_transaction(lambda tx: decline_checkout(tx, lost_fee=ZERO, **told))
        return checkout.id

    return run


def tasks(database):
    with database.reading() as read:
        found = list_tasks(read, SYSTEM, limit=20)
    return {(task.kind, task.subject_id): str(task.state) for task in found}


def test_each_refused_debit_is_one_task_until_the_invoice_is_paid(database, bill, refused, now):
    first, second = refused(bill.invoice), refused(bill.invoice)
    assert tasks(database) == {("debit-refused", first): "open", ("debit-refused", second): "open"}
    paid_in_cash(database, bill.invoice, now, Money(44_999))
    assert set(tasks(database).values()) == {"open"}
    paid_in_cash(database, bill.invoice, now, Money(1))
    assert set(tasks(database).values()) == {"done"}


def test_the_task_of_another_invoice_stays(database, bill, refused, now):
    other = billed(database, bill.patient, only_first=1)
    here, there = refused(bill.invoice), refused(other.invoice)
    paid_in_cash(database, bill.invoice, now, bill.invoice.total)
    assert tasks(database) == {("debit-refused", here): "done", ("debit-refused", there): "open"}


def test_a_void_invoice_is_not_collected(database, bill, refused, now):
    refused(bill.invoice)
    database.in_transaction(
        lambda tx: void_invoice(tx, invoice_id=bill.invoice.id, reason="typo", actor=SYSTEM, now=now)
    )
    assert set(tasks(database).values()) == {"done"}


def test_another_payers_refused_debit_waits_for_that_payer_alone(database, bill, refused, now):
    order = a_fixed_part(a_payer(database, bill.invoice.site_id), 10_000)
    share = database.in_transaction(
        lambda tx: agree_share(tx, invoice_id=bill.invoice.id, order=order, actor=SYSTEM, now=now)
    )
    of_payer = refused(bill.invoice, share.id)
    paid_in_cash(database, bill.invoice, now, Money(35_000))
    assert tasks(database) == {("debit-refused", of_payer): "open"}
    database.in_transaction(
        lambda tx: take_payers_cash(tx, share_id=share.id, amount=Money(10_000), actor=SYSTEM, now=now)
    )
    assert tasks(database) == {("debit-refused", of_payer): "done"}


def test_a_card_declined_at_the_desk_asks_nobody_as_somebody_sees_it(database, bill, now):
    checkout = database.in_transaction(
        lambda tx: begin_reader_payment(
            tx,
            invoice_id=bill.invoice.id,
            reader_id="tmr_1",
            request=RequestKey(name="k", sha256="0" * 64),
            actor=SYSTEM,
            now=now,
        )
    )
    told = {"checkout_id": checkout.id, "reference": "pi_1", "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: decline_checkout(tx, lost_fee=ZERO, **told))
    assert tasks(database) == {}
