"""Saving a card through a link, in a browser, and removing it there."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import SYSTEM
from billing.payments.records.saved_methods import Purpose
from billing.payments.use_cases.card_saving import make_card_link

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def link(office):
    _, secret = office.database.in_transaction(
        lambda tx: make_card_link(
            tx, patient_id=office.clinic.patient.id, purposes=list(Purpose), actor=SYSTEM, now=office.now
        )
    )
    return f"{office.url}/pay/{secret}/card"


def test_a_patient_agrees_saves_a_card_and_removes_it(office, page, link):
    page.goto(link)
    page.get_by_label("for visits that I have booked").check()
    page.get_by_role("button", name="Save a card").click()
    page.get_by_label("Card number").fill("4242424242424242")
    page.get_by_label("Expires").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(link)
    office.work_until(page, "Visa ending in 4242")
    expect(page.get_by_text("valid until 12/2040")).to_be_visible()
    page.get_by_role("button", name="Remove this card ending in 4242").click()
    expect(page.get_by_text("ending in 4242")).to_have_count(0)
    expect(page.get_by_role("heading", name="Save a card")).to_be_visible()


def test_nothing_is_ticked_beforehand_and_a_patient_who_ticks_nothing_is_told(page, link):
    page.goto(link)
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    assert [boxes.nth(number).is_checked() for number in range(2)] == [False, False]
    page.get_by_role("button", name="Save a card").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick what you agree to")


def test_the_keyboard_alone_agrees_and_goes_on(page, link):
    page.goto(link)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save a card")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Card number")).to_be_visible()


def test_every_part_has_a_name_and_a_narrow_screen_scrolls_no_page_sideways(page, link):
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(link)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("h1").count() == 1
    expect(page.get_by_role("group", name="Tick what you agree to")).to_be_visible()
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]), button')]"
        ".filter(each => !(each.labels && each.labels.length) && !each.textContent.trim()).length"
    )
    assert unnamed == 0
