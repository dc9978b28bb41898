"""Debits of bank accounts over real HTTP: on their way for days, then paid or refused."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.flows.resolve import resolve
from billing.payments.use_cases.links import make_pay_link
from tests.conftest import NOW
from tests.factories import loopback
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page, submit_account

pytestmark = pytest.mark.processes

POOR = "000222222227"
DEBIT_FEE = 360
FAILURE_FEE = 400


@pytest.fixture
def days_pass(office, clock_file):
    def days_pass(days):
        clock_file.write_text((NOW + timedelta(days=days)).isoformat())

    return days_pass


def books(office: Office):
    with office.database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def until_kept(office: Office, kind: str) -> None:
    """Webhooks come by themselves within a moment; asking the processor makes its time pass."""
    waiting = threading.Event()
    for _ in range(400):
        loopback.get(f"{office.sandbox.url}/_control/state")
        if office.kept(kind):
            return
        waiting.wait(0.05)
    raise AssertionError(f"no {kind} came")


def debit(office: Office, bill, account="000123456789", *, key="k1"):
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key=key).json()
    assert submit_account(checkout["url"], account).status_code == 303
    until_kept(office, "checkout.session.completed")
    office.work()
    return checkout["id"]


def said_by(office: Office, bill) -> str:
    """What a new link for the bill says."""
    _, secret = office.database.in_transaction(
        lambda tx: make_pay_link(tx, invoice_id=bill.invoice.id, actor=SYSTEM, now=NOW)
    )
    return " ".join(re.sub(r"<[^>]+>", " ", loopback.get(f"{office.url}/pay/{secret}").text).split())


def state_of(office: Office, checkout_id: str) -> str:
    return str(office.get(f"/checkouts/{checkout_id}").json()["state"])


def test_a_debit_is_on_its_way_for_days_and_then_pays(office, bill, days_pass):
    checkout = debit(office, bill)
    assert (state_of(office, checkout), books(office)) == ("processing", {})
    days_pass(4)
    until_kept(office, "checkout.session.async_payment_succeeded")
    office.work()
    assert state_of(office, checkout) == "paid"
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert (payment["tender"], payment["received_on"]) == ("ach", str((NOW + timedelta(days=4)).date()))
    assert payment["instrument"] == "bank 6789"
    assert books(office) == {"1050": 45_000 - DEBIT_FEE, "2100": -45_000, "6100": DEBIT_FEE}


def test_what_is_on_its_way_is_not_paid_twice(office, bill):
    checkout = debit(office, bill)
    asked = (("checkouts", {}), ("cash-payments", {"amount_cents": 100}), ("void", {"reason": "typo"}))
    for path, body in asked:
        refused = office.post(f"/invoices/{bill.invoice.id}/{path}", body, key=f"k-{path}")
        assert (refused.status_code, refused.json()["code"]) == (409, "checkout-stands")
        assert "on its way" in refused.json()["detail"]
    assert office.post(f"/checkouts/{checkout}/cancel").json()["state"] == "processing"


def test_a_debit_that_fails_leaves_the_bill_owed_and_another_way_to_pay(office, bill, days_pass):
    checkout = debit(office, bill, POOR)
    days_pass(4)
    until_kept(office, "checkout.session.async_payment_failed")
    office.work()
    assert state_of(office, checkout) == "declined"
    assert office.get(f"/invoices/{bill.invoice.id}").json()["state"] == "open"
    lost = DEBIT_FEE + FAILURE_FEE
    assert books(office) == {"1050": -lost, "6100": lost}
    assert office.get(f"/checkouts/{checkout}").json()["decline"] == "insufficient_funds"
    assert "did not go through: the account had too little money." in said_by(office, bill)
    (task,) = office.get("/tasks").json()["items"]
    assert (task["kind"], task["subject_id"], task["state"]) == ("debit-refused", checkout, "open")
    again = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k2").json()
    assert "did not go through" not in said_by(office, bill)
    assert pay_on_card_page(again["url"])


def test_notices_of_a_debit_in_any_order_and_number_book_it_once(office, bill, days_pass):
    debit(office, bill, POOR)
    reference = office.sandbox.requests("/v1/checkout/sessions/cs_")[0]["path"].split("/")[4]
    days_pass(4)
    for kind in ("async_payment_failed", "completed", "async_payment_failed"):
        office.hear(f"checkout.session.{kind}", reference)
    assert books(office)["6100"] == DEBIT_FEE + FAILURE_FEE


def test_a_debit_whose_notices_were_lost_is_found_by_looking(office, bill, days_pass):
    office.sandbox.control("drop-events", times=1_000)
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    submit_account(checkout["url"])
    days_pass(1)
    resolve(office.room)
    assert state_of(office, checkout["id"]) == "processing"
    days_pass(5)
    assert resolve(office.room).unknown == 0
    assert state_of(office, checkout["id"]) == "paid"


def test_the_patients_page_says_that_the_payment_is_on_its_way(office, bill):
    _, secret = office.database.in_transaction(
        lambda tx: make_pay_link(tx, invoice_id=bill.invoice.id, actor=SYSTEM, now=NOW)
    )
    debit(office, bill)
    page = loopback.get(f"{office.url}/pay/{secret}").text
    assert "Your payment is on its way" in page
    assert "<form" not in page


@pytest.mark.parametrize("ticked", [True, False])
def test_a_health_account_is_what_the_patient_ticks(office, bill, ticked):
    _, secret = office.database.in_transaction(
        lambda tx: make_pay_link(tx, invoice_id=bill.invoice.id, actor=SYSTEM, now=NOW)
    )
    with loopback.client(base_url=office.url) as browser:
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(f"/pay/{secret}").text)
        form = {"csrf_token": token[1]} | ({"health_account": "on"} if ticked else {})
        page = browser.post(f"/pay/{secret}", data=form).headers["Location"]
    assert pay_on_card_page(page)
    until_kept(office, "checkout.session.completed")
    office.work()
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert (payment["is_health_account"], payment["instrument"]) == (ticked, "visa 4242")


def test_what_a_bank_account_paid_goes_back_to_it(office, bill, days_pass):
    debit(office, bill)
    days_pass(4)
    until_kept(office, "checkout.session.async_payment_succeeded")
    office.work()
    assert office.post(f"/sessions/{bill.session_ids[0]}/cancel").status_code == 200
    (lot,) = office.get(f"/patients/{bill.patient.id}/credits").json()["items"]
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    body = {"amount_cents": 45_000, "available_cents": 45_000, "payment_id": payment["id"]}
    asked = office.post(f"/credits/{lot['id']}/refunds", body, key="r1")
    assert asked.status_code == 201
    office.work()
    assert office.get(f"/refunds/{asked.json()['id']}").json()["state"] in ("sent", "succeeded")


@pytest.fixture
def link(office, bill):
    _, secret = office.database.in_transaction(
        lambda tx: make_pay_link(tx, invoice_id=bill.invoice.id, actor=SYSTEM, now=NOW)
    )
    return f"/pay/{secret}"


@pytest.fixture
def browser(office):
    with loopback.client(base_url=office.url) as opened:
        yield opened


def form_of(browser, link):
    return {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link).text)[1]}


def test_who_comes_back_from_authorizing_a_debit_is_asked_to_wait_and_not_to_pay_again(office, browser, link):
    to = browser.post(link, data=form_of(browser, link)).headers["Location"]
    assert submit_account(to).status_code == 303
    assert browser.get("/pay/thanks").headers["Location"] == link
    waiting = browser.get(link).text
    assert "Your payment is being confirmed" in waiting
    assert '<meta http-equiv="refresh" content="3">' in waiting
    assert "<form" not in waiting
    until_kept(office, "checkout.session.completed")
    office.work()
    told = browser.get(link).text
    assert "Your payment is on its way" in told
    assert "refresh" not in told


def test_paying_again_from_an_old_tab_leads_to_the_page_that_asks_to_wait(office, browser, link):
    with loopback.client(base_url=office.url) as other:
        forms = {browser: form_of(browser, link), other: form_of(other, link)}
        submit_account(browser.post(link, data=forms[browser]).headers["Location"])
        again = browser.post(link, data=forms[browser])
        assert (again.status_code, again.headers["Location"]) == (303, link)
        assert "Your payment is being confirmed" in browser.get(link).text
        until_kept(office, "checkout.session.completed")
        office.work()
        for tab, form in forms.items():
            again = tab.post(link, data=form)
            assert (again.status_code, again.headers["Location"]) == (303, link)
            assert "Your payment is on its way" in tab.get(link).text
