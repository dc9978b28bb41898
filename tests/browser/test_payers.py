"""Another payer in a browser: taken in, agreed with, paying at the desk, and let go by two people."""

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.paid import paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_payer_is_taken_in_agrees_to_a_part_and_pays_some_of_it_by_keyboard(office, enter):
    desk = enter(Role.BILLING)
    desk.get_by_role("link", name="Other payers").click()
    is_sound(desk)
    desk.get_by_role("button", name="Take in the payer").click()
    expect(desk.get_by_label("Who it is")).to_be_focused()
    desk.get_by_label("Who it is").select_option(label="Sponsor")
    desk.get_by_label("Name", exact=True).fill("Quillfeather Foundation")
    desk.get_by_label("How they are reached").fill("512-555-0177")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    is_sound(desk)

    desk.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}")
    desk.get_by_role("link", name=f"Other payers of invoice {office.clinic.invoice.number}").click()
    is_sound(desk)
    desk.get_by_label("Who pays").select_option(label="Quillfeather Foundation (Sponsor)")
    desk.get_by_label("Amount, in dollars").fill("3000")
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Amount, in dollars")).to_be_focused()
    desk.get_by_label("Amount, in dollars").fill("600")
    desk.get_by_label("Number of the authorization").fill("L-17")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Quillfeather Foundation takes $600.00")
    is_sound(desk)
    desk.get_by_label("Amount, in dollars").fill("250")
    desk.get_by_label("Cash").focus()
    desk.keyboard.press("Space")
    desk.get_by_role("button", name="Book the payer's money").dblclick()
    expect(desk.get_by_role("status")).to_contain_text("The payer's money is booked.")
    expect(desk.get_by_role("region", name="The part", exact=True)).to_contain_text("$350.00")
    desk.get_by_role("link", name="The payer's statement").click()
    expect(desk.get_by_role("heading", name="Open: $350.00")).to_be_visible()
    desk.emulate_media(media="print")
    expect(desk.get_by_role("navigation")).to_be_hidden()
    expect(desk.get_by_role("columnheader", name="Open it")).to_be_hidden()

    paid_in_cash(office.database, office.clinic.invoice, office.now, Money(195_000))
    give(office.database, office.clinic.invoice.lines[5].session_id, now=office.now)
    desk.emulate_media(media="screen")
    desk.go_back()
    desk.get_by_label("Why it ends").select_option(label="The payer withdrew")
    desk.get_by_label("The patient owes it").check()
    desk.get_by_role("button", name="End this part").click()
    expect(desk.get_by_role("heading", name="Somebody wants this part ended")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="Sign out").click()

    boss = enter(Role.SUPERVISOR)
    boss.get_by_role("link", name="Approvals").click()
    is_sound(boss)
    boss.get_by_role("button", name="End the part: $350.00 of Quillfeather Foundation").click()
    expect(boss.get_by_role("status")).to_be_focused()
    expect(boss.get_by_role("status")).to_have_text("The part is ended.")
