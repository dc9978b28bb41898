"""A bank deposit followed to what it consists of: by keyboard, and on a phone."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.browser.test_phone import SCREEN, each_is_seen, shot
from tests.factories.browser import is_sound
from tests.factories.paid import paid_by_card
from tests.factories.payouts import a_line, line_of_payment, paid_out

pytestmark = [pytest.mark.browser, pytest.mark.processes]

STRANGE = "ch_3PqVx2LkdIwHu7ix0aBcDeFg"
"""As long as the processor's ids are."""


@pytest.fixture
def payout(office):
    payment = paid_by_card(office.database, office.clinic.invoice, office.now)
    lines = [line_of_payment(office.database, payment), a_line("charge", 9_680, STRANGE)]
    return paid_out(
        office.database,
        office.now,
        lines,
        arrives_on=(office.now - timedelta(days=1)).date(),
        name="po_1PqVx2LkdIwHu7ix0aBcDeFg",
    )


def test_an_accountant_follows_a_deposit_to_its_payment_by_keyboard(office, enter, payout):
    reader = enter(Role.ACCOUNTANT)
    reader.goto(f"{office.url}/staff/money")
    is_sound(reader)
    for name in ("Payouts of the processor", "payout of $2,646.50"):
        reader.get_by_role("link", name=name).focus()
        reader.keyboard.press("Enter")
        expect(reader.get_by_role("heading", level=1)).to_contain_text("ayout")
        is_sound(reader)
    expect(reader.get_by_text("Paid to the bank")).to_be_visible()
    expect(reader.get_by_text("Not in the books")).to_be_visible()
    reader.get_by_role("link", name="Payment of $2,549.70 net").focus()
    reader.keyboard.press("Enter")
    expect(reader.get_by_text("Card (visa 4242)")).to_be_visible()
    reader.go_back()
    reader.get_by_role("link", name="Back to the payouts").click()
    reader.get_by_role("link", name="Back to invoices and payments").click()
    expect(reader.get_by_role("heading", name="Open invoices")).to_be_visible()


def test_every_amount_of_a_payout_is_seen_on_a_phone(office, enter, payout):
    clerk = enter(Role.BILLING)
    clerk.set_viewport_size(SCREEN)
    clerk.goto(f"{office.url}/staff/payouts")
    shot(clerk, "phone-payouts-listed")
    each_is_seen(clerk, ".stack td")
    clerk.goto(f"{office.url}/staff/payouts/{payout.id}")
    shot(clerk, "phone-payout")
    each_is_seen(clerk, ".sums dd, .stack td:not(:empty)")
    each_is_seen(clerk, "code")
