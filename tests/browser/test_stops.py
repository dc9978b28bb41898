"""A package stopped in a browser by keyboard, after the page said what that does."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import give
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
