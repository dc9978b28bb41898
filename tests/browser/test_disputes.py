"""Somebody answers a dispute in a browser, by keyboard, and another person approves."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.factories.disputes import disputed
from tests.factories.paid import paid_by_card
from tests.factories.web import PASSWORD, new_staff

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def desk(office, page):
    """Somebody of billing, signed in; a payment of the clinic's patient is disputed."""
    payment = paid_by_card(office.database, office.clinic.invoice, office.now)
    disputed(office.database, payment, office.now)
    staff = new_staff(office.database, Role.BILLING, office.now, entity_id=office.clinic.entity.id)
    page.goto(f"{office.url}/staff/")
    page.get_by_label("E-mail").fill(staff.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Disputes", exact=True).click()
    return page


def test_a_packet_is_drafted_by_keyboard_and_everything_has_a_name(desk):
    desk.get_by_role("link", name="dispute of $2,550.00").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Dispute of $2,550.00")
    box = desk.get_by_role("checkbox", name="Days of service")
    expect(box).not_to_be_checked()
    box.focus()
    desk.keyboard.press("Space")
    desk.get_by_label("Statement in your own words").fill("The payer booked six visits.")
    desk.get_by_role("button", name="Draft the packet").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_contain_text("The packet is drafted.")
    packet = desk.get_by_role("region", name="Packet 1")
    expect(packet).to_contain_text("Waits for approval")
    expect(packet).to_contain_text("Holds health information.")
    expect(packet.get_by_role("link", name="Open the PDF of packet 1")).to_be_visible()
    assert desk.locator("input:not([type=hidden]):not([id]):not(label input), th:not([scope])").count() == 0
    ids = desk.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))


def test_a_refused_statement_takes_the_focus_and_says_why(desk):
    desk.get_by_role("link", name="dispute of $2,550.00").click()
    field = desk.get_by_label("Statement in your own words")
    field.fill("Paid with 4242 4242 4242 4242")
    desk.get_by_role("button", name="Draft the packet").click()
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(desk.locator("#statement-wrong")).to_contain_text("card number")


def test_the_pages_of_disputes_fit_a_narrow_screen(desk):
    desk.set_viewport_size({"width": 375, "height": 700})
    assert desk.evaluate("document.documentElement.scrollWidth") <= 375
    desk.get_by_role("link", name="dispute of $2,550.00").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Dispute of $2,550.00")
    desk.wait_for_load_state()
    assert desk.evaluate("document.documentElement.scrollWidth") <= 375
    desk.get_by_role("link", name="Look at what accepting would do").click()
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    assert desk.evaluate("document.documentElement.scrollWidth") <= 375
