"""Money whose owner shows no sign, written about and set aside in a browser."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.use_cases import amend_patient
from billing.payments.use_cases.dormant import list_dormant_credits
from billing.payments.use_cases.reimbursements import hold_reimbursement
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


def test_money_without_a_rule_stands_in_groups_that_a_phone_shows_whole(office, enter):
    """A credit of Colorado from four years ago, and what an insurer paid above; the desk has a phone."""
    database, patient, now = office.database, office.clinic.patient, office.now

    def do(deed, **what):
        database.in_transaction(lambda tx: deed(tx, **what, actor=SYSTEM, now=now))

    moved = {"address": replace(patient.address, state="CO", postal_code="80202")}
    do(amend_patient, patient_id=patient.id, changes=moved, expected_version=patient.version)
    paid_by_check(database, office.clinic.invoice, now - timedelta(days=4 * 366), Money(300_000))
    visit = office.clinic.invoice.lines[0].session_id
    paid = {"session_id": visit, "amount": Money(90_000), "source_id": "rmc_above"}
    do(hold_reimbursement, **paid, received_on=now.date())
    do(list_dormant_credits)
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Tasks").click()
    page.get_by_role("link", name="Open unclaimed property").click()
    expect(page.get_by_role("heading", name="No rule on file for CO")).to_be_visible()
    expect(page.get_by_role("heading", name="Held for insurers")).to_be_visible()
    is_sound(page)
    page.set_viewport_size({"width": 390, "height": 844})
    for amount in page.locator("td.number").all():
        box = amount.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
