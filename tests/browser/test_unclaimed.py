"""Money whose owner shows no sign, written about and set aside in a browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.use_cases.dormant import list_dormant_credits
from tests.factories.browser import is_sound
from tests.factories.paid import paid_by_check

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_what_shows_no_sign_is_written_about_and_set_aside(office, enter):
    desk = enter(Role.BILLING)
    desk.get_by_role("link", name="Unclaimed property").click()
    expect(desk.get_by_text("Nothing is unclaimed.")).to_be_visible()
    is_sound(desk)
    four_years_ago = office.now - timedelta(days=4 * 366)
    paid_by_check(office.database, office.clinic.invoice, four_years_ago, Money(300_000))
    office.database.in_transaction(lambda tx: list_dormant_credits(tx, actor=SYSTEM, now=office.now))
    desk.get_by_role("link", name="Tasks").click()
    desk.get_by_role("link", name="Open what is unclaimed").first.click()
    is_sound(desk)
    desk.get_by_role("button", name="Record the letter").click()
    expect(desk.get_by_role("status")).to_contain_text("The letter is recorded.")
    is_sound(desk)
    desk.get_by_role("link", name="The owner answered").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Did the owner answer?")
    is_sound(desk)
    desk.get_by_role("link", name="Do nothing").click()
    desk.get_by_role("link", name="Back to unclaimed property").click()
    expect(desk.get_by_text("Letter sent").nth(1)).to_be_visible()
    is_sound(desk)
