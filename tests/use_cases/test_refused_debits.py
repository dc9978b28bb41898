"""A bank account that did not pay, days later: staff are asked to collect, until nothing is owed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.records.checkouts import Way
from billing.payments.records.tenders import Rest
from billing.payments.use_cases.checkouts import (
    await_debit,
    begin_checkout,
    begin_deposit,
    begin_reader_payment,
    decline_checkout,
)
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.platform.data.idempotency import RequestKey
from billing.platform.data.tasks import list_tasks
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import RETURN_URL, paid_in_cash
from tests.factories.payers import a_fixed_part, a_payer


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def refused(database, now):
    """Somebody authorizes a debit of all that is owed, and days later the bank says no; told twice."""

    def run(invoice, share_id=None, *, times=2, meanwhile=lambda: None):
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
        return _refuse(database, now, checkout, times, meanwhile)

    return run


def _refuse(database, now, checkout, times, meanwhile):
    told = {"checkout_id": checkout.id, "reference": f"cs_{checkout.id}", "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: await_debit(tx, **told))
    meanwhile()
    for _ in range(times):
        database.in_transaction(lambda tx: decline_checkout(tx, lost_fee=ZERO, **told))
    return checkout.id


@pytest.fixture
def refused_deposit(database, now):
    """As `refused`, of a deposit that a patient was asked for."""

    def run(patient_id, *, meanwhile=lambda: None):
        by_nobody = {"actor": SYSTEM, "now": now}
        amount, way = Money(10_000), Rest(way=Way.PAGE, return_url=RETURN_URL)
        of = {"patient_id": patient_id, "amount": amount, "site_id": None}
        asked = database.in_transaction(lambda tx: ask_for_deposit(tx, **of, **by_nobody))
        page = {"asked": way, "is_health_account": False, "request": None}
        checkout = database.in_transaction(
            lambda tx: begin_deposit(tx, deposit_request_id=asked.id, **page, **by_nobody)
        )
        return _refuse(database, now, checkout, 2, meanwhile)

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


def test_nobody_asks_a_patient_whose_charges_are_stopped_and_another_payer_is_asked_all_the_same(
    database, bill, refused, now
):
    order = a_fixed_part(a_payer(database, bill.invoice.site_id), 10_000)
    share = database.in_transaction(
        lambda tx: agree_share(tx, invoice_id=bill.invoice.id, order=order, actor=SYSTEM, now=now)
    )
    refused(bill.invoice, meanwhile=lambda: stopped(database, bill.patient.id))
    assert tasks(database) == {}
    of_payer = refused(bill.invoice, share.id)
    assert tasks(database) == {("debit-refused", of_payer): "open"}


def test_who_was_bankrupt_before_the_visit_is_asked_again(database, bill, refused, now):
    stopped(database, bill.patient.id, now=now - timedelta(days=30))
    checkout_id = refused(bill.invoice)
    assert tasks(database) == {("debit-refused", checkout_id): "open"}


def test_nobody_asks_for_a_deposit_again_while_charges_are_stopped(database, refused_deposit):
    patient = a_patient(database)
    refused_deposit(patient.id, meanwhile=lambda: stopped(database, patient.id))
    assert tasks(database) == {}
    other = refused_deposit(a_patient(database).id)
    assert tasks(database) == {("debit-refused", other): "open"}


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
