"""Who holds money of somebody is asked to find its way, and no longer than it is held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.care.use_cases import cancel_session
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import (
    approve_refund,
    ask_about_waiting_refunds,
    fail_refund,
    keep_sent,
    reject_refund,
    request_refund,
)
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import SUPERVISOR
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import RETURN_URL, a_charge

NOBODYS, NO_LIMIT = Money(0), Money(10_000_000)
A_MONTH = timedelta(days=30)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def payment(database, do, bill):
    """Two visits, both paid by a card while the second was called off."""
    page = do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    do(cancel_session, session_id=bill.session_ids[1])
    charge = a_charge(page.id, page.amount, NOW)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=1)[0]


@pytest.fixture
def held(database, bill):
    def look():
        with database.reading() as read:
            return [lot for lot in credits_of_patient(read, bill.patient.id, SYSTEM) if lot.available]

    return look


@pytest.fixture
def open_tasks(database):
    def look():
        with database.reading() as read:
            return [
                (each.kind, each.subject_id)
                for each in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
            ]

    return look


@pytest.fixture
def ask(do, held):
    def run(amount=None, *, limit=NO_LIMIT, at=NOW, payment_id=None):
        (lot,) = held()
        amount = amount or lot.available
        return do(request_refund, lot_id=lot.id, amount=amount, payment_id=payment_id, limit=limit, at=at)

    return run


def test_what_a_card_paid_and_nobody_owed_is_asked_about_until_it_goes_back(payment, ask, open_tasks):
    assert open_tasks() == [("charge-not-owed", payment.id)]
    ask(Money(10_000))
    assert open_tasks() == [("charge-not-owed", payment.id)]
    ask()
    assert open_tasks() == []


def test_it_is_not_asked_about_once_an_invoice_took_it(database, bill, payment, open_tasks):
    billed(database, bill.patient, only_first=2)
    assert open_tasks() == []


def test_a_refund_that_waits_for_a_second_person_leaves_it_asked_about(do, payment, ask, open_tasks):
    refund = ask(limit=NOBODYS)
    do(reject_refund, refund_id=refund.id)
    assert open_tasks() == [("charge-not-owed", payment.id)]
    refund = ask(limit=NOBODYS)
    do(approve_refund, refund_id=refund.id, by=SUPERVISOR)
    assert open_tasks() == []


@pytest.fixture
def failed(do, payment, ask):
    """The refund of what was not owed, to a card that is gone."""
    refund = ask(payment_id=payment.id)
    do(keep_sent, refund_id=refund.id, reference="re_1")
    do(fail_refund, refund_id=refund.id)
    return refund


def test_a_refund_that_failed_is_asked_about_until_a_check_for_it_is_approved(do, failed, ask, open_tasks):
    assert open_tasks() == [("refund-failed", failed.id)]
    ask(Money(10_000))
    assert open_tasks() == [("refund-failed", failed.id)]
    rest = ask(limit=NOBODYS)
    assert open_tasks() == [("refund-failed", failed.id)]
    do(approve_refund, refund_id=rest.id, by=SUPERVISOR)
    assert open_tasks() == []


def test_so_it_is_when_it_is_asked_for_as_a_refund_of_its_payment(do, payment, failed, open_tasks):
    again = {"payment_id": payment.id, "amount": payment.amount, "refundable": payment.amount}
    do(refund_payment, **again, reason=RefundReason.CANCELLED, method=None, limit=NO_LIMIT)
    assert open_tasks() == []


def test_a_refund_that_waits_for_a_month_is_asked_about_until_somebody_decides(do, payment, ask, open_tasks):
    first = ask(Money(10_000), limit=NOBODYS)
    second = ask(limit=NOBODYS, at=NOW + timedelta(days=1))

    def asked(at):
        do(ask_about_waiting_refunds, at=at)
        return [subject for kind, subject in open_tasks() if kind == "refund-waits"]

    assert asked(NOW + A_MONTH - timedelta(minutes=1)) == []
    assert asked(NOW + A_MONTH) == [first.id]
    assert asked(NOW + A_MONTH + timedelta(days=1)) == [second.id, first.id]
    do(approve_refund, refund_id=first.id, by=SUPERVISOR)
    do(reject_refund, refund_id=second.id)
    assert asked(NOW + 2 * A_MONTH) == []


def test_closed_while_the_refund_still_waits_it_comes_again_a_month_later(
    database, do, payment, ask, open_tasks
):
    refund = ask(limit=NOBODYS)
    do(ask_about_waiting_refunds, at=NOW + A_MONTH)
    with database.reading() as read:
        task = next(each for each in list_tasks(read, SYSTEM, limit=9) if each.kind == "refund-waits")
    do(close_task, task_id=task.id, note="later", at=NOW + A_MONTH)
    do(ask_about_waiting_refunds, at=NOW + 2 * A_MONTH)
    assert ("refund-waits", refund.id) not in open_tasks()
    do(ask_about_waiting_refunds, at=NOW + 2 * A_MONTH + timedelta(days=1))
    assert ("refund-waits", refund.id) in open_tasks()
