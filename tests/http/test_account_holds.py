"""Charges that stop for a death or a bankruptcy, over real HTTP beside the stand-in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.payments.flows.resolve import resolve
from tests.conftest import NOW
from tests.factories.holds import NOTE
from tests.factories.invoices import billed
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page, sdk_client
from tests.factories.saved_cards import save_card

pytestmark = pytest.mark.processes

TEN_MINUTES = timedelta(minutes=10)


def stop(office: Office, bill, reason="bankruptcy"):
    body = {"reason": reason, "effective_from": NOW.date().isoformat(), "note": NOTE}
    answer = office.post(f"/patients/{bill.patient.id}/holds", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def charge(office: Office, bill, card):
    body = {"saved_method_id": card["id"], "due_cents": 45_000}
    return office.post(f"/invoices/{bill.invoice.id}/charges", body, key="c1")


def ask_on_reader(office: Office, bill):
    reader = sdk_client(office.sandbox).terminal.readers.create(
        {"registration_code": "simulated-wpe", "label": "Desk"}
    )
    asked = office.post(f"/invoices/{bill.invoice.id}/terminal-payments", {"reader_id": reader.id}, key="r1")
    assert asked.status_code == 201
    return asked.json()


def charges_at_processor(office: Office):
    return [each for each in sdk_client(office.sandbox).charges.list().data if each.paid]


def test_a_page_that_stands_open_is_closed_at_the_processor(office, bill):
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    hold = stop(office, bill)
    assert resolve(office.room).unknown == 0
    assert office.get(f"/checkouts/{page['id']}").json()["state"] == "expired"
    assert [each.status for each in sdk_client(office.sandbox).checkout.sessions.list().data] == ["expired"]
    refused = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "account-on-hold")
    assert office.post(f"/holds/{hold['id']}/lift", {"why": "Dismissed"}).json()["stands"] is False
    again = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k3").json()
    assert pay_on_card_page(again["url"])


def test_pages_and_readers_are_closed_by_the_worker_at_once(office, bill):
    """Without waiting for the round that looks up what has no outcome: its slot has passed already."""
    office.work()
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    other = billed(office.database, bill.patient, only_first=1)
    asked = ask_on_reader(office, other)
    stop(office, bill)
    office.work()
    for checkout in (page, asked):
        assert office.get(f"/checkouts/{checkout['id']}").json()["state"] == "expired"
    assert [each.status for each in sdk_client(office.sandbox).checkout.sessions.list().data] == ["expired"]


def test_a_page_stays_when_the_stop_is_lifted_before_and_is_closed_by_the_next_stop(office, bill):
    office.work()
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    hold = stop(office, bill)
    office.post(f"/holds/{hold['id']}/lift", {"why": "Dismissed"})
    office.work()
    assert office.get(f"/checkouts/{page['id']}").json()["state"] == "open", "the stop was lifted before"
    stop(office, bill)
    office.work()
    assert office.get(f"/checkouts/{page['id']}").json()["state"] == "expired"


def test_a_page_that_was_paid_before_it_is_closed_is_booked(office, bill):
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    stop(office, bill)
    pay_on_card_page(page["url"])
    resolve(office.room)
    assert office.get(f"/checkouts/{page['id']}").json()["state"] == "paid"
    assert office.get(f"/invoices/{bill.invoice.id}").json()["open_cents"] == 0


def test_a_page_whose_answer_was_lost_is_found_and_closed_not_opened(office, bill, clock_file):
    """Lost on the way back, and on the way there: in neither case does a page stand open afterwards."""
    office.sandbox.control("lose-response", path="/v1/checkout/sessions", times=1)
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").status_code == 503
    other = billed(office.database, bill.patient, only_first=1)
    office.sandbox.control("force-answer", path="/v1/checkout/sessions", status=500, times=1)
    assert office.post(f"/invoices/{other.invoice.id}/checkouts", key="k2").status_code == 503
    stop(office, bill)
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").status_code == 409
    clock_file.write_text((NOW + TEN_MINUTES).isoformat())
    assert resolve(office.room).unknown == 0
    assert [each.status for each in sdk_client(office.sandbox).checkout.sessions.list().data] == ["expired"]


@pytest.mark.parametrize("reason", ["death", "bankruptcy"])
def test_a_charge_that_never_arrived_is_not_sent_once_charges_are_stopped(office, bill, clock_file, reason):
    card = save_card(office, bill.patient.id)
    office.sandbox.control("force-answer", path="/v1/payment_intents", status=500, times=1)
    assert charge(office, bill, card).status_code == 503
    stop(office, bill, reason)
    again = charge(office, bill, card)
    assert (again.status_code, again.json()["code"]) == (409, "being-charged")
    clock_file.write_text((NOW + TEN_MINUTES).isoformat())
    assert resolve(office.room).unknown == 0
    assert charges_at_processor(office) == []
    assert charge(office, bill, card).json()["state"] == "expired"


def test_a_reader_that_asks_is_told_to_stop(office, bill):
    asked = ask_on_reader(office, bill)
    stop(office, bill, "death")
    assert resolve(office.room).unknown == 0
    assert office.get(f"/checkouts/{asked['id']}").json()["state"] == "expired"
    assert [each.action for each in sdk_client(office.sandbox).terminal.readers.list().data] == [None]


def test_neither_the_processor_nor_an_answer_to_others_learns_why(office, bill):
    words = ["death", "died", "bankrupt", "10417"]
    office.sandbox.control("refuse-words", words=words)
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    stop(office, bill, "death")
    stop(office, bill, "bankruptcy")
    resolve(office.room)
    assert office.get(f"/checkouts/{page['id']}").json()["state"] == "expired"
    refused = office.post(f"/invoices/{bill.invoice.id}/pay-links")
    assert (refused.status_code, refused.json()["code"]) == (409, "account-on-hold")
    assert not [word for word in words if word in refused.text.lower()]
