"""Charges stopped in a browser by keyboard, after the page said what that does, and lifted again."""

import pytest
from playwright.sync_api import expect

from billing.kernel.clock import day_in_words
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_charges_are_stopped_by_keyboard_and_lifted_with_a_reason(office, enter):
    desk = enter(Role.BILLING)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name="The patient died, or is bankrupt").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Cash or a check that somebody brings may be taken.")).to_be_visible()
    is_sound(desk)
    desk.get_by_label("The patient filed for bankruptcy").focus()
    desk.keyboard.press("Space")
    filed_on = office.clinic.invoice.issued_on
    desk.get_by_label("On which day").fill(filed_on.isoformat())
    desk.get_by_label("Note").fill("Case 20-10417")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_text(f"filed for bankruptcy on {day_in_words(filed_on)}")).to_be_visible()
    expect(desk.get_by_role("button", name="Make a pay link")).to_have_count(0)
    is_sound(desk)
    desk.get_by_role("link", name="See what that means").click()
    desk.get_by_label("Why charges go on").fill("The case was dismissed")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("row", name="The patient filed for bankruptcy")).to_contain_text("dismissed")
    is_sound(desk)
