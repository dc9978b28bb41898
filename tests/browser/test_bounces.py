"""A check that came back, recorded in a browser by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.paid import banked, paid_by_check

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_check_is_recorded_as_bounced_by_keyboard_after_the_page_said_what_happens(office, enter):
    banked(
        office.database,
        paid_by_check(office.database, office.clinic.invoice, office.now, Money(260_000)),
        office.now,
    )
    desk = enter(Role.BILLING)
    link = desk.get_by_role("link", name=re.compile(r"Bounced check of \$2,600"))
    link.focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Did the check of $2,600.00 bounce?")
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    expect(desk.get_by_text("owes $2,550.00 again")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="Record that it bounced").click()
    expect(desk.get_by_label("What the bank says")).to_be_focused()
    expect(desk.get_by_text("Choose what the bank says.")).to_be_visible()
    is_sound(desk)
    desk.get_by_label("What the bank says").select_option(label="Not enough money in the account")
    desk.get_by_label("The bank's fee, in dollars").fill("12")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_role("status")).to_contain_text("recorded as bounced")
    expect(desk.get_by_text("The bank took it back")).to_be_visible()
    is_sound(desk)


def test_a_check_that_comes_twice_is_asked_about_and_the_one_too_many_is_taken_back(office, enter):
    paid_by_check(office.database, office.clinic.invoice, office.now, Money(30_000))
    desk = enter(Role.BILLING)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name="Take a check").click()
    another = desk.get_by_label("I looked: it is another check with the same number")
    expect(another).to_have_count(0)
    desk.get_by_label("Written on the check, in dollars").fill("300")
    desk.get_by_label("Number of the check").fill("1042")
    desk.get_by_role("button", name="Book the check").click()
    expect(desk.get_by_label("Number of the check")).to_be_focused()
    expect(desk.get_by_text("from the same patient was booked before: $300.00")).to_be_visible()
    is_sound(desk)
    another.check()
    desk.get_by_role("button", name="Book the check").click()
    expect(desk.get_by_role("status")).to_contain_text("The check is booked.")
    desk.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}/money")
    desk.get_by_role("link", name=re.compile(r"Bounced check of \$300")).first.click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Take back the check of $300.00?")
    expect(desk.get_by_label("The bank's fee, in dollars")).to_have_count(0)
    is_sound(desk)
    desk.get_by_label("Why it is taken back").select_option(label="Another reason")
    desk.get_by_role("button", name="Take the check back").click()
    expect(desk.get_by_role("status")).to_contain_text("The check is taken back.")
