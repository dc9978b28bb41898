"""A deposit that was asked for, where the desk looks: on the patient page, with how it stands."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.checkouts import Reader
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from tests.factories.holds import stopped
from tests.factories.web import Processor, send


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def processor():
    return Processor(readers=[Reader(id="tmr_desk", label="Front desk", is_online=True)])


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


@pytest.fixture
def ask(edge, clinic, now):
    def work():
        asked = {"patient_id": clinic.patient.id, "amount": Money(10_000), "site_id": None}
        return edge.database.in_transaction(lambda tx: ask_for_deposit(tx, **asked, actor=SYSTEM, now=now))

    return work


def told(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


def test_what_was_asked_for_stands_on_the_patient_page_until_it_is_withdrawn(enter, page, ask):
    clerk = enter()
    assert "was asked for on" not in clerk.get(page).text
    asked = ask()
    shown = clerk.get(page).text
    assert "A deposit of $100.00 was asked for on Nov 2, 2026. Not paid yet" in told(shown)
    assert f'href="{page}/deposits/new#waiting-title"' in shown
    send(clerk, page, f"/staff/deposit-requests/{asked.id}/withdraw")
    assert "was asked for on" not in clerk.get(page).text


def test_while_a_reader_asks_for_it_both_pages_say_so(enter, page):
    clerk = enter()
    form = {"asked": "100", "reader": "tmr_desk", "key": "k1"}
    send(clerk, f"{page}/deposits/new", f"{page}/deposit-requests", **form)
    assert "The reader asks for it now" in clerk.get(f"{page}/deposits/new").text
    assert "The reader asks for it now" in clerk.get(page).text


def test_of_a_deposit_that_was_paid_meanwhile_no_link_is_made_and_the_page_says_why(enter, page, ask):
    clerk, asked = enter(), ask()
    paid = send(clerk, f"{page}/deposits/new", f"{page}/deposits", amount="100", tender="cash", key="k1")
    assert paid.status_code == 303
    refused = send(clerk, page, f"/staff/deposit-requests/{asked.id}/pay-link", key="k2")
    assert refused.status_code == 303
    assert "This deposit was paid already: nothing is asked for any more." in clerk.get(refused.location).text


def test_on_hold_no_card_is_asked_for_and_nothing_is_promised(edge, enter, clinic, page, ask, now):
    clerk = enter()
    asked = ask()
    stopped(edge.database, clinic.patient.id, now=now)
    assert "Withdraw it" in clerk.get(page).text
    assert "New link" not in clerk.get(page).text
    shown = clerk.get(f"{page}/deposits/new").text
    assert "Ask for it by card" not in shown
    assert f"/staff/deposit-requests/{asked.id}/pay-link" not in shown
    assert f"/staff/deposit-requests/{asked.id}/withdraw" in shown
    assert "comes off the next invoice by itself" not in shown
    assert "comes off no invoice by itself while charges are stopped" in shown
    send(clerk, f"{page}/deposits/new", f"{page}/deposits", amount="50", tender="cash", key="k1")
    assert "booked and held. It comes off no invoice by itself" in clerk.get(page).text
