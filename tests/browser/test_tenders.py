"""Several tenders, and a deposit, taken at the desk in a browser."""

import re

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import list_payments
from tests.factories.browser import is_sound
from tests.factories.sandbox import sdk_client

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def taken(office):
    with office.database.reading() as read:
        return {str(each.tender): each.amount for each in list_payments(read, SYSTEM, limit=9)}


@pytest.fixture
def reader(office):
    made = {"registration_code": "simulated-wpe", "label": "Desk"}
    return sdk_client(office.sandbox).terminal.readers.create(made).id


def test_cash_and_a_check_are_booked_together_and_the_reader_asks_for_what_the_page_says_is_left(
    office, enter, reader
):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name=re.compile("Take several tenders")).click()
    is_sound(desk)
    left = desk.get_by_role("status")
    expect(left).to_have_text("$2,550.00 is left.")
    desk.get_by_label("Cash that is kept, in dollars").fill("200")
    check = desk.get_by_role("group", name="A check", exact=True)
    check.get_by_label("Written on it, in dollars").fill("2,400.00")
    expect(left).to_have_text("$50.00 more than is owed.")
    check.get_by_label("Written on it, in dollars").fill("1,350.00")
    expect(left).to_have_text("$1,000.00 is left.")
    desk.get_by_label("Is asked for on the card reader Desk").check()
    desk.get_by_role("button", name="Book what was handed over").click()
    expect(check.get_by_label("Its number")).to_be_focused()
    expect(desk.get_by_text("Type the number printed on the check")).to_be_visible()
    expect(left).to_have_text("$1,000.00 is left.")
    assert taken(office) == {}
    is_sound(desk)
    check.get_by_label("Its number").fill("1042")
    desk.get_by_role("button", name="Book what was handed over").dblclick()
    expect(desk.get_by_text("each with a receipt of its own")).to_be_visible()
    expect(desk.get_by_text("The reader asks for $1,000.00.")).to_be_visible()
    is_sound(desk)
    assert taken(office) == {"cash": Money(20_000), "check": Money(135_000)}


def test_without_a_script_it_works_and_too_much_cash_refuses_all(office, enter, chromium):
    desk = enter(Role.FRONT_DESK)
    plain = chromium.new_context(
        java_script_enabled=False, storage_state=desk.context.storage_state()
    ).new_page()
    plain.goto(f"{office.url}/staff/invoices/{office.clinic.invoice.id}/tenders/new")
    plain.get_by_role("button", name="Book what was handed over").click()
    expect(plain.get_by_role("alert")).to_contain_text("Type what the patient hands over")
    plain.get_by_label("Cash that is kept, in dollars").fill("2551")
    plain.get_by_role("button", name="Book what was handed over").click()
    expect(plain.get_by_text("$2,550.00 is owed on invoice 1.")).to_be_visible()
    expect(plain.get_by_label("Cash that is kept, in dollars")).to_have_value("2551")
    plain.get_by_label("Cash that is kept, in dollars").fill("2550")
    plain.get_by_role("button", name="Book what was handed over").click()
    expect(plain.get_by_text("each with a receipt of its own")).to_be_visible()
    assert taken(office) == {"cash": Money(255_000)}
    plain.context.close()


def test_a_deposit_is_taken_for_what_the_schedule_says_and_stands_with_the_patient(office, enter):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name="Take a deposit").click()
    is_sound(desk)
    expect(desk.get_by_label("Amount, in dollars")).to_have_value("100.00")
    desk.get_by_role("button", name="Book the deposit").click()
    expect(desk.get_by_label("Cash", exact=True)).to_be_focused()
    desk.get_by_label("A check").check()
    desk.get_by_role("button", name="Book the deposit").click()
    expect(desk.get_by_label("Number of the check")).to_be_focused()
    desk.get_by_label("Number of the check").fill("1042")
    desk.get_by_role("button", name="Book the deposit").dblclick()
    expect(desk.get_by_role("status")).to_contain_text("The deposit is booked.")
    expect(desk.get_by_role("cell", name="A deposit", exact=True)).to_be_visible()
    is_sound(desk)
    assert taken(office) == {"check": Money(10_000)}


def test_a_reader_that_is_away_leaves_the_cash_booked_and_says_what_is_left(office, enter, reader):
    desk = enter(Role.FRONT_DESK)
    desk.goto(f"{office.url}/staff/invoices/{office.clinic.invoice.id}/tenders/new")
    desk.get_by_label("Cash that is kept, in dollars").fill("2000")
    desk.get_by_label("Is asked for on the card reader Desk").check()
    office.sandbox.control("switch-reader", reader=reader, on=False)
    desk.get_by_role("button", name="Book what was handed over").click()
    expect(desk.get_by_role("alert")).to_have_text(
        "$550.00 is left. The reader does not take it; ask for it in another way."
    )
    assert taken(office) == {"cash": Money(200_000)}


def test_an_invoice_is_asked_for_on_the_reader_and_cancelled_there(office, enter, reader):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name=re.compile("On the reader")).click()
    expect(desk.get_by_label("Desk")).to_be_checked()
    is_sound(desk)
    desk.get_by_role("button", name="Ask on the reader").dblclick()
    expect(desk.get_by_text("The reader asks for $2,550.00.", exact=True)).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="Cancel at the reader").click()
    expect(desk.get_by_text("The reader asks no more.")).to_be_visible()
    assert taken(office) == {}
