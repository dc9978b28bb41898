"""A day at the front desk, in a browser."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.factories.web import PASSWORD, new_staff

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def desk(office, page):
    """Somebody of the front desk, signed in."""
    staff = new_staff(office.database, Role.FRONT_DESK, office.now, entity_id=office.clinic.entity.id)
    page.goto(f"{office.url}/staff/")
    page.get_by_label("E-mail").fill(staff.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_the_desk_finds_a_patient_takes_cash_and_signs_out(desk):
    expect(desk.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    expect(desk.get_by_text("Sample data")).to_be_visible()
    desk.get_by_label("Find a patient").fill("maria")
    desk.keyboard.press("Enter")
    desk.get_by_role("link", name="Sample, Maria").click()
    desk.get_by_label("Cash for invoice").fill("550.00")
    desk.get_by_role("button", name="Take cash").click()
    expect(desk.get_by_role("status")).to_have_text("$550.00 in cash is booked.")
    expect(desk.get_by_text("$2,000.00").first).to_be_visible()
    desk.get_by_role("button", name="Sign out").click()
    expect(desk.get_by_role("heading", name="Staff sign-in")).to_be_visible()


def test_the_keyboard_alone_leads_past_the_navigation(desk):
    desk.locator("body").press("Tab")
    expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    expect(desk.get_by_label("Find a patient")).to_be_focused()


def test_the_keyboard_goes_over_the_bar_in_the_order_in_which_it_is_seen(desk):
    desk.get_by_role("link", name="Sample Clinic B").focus()
    for place in (desk.get_by_role("button", name="Sign out"), desk.get_by_role("link", name="Today")):
        desk.keyboard.press("Tab")
        expect(place).to_be_focused()


def test_a_narrow_screen_scrolls_no_page_sideways(desk):
    desk.set_viewport_size({"width": 375, "height": 700})
    for path in ("/staff/today", "/staff/money"):
        desk.goto(desk.url.split("/staff")[0] + path)
        assert desk.evaluate("document.documentElement.scrollWidth") <= 375
