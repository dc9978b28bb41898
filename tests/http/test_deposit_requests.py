"""A deposit that is asked for: paid on a card page, on a reader or by a link, and given back to its card."""

from __future__ import annotations

import re

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.patients.errors import AccountOnHold
from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.reconcile import reconcile
from billing.payments.flows.room import Payments
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.records.checkouts import Way
from billing.payments.records.tenders import Rest
from billing.payments.use_cases.checkouts import begin_deposit
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.links import make_deposit_link
from tests.factories.accounting import LIMIT
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.office import open_office
from tests.factories.sandbox import pay_on_card_page, sdk_client
from tests.factories.web import CHECKOUT_ORIGIN, new_staff, send, sign_in

FEE = 320
"""Of a card payment of 100."""


@pytest.fixture
def office(tmp_path, database_url, clock_file):
    opened = open_office(tmp_path, database_url, clock_file)
    opened.sandbox.control("payout-schedule", schedule="manual")
    opened.sandbox.control("drop-events", times=1000)
    yield opened
    opened.close()


@pytest.fixture
def patient(office):
    return a_patient(office.database)


@pytest.fixture
def asked(office, patient):
    answer = office.post(f"/patients/{patient.id}/deposit-requests", {"amount_cents": 10_000})
    assert (answer.status_code, answer.json()["state"]) == (201, "asked")
    return f"/deposit-requests/{answer.json()['id']}"


def test_no_link_is_made_for_a_deposit_that_was_paid_or_withdrawn(office, patient, asked):
    by_hand = {"amount_cents": 10_000, "tender": "cash"}
    assert office.post(f"/patients/{patient.id}/deposits", by_hand, key="k1").status_code == 201
    refused = office.post(f"{asked}/pay-links")
    assert (refused.status_code, refused.json()["code"]) == (409, "deposit-not-asked")
    assert refused.json()["detail"] == "This deposit was paid already: nothing is asked for any more."
    other = office.post(f"/patients/{patient.id}/deposit-requests", {"amount_cents": 10_000}).json()["id"]
    assert office.post(f"/deposit-requests/{other}/withdraw").status_code == 200
    refused = office.post(f"/deposit-requests/{other}/pay-links")
    assert refused.json()["detail"] == "This deposit was withdrawn already: nothing is asked for any more."


def state_of(office, asked):
    (shown,) = office.get("/deposit-requests").json()["items"]
    assert asked.endswith(shown["id"])
    return shown["state"]


def reconciled(office):
    """The books, after the processor was held against them and all agreed."""
    found = reconcile(office.room, since=None, until=None, refund_limit=Money(20_000))
    with office.database.reading() as read:
        checks = verify(read, now=office.room.clock(), refund_limit=LIMIT).checks
        books = {account: cents for account, cents in trial_balance(read).items() if cents}
    assert (found.ok, [check for check in checks if check.found]) == (True, [])
    return books


@pytest.mark.processes
def test_a_deposit_is_paid_by_card_comes_off_the_next_invoice_and_what_is_left_goes_back(
    office, patient, asked
):
    first = office.post(f"{asked}/checkouts", key="k1").json()
    assert (first["invoice_id"], asked.endswith(first["deposit_request_id"])) == (None, True)
    assert office.post(f"{asked}/checkouts", key="k2").json()["id"] == first["id"]
    assert pay_on_card_page(first["url"])
    assert reconciled(office) == {"1050": 10_000 - FEE, "2100": -10_000, "6100": FEE}
    assert state_of(office, asked) == "paid"
    again = office.post(f"{asked}/checkouts", key="k3")
    assert (again.status_code, again.json()["code"]) == (409, "deposit-not-asked")
    assert office.post(f"{asked}/withdraw").json()["code"] == "illegal-move"
    (payment,) = office.get("/payments").json()["items"]
    assert (payment["tender"], payment["invoice_id"]) == ("card", None)
    back = {"amount_cents": 4_000, "refundable_cents": 10_000, "reason": "cancelled"}
    assert office.post(f"/payments/{payment['id']}/refunds", back, key="r1").json()["method"] == "card"
    office.work()
    assert reconciled(office)["2100"] == -6_000
    bill = billed(office.database, patient, only_first=1)
    office.post(f"/invoices/{bill.invoice.id}/credit-applications", key="a1")
    assert office.get(f"/invoices/{bill.invoice.id}").json()["open_cents"] == 39_000
    assert reconciled(office)["2100"] == -6_000


@pytest.mark.processes
@pytest.mark.parametrize("covers", [False, True])
def test_a_dispute_of_a_deposit_is_lost_out_of_what_was_paid_ahead(office, patient, asked, covers):
    assert pay_on_card_page(office.post(f"{asked}/checkouts", key="k1").json()["url"])
    reconciled(office)
    if covers:
        bill = billed(office.database, patient, only_first=1)
        office.post(f"/invoices/{bill.invoice.id}/credit-applications", key="a1")
    dispute = office.sandbox.control(
        "open-dispute", charge=sdk_client(office.sandbox).charges.list().data[0].id
    )
    reconciled(office)
    (payment,) = office.get("/payments").json()["items"]
    back = {"amount_cents": 4_000, "refundable_cents": 0 if covers else 10_000, "reason": "cancelled"}
    refused = office.post(f"/payments/{payment['id']}/refunds", back, key="r1")
    assert refused.json()["code"] == "payment-disputed"
    (shown,) = office.get("/disputes").json()["items"]
    assert office.get(f"/disputes/{shown['id']}/evidence").status_code == 200
    office.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    assert reconciled(office) == {"1050": -FEE - 1_500, "6100": FEE, "6110": 1_500}
    assert office.get(f"/patients/{patient.id}/credits").json()["available_cents"] == 0


