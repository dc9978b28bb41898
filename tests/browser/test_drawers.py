"""A shift at a cash drawer, in a browser by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.factories.browser import is_sound

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_drawer_is_opened_filled_and_counted_by_keyboard(office, enter):
    desk = enter(Role.FRONT_DESK)
    desk.goto(f"{office.url}/staff/cash-drawers")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Cash drawers")
    is_sound(desk)
    desk.get_by_label("Change in your drawer, in dollars").first.focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_role("status")).to_contain_text("Your drawer is open")

    desk.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}")
    desk.get_by_label(re.compile("^Cash for invoice")).fill("40.00")
    desk.get_by_label(re.compile("cash handed over for invoice")).fill("50.00")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_contain_text("Give $10.00 back")
    is_sound(desk)

    desk.goto(f"{office.url}/staff/cash-drawers")
    desk.get_by_role("link", name=re.compile("Count your drawer")).focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Cash drawer of")
    expect(desk.get_by_text("$40.00")).to_have_count(0)
    is_sound(desk)
    desk.get_by_role("button", name="That is what I counted").press("Enter")
    expect(desk.get_by_label("Or the total, in dollars")).to_be_focused()
    expect(desk.get_by_text("Type how many there are of each")).to_be_visible()
    is_sound(desk)
    desk.get_by_label("$20", exact=True).fill("1")
    desk.get_by_label("$10", exact=True).fill("1")
    desk.get_by_label("25¢").fill("39")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_role("status")).to_have_text("The drawer is closed: $0.25 short.")
    expect(desk.get_by_role("cell", name="$40.00").first).to_be_visible()
    is_sound(desk)
