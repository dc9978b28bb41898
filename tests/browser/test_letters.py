"""A patient sends in an insurer's letter in a browser, and staff open it."""

import pytest
from playwright.sync_api import expect

from billing.insurance.queries.letters import letters_of
from billing.kernel.permissions import SYSTEM, Role
from tests.factories.browser import is_sound
from tests.factories.letters import PICTURE

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def kept(office):
    with office.database.reading() as read:
        return letters_of(read, office.clinic.patient.id, SYSTEM)


def test_from_the_link_to_the_opened_letter(office, enter, chromium, tmp_path):
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Back to the patient").click()
    page.get_by_role("link", name="Insurers' letters").click()
    expect(page.get_by_text("No letter came yet.")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name="Make a link for the patient").click()
    shown = page.get_by_label("Send this to the patient. It is shown only now.")
    expect(shown).to_be_focused()
    is_sound(page)
    picture = tmp_path / "Maria.png"
    picture.write_bytes(PICTURE)
    patient = chromium.new_context().new_page()
    patient.goto(shown.input_value())
    is_sound(patient)
    patient.get_by_role("button", name="Send the letter").click()
    expect(patient.get_by_label("The patient's date of birth")).to_be_focused()
    expect(patient.get_by_text("Choose what the letter says.")).to_be_visible()
    is_sound(patient)
    assert kept(office) == []
    patient.get_by_label("The patient's date of birth").fill(office.clinic.patient.born_on.isoformat())
    patient.get_by_label("Day of the visit that the letter is about").fill("2026-11-03")
    patient.get_by_label("It counts toward my deductible").check()
    patient.get_by_label("The letter", exact=True).set_input_files(picture)
    patient.get_by_role("button", name="Send the letter").click()
    expect(patient.get_by_role("heading", name="We have your letter")).to_be_focused()
    is_sound(patient)
    patient.context.close()
    assert [each.outcome for each in kept(office)] == ["deductible"]
    page.get_by_role("link", name="Tasks").click()
    page.get_by_role("link", name="Open the patient's letters").click()
    expect(page.get_by_role("row").filter(has_text="Applied to the deductible")).to_contain_text("this one")
    is_sound(page)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Open the picture").click()
    assert saved.value.suggested_filename == "letter.png"