@pytest.mark.processes
def test_a_reader_takes_a_deposit_and_withdrawing_asks_it_no_more(office, asked):
    readers = sdk_client(office.sandbox).terminal.readers
    reader = readers.create({"registration_code": "simulated-wpe", "label": "Desk"}).id
    first = office.post(f"{asked}/terminal-payments", {"reader_id": reader}, key="k1").json()
    other = office.post(f"{asked}/terminal-payments", {"reader_id": reader}, key="k2")
    assert (first["way"], other.json()["code"]) == ("reader", "checkout-stands")
    assert office.post(f"{asked}/withdraw").json()["state"] == "withdrawn"
    assert office.get(f"/checkouts/{first['id']}").json()["state"] == "expired"
    assert office.post(f"{asked}/withdraw").json()["state"] == "withdrawn"
    assert reconciled(office) == {}


@pytest.fixture
def deposit(database, clinic, now):
    return database.in_transaction(
        lambda tx: ask_for_deposit(
            tx, patient_id=clinic.patient.id, amount=Money(10_000), site_id=None, actor=SYSTEM, now=now
        )
    )


@pytest.fixture
def link(database, deposit, now):
    _, secret = database.in_transaction(
        lambda tx: make_deposit_link(tx, deposit_request_id=deposit.id, actor=SYSTEM, now=now)
    )
    return f"/pay/{secret}"


def press_pay(client, link):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)[1]
    return client.post(link, data={"csrf_token": token})


def test_a_link_shows_the_amount_and_takes_the_deposit_once(
    edge, pages, processor, clinic, deposit, link, now
):
    payer = pages.test_client()
    assert "$100.00" in payer.get(link).text
    assert clinic.patient.given_name not in payer.get(link).text
    pressed = [press_pay(payer, link).location for _ in range(2)]
    assert (pressed[0], pressed[0].startswith(CHECKOUT_ORIGIN)) == (pressed[1], True)
    (reference,) = processor.states
    processor.complete(reference, Money(10_000), now)
    for _ in range(2):
        settle_checkout(Payments(edge.database, processor, edge.clock), reference=reference)
    assert "Paid. Thank you." in payer.get(link).text
    balance = edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM))
    assert balance.available == Money(10_000)


def test_while_charges_are_stopped_no_deposit_is_asked_for_or_taken(
    database, pages, clinic, deposit, link, now
):
    stopped(database, clinic.patient.id, now=now)
    assert pages.test_client().get(link).status_code == 404
    asked = {"patient_id": clinic.patient.id, "amount": Money(10_000), "site_id": None}
    page = {"deposit_request_id": deposit.id, "asked": Rest(way=Way.PAGE), "request": None}
    for use_case, what in (
        (ask_for_deposit, asked),
        (make_deposit_link, {"deposit_request_id": deposit.id}),
        (begin_deposit, {**page, "is_health_account": False}),
    ):
        with pytest.raises(AccountOnHold):
            database.in_transaction(
                lambda tx, use_case=use_case, what=what: use_case(tx, **what, actor=SYSTEM, now=now)
            )


def test_staff_ask_for_a_deposit_by_link_and_withdraw_it_and_late_money_is_a_deposit(
    edge, pages, processor, clinic, now
):
    clerk = sign_in(pages, new_staff(edge.database, Role.FRONT_DESK, now, entity_id=clinic.entity.id))
    page = f"/staff/patients/{clinic.patient.id}/deposits/new"
    path = f"/staff/patients/{clinic.patient.id}/deposit-requests"
    assert 'id="asked-wrong"' in send(clerk, page, path, asked="0.10", key="k0").text
    shown = send(clerk, page, path, asked="100.00", key="k1").text
    link = re.search(r'value="http://localhost(/pay/[^"]+)"', shown)[1]
    payer = pages.test_client()
    press_pay(payer, link)
    (reference,) = processor.states
    waiting = clerk.get(page).text
    assert "Asked for, and not paid" in waiting
    (withdraw,) = re.findall(r'action="(/staff/deposit-requests/[^"]+/withdraw)"', waiting)
    renewed = send(clerk, page, withdraw.replace("withdraw", "pay-link"), key="k2").text
    assert re.search(r'value="http://localhost(/pay/[^"]+)"', renewed)[1] != link
    assert send(clerk, page, withdraw, key="k3").location == page
    assert "Asked for, and not paid" not in clerk.get(page).text
    assert "Nothing is owed any more." in payer.get(link).text
    processor.complete(reference, Money(10_000), now)
    settle_checkout(Payments(edge.database, processor, edge.clock), reference=reference)
    request_id = withdraw.split("/")[3]
    assert edge.read(lambda read: find_deposit_request(read, request_id, SYSTEM)).state == "paid"
    assert edge.read(trial_balance)["2100"] == -10_000
    with edge.database.reading() as read:
        assert [each for each in verify(read, now=now, refund_limit=LIMIT).checks if each.found] == []
