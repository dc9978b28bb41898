"""A superbill issued in a browser, its diagnoses looked for by keyboard, with a script and without."""

import pytest
from playwright.sync_api import expect

from billing.insurance.queries import present_superbill
from billing.insurance.rules.superbill import codes_of
from billing.kernel.permissions import Role
from billing.platform.data.documents import find_document
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.paid import paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ISSUE = "Issue the superbill"


@pytest.fixture
def visit(office):
    """Given and paid."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    return give(office.database, invoice.lines[0].session_id, now=office.now)


@pytest.fixture
def clerk(office, enter, visit):
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Back to the patient").click()
    return page


def codes(office, visit):
    with office.database.reading() as read:
        present = present_superbill(read, visit.id)
        return codes_of(find_document(read, present.document_id).body) if present else None


def test_a_diagnosis_is_found_while_it_is_typed_and_added_by_keyboard(office, clerk, visit):
    clerk.get_by_role("link", name="Issue the superbill of the visit").click()
    is_sound(clerk)
    told = clerk.get_by_role("status")
    expect(told).to_have_text("Usual for Depression:")
    field = clerk.get_by_label("Code or words")
    field.focus()
    clerk.keyboard.type("phantom lim")
    expect(told).to_have_text("2 codes are found.")
    clerk.keyboard.press("ArrowDown")
    expect(clerk.get_by_role("button", name="G54.6 Phantom limb syndrome with pain")).to_be_focused()
    clerk.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    clerk.keyboard.type("b without")
    expect(told).to_have_text("1 code is found.")
    is_sound(clerk)
    clerk.keyboard.press("ArrowDown")
    clerk.keyboard.press("Enter")
    expect(clerk.get_by_text("G54.7 is added.")).to_be_focused()
    expect(clerk.get_by_role("listitem").filter(has_text="G54.7")).to_be_visible()
    clerk.get_by_role("button", name="F32.1").click()
    clerk.get_by_role("button", name="Remove F32.1").click()
    expect(clerk.get_by_text("F32.1 is removed.")).to_be_focused()
    is_sound(clerk)
    assert codes(office, visit) is None
    clerk.get_by_role("button", name=ISSUE).dblclick()
    expect(clerk.get_by_text("SB-000001 is the superbill of this visit now.")).to_be_visible()
    is_sound(clerk)
    assert codes(office, visit) == ("G54.7",)


def test_without_a_script_the_button_finds_and_two_that_exclude_each_other_need_a_word(
    office, clerk, visit, chromium
):
    plain = chromium.new_context(
        java_script_enabled=False, storage_state=clerk.context.storage_state()
    ).new_page()
    plain.goto(f"{office.url}/staff/sessions/{visit.id}/superbill/new")
    plain.get_by_role("button", name="F32.1").click()
    plain.get_by_label("Code or words").fill("f332")
    plain.keyboard.press("Enter")
    expect(plain.get_by_text("1 code is found.")).to_be_focused()
    plain.get_by_role("button", name="F33.2").click()
    expect(plain.get_by_text("F33.2 is added.")).to_be_focused()
    plain.get_by_role("button", name=ISSUE).click()
    expect(plain.get_by_role("alert")).to_contain_text("F32.1 and F33.2 exclude each other")
    assert codes(office, visit) is None
    plain.get_by_label("The provider says that the two are unrelated conditions").check()
    plain.get_by_role("button", name=ISSUE).click()
    expect(plain.get_by_text("SB-000001 is the superbill of this visit now.")).to_be_visible()
    assert codes(office, visit) == ("F32.1", "F33.2")
    plain.context.close()
