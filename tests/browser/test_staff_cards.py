"""A card asked for by staff, saved by the patient, and charged by staff, in a browser."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.saved_methods import ConsentBy, Purpose
from billing.payments.use_cases.consents import revoke_consent
from tests.browser.test_phone import SCREEN, each_is_seen, shot
from tests.factories.browser import is_sound
from tests.factories.saved_cards import a_saved_card

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def save_on(link, visitor):
    """As the patient does, who holds the link."""
    visitor.goto(link)
    visitor.get_by_label("for visits that I have booked").check()
    visitor.get_by_role("button", name="Save a card").click()
    visitor.get_by_label("Card number").fill("4242424242424242")
    visitor.get_by_label("Expires").fill("12 / 40")
    visitor.get_by_label("Security code").fill("123")
    visitor.get_by_role("button", name="Save").click()
    expect(visitor).to_have_url(link)


def test_a_card_is_asked_for_saved_charged_and_removed(office, enter):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Saved cards").click()
    is_sound(desk)
    desk.get_by_role("button", name="Make the link").click()
    expect(desk.get_by_label("Send this to the patient.")).to_be_focused()
    is_sound(desk)
    save_on(desk.get_by_label("Send this to the patient.").input_value(), desk.context.new_page())
    desk.get_by_role("link", name="Back to the saved cards").click()
    office.work_until(desk, "Visa **** 4242")
    expect(desk.get_by_text("Can be charged")).to_be_visible()
    is_sound(desk)

    desk.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}")
    desk.get_by_role("link", name="Charge a saved card").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Charge $2,550.00")
    is_sound(desk)
    desk.get_by_role("button", name="Charge $2,550.00").dblclick()
    expect(desk.get_by_role("status")).to_have_text("$2,550.00 was taken from the card.")
    expect(desk.get_by_role("status")).to_be_focused()
    expect(desk.get_by_text("Card (visa 4242)")).to_have_count(1)

    desk.get_by_role("link", name="Saved cards").click()
    desk.get_by_role("link", name="Remove the card Visa **** 4242").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Remove Visa **** 4242?")
    is_sound(desk)
    desk.get_by_role("button", name="Remove the card").click()
    expect(desk.get_by_role("status")).to_contain_text("The card is removed.")
    expect(desk.get_by_text("No card is saved.")).to_be_visible()


def test_what_a_patient_agreed_to_is_read_word_for_word_on_a_phone(office, enter):
    card = a_saved_card(office.database, office.clinic.patient, office.now)
    office.database.in_transaction(
        lambda tx: revoke_consent(
            tx,
            saved_method_id=card.id,
            purpose=Purpose.PLAN_INSTALMENTS,
            told_by=ConsentBy.WRITING,
            actor=SYSTEM,
            now=office.now,
        )
    )
    desk = enter(Role.FRONT_DESK)
    for name in ("Saved cards", "The words that the patient agreed to"):
        desk.get_by_role("link", name=name).focus()
        desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("What the patient agreed to")
    expect(desk.get_by_text("In force")).to_have_count(1)
    is_sound(desk)
    desk.set_viewport_size(SCREEN)
    each_is_seen(desk, "blockquote, .facts dd")
    shot(desk, "phone-consents")
    desk.get_by_role("link", name="Back to the saved cards").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Saved cards")
    is_sound(desk)
