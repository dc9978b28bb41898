"""A card that is declined at the reader, in a browser: the clerk is told, and goes on to the next card."""

import re

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import list_payments
from tests.factories.browser import is_sound
from tests.factories.sandbox import sdk_client
from tests.factories.web import new_package

pytestmark = [pytest.mark.browser, pytest.mark.processes]
STOLEN, TOO_LITTLE, GOOD = "4000 0000 0000 9979", "4000 0000 0000 9995", "4242 4242 4242 4242"
NEXT = "Nothing was taken. Ask for another card on the reader, or take the payment in another way."


def taken(office):
    with office.database.reading() as read:
        return {str(each.tender): each.amount for each in list_payments(read, SYSTEM, limit=9)}


@pytest.fixture
def reader(office):
    made = {"registration_code": "simulated-wpe", "label": "Desk"}
    return sdk_client(office.sandbox).terminal.readers.create(made).id


@pytest.fixture
def waiting(enter, reader):
    """The clerk asked on the reader and stands before the page that waits for the card."""
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name=re.compile("On the reader")).click()
    desk.get_by_role("button", name="Ask on the reader").click()
    expect(desk.get_by_role("heading", name="Waiting for the card")).to_be_visible()
    return desk


def test_a_declined_card_is_told_by_itself_and_the_next_one_pays(office, waiting, reader):
    is_sound(waiting)
    office.sandbox.control("show-card", reader=reader, number=TOO_LITTLE)
    told = waiting.get_by_text("The bank declined the card: not enough money for this.")
    expect(told).to_be_visible()
    expect(told).to_contain_text(NEXT)
    expect(waiting.get_by_text("The reader asks for")).to_have_count(0)
    is_sound(waiting)
    waiting.get_by_role("link", name=re.compile("Ask for another card")).click()
    expect(waiting.get_by_text(NEXT)).to_be_visible()
    is_sound(waiting)
    waiting.get_by_role("button", name="Ask on the reader").dblclick()
    expect(waiting.get_by_role("heading", name="Waiting for the card")).to_be_visible()
    office.sandbox.control("show-card", reader=reader, number=GOOD)
    expect(waiting.get_by_role("status")).to_have_text("The card has paid $2,550.00.")
    expect(waiting.get_by_text(NEXT)).to_have_count(0)
    office.work()
    assert taken(office) == {"card_present": Money(255_000)}


def test_after_a_stolen_card_nothing_of_it_is_said_and_cash_is_taken(office, waiting, reader):
    new_package(office.database, office.clinic.patient, office.now)
    office.sandbox.control("show-card", reader=reader, number=STOLEN)
    waiting.get_by_role("link", name="Back to the patient").click()
    expect(waiting.get_by_text("The bank declined the card. " + NEXT)).to_be_visible()
    assert "stolen" not in waiting.content().lower()
    waiting.get_by_role("link", name="Take invoice 1 in another way").click()
    cash = waiting.get_by_label("Cash for invoice 1, in dollars")
    expect(cash).to_be_focused()
    expect(waiting.get_by_role("heading", name="Invoice 1 ")).to_be_in_viewport()
    is_sound(waiting)
    cash.press("Enter")
    expect(waiting.get_by_text("$2,550.00 in cash is booked.")).to_be_visible()
    office.work()
    assert taken(office) == {"cash": Money(255_000)}


def test_a_declined_deposit_is_asked_on_the_reader_again_from_its_own_row(office, enter, reader):
    desk = enter(Role.FRONT_DESK)
    desk.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}/deposits/new")
    desk.get_by_label("On the card reader Desk").check()
    desk.get_by_role("button", name="Ask for the deposit").click()
    expect(desk.get_by_text("The reader asks for it now")).to_be_visible()
    office.sandbox.control("show-card", reader=reader, number=STOLEN)
    desk.reload()
    expect(desk.get_by_role("cell", name="The bank declined the card.")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name=re.compile("on the card reader Desk")).click()
    expect(desk.get_by_text("The reader asks for it now")).to_be_visible()
    office.sandbox.control("show-card", reader=reader, number=GOOD)
    office.work()
    assert taken(office) == {"card_present": Money(10_000)}
