"""A package stopped in a browser by keyboard, after the page said what that does."""

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.invoices import billed
from tests.factories.paid import paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_package_is_stopped_by_keyboard_and_its_credit_is_shown(office, enter):
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    for line in invoice.lines[:2]:
        give(office.database, line.session_id, now=office.now)
    desk = enter(Role.BILLING)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name=f"Stop the package of invoice {invoice.number}").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    expect(desk.get_by_text("4 visits")).to_be_visible()
    is_sound(desk)
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Stop the package")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_role("row", name="The patient's credit")).to_contain_text("$1,650.00")
    is_sound(desk)


def test_a_visit_is_called_off_by_keyboard_after_the_page_said_what_becomes_of_its_money(office, enter):
    single = billed(office.database, office.clinic.patient, only_first=1, now=office.now)
    paid_in_cash(office.database, single.invoice, office.now, Money(20_000))
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    leads_there = desk.locator(f'a[href$="{single.session_ids[0]}/absence/new"]')
    leads_there.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    expect(desk.get_by_text("$200.00 was paid for it")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="It is called off").press("Enter")
    expect(desk.get_by_role("status")).to_have_text("The visit is called off.")
    expect(leads_there).to_have_count(0)
    is_sound(desk)
