"""Paying through a link, in a browser, to the end."""

import pytest
from playwright.sync_api import expect

from tests.factories.browser import is_sound
from tests.factories.patients import SAMPLE_PERSON
from tests.factories.web import new_pay_link

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def link(office):
    return f"{office.url}/pay/{new_pay_link(office.database, office.clinic.invoice.id, office.now)}"


def pay(page, card):
    page.get_by_label("Card number").fill(card)
    page.get_by_label("Expires").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay").first.click()


def test_a_patient_pays_by_card_and_is_told_when_it_is_confirmed(office, page, link):
    page.goto(link)
    expect(page.get_by_text("$2,550.00")).to_be_visible()
    page.get_by_role("button", name="Pay by card").click()
    pay(page, "4242424242424242")
    expect(page.get_by_role("heading", name="Your payment is being confirmed")).to_be_visible()
    assert page.url == link
    office.work_until(page, "Paid. Thank you.")
    expect(page.get_by_role("heading", name="Paid. Thank you.")).to_be_visible()
    is_sound(page)
    page.get_by_role("link", name="Open the receipt").click()
    page.get_by_label("The patient's date of birth").fill(SAMPLE_PERSON.born_on.isoformat())
    page.get_by_role("button", name="Open the receipt").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Receipt RC-000001")


def test_who_cancels_at_the_processor_is_back_at_the_amount(page, link):
    page.goto(link)
    page.get_by_role("button", name="Pay by card").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(link)
    expect(page.get_by_role("button", name="Pay by card")).to_be_visible()
