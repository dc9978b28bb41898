"""A clerk and a patient read a statement in a browser, by keyboard, by ear and on a telephone."""

import pytest
from playwright.sync_api import expect

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.flows.remittances import import_remittance
from billing.kernel.permissions import SYSTEM, Role
from tests.factories.browser import is_sound
from tests.factories.insurance import handed_out
from tests.factories.paid import paid_by_card
from tests.factories.patients import new_policy
from tests.factories.remittance_835 import Claim, remittance

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def answered(office):
    """The package is paid by card, its first visit given, and an insurer has paid a part of that."""
    database, clinic, now = office.database, office.clinic, office.now
    paid_by_card(database, clinic.invoice, now, is_health_account=True)
    new_policy(database, clinic.patient.id, now=now)
    superbill = handed_out(database, clinic.invoice.lines[0].session_id, now=now)
    claim = Claim(
        control_number=superbill.control_number, charge_cents=superbill.charge.cents, paid_cents=18_000
    )
    import_remittance(
        database.in_transaction,
        Edi835Reader(),
        name="sample.835",
        content=remittance([claim], paid_on=now.date()),
        actor=SYSTEM,
        clock=lambda: now,
    )


def test_from_the_patients_page_to_the_patients_own(office, enter, chromium, answered):
    page = enter(Role.FRONT_DESK)
    page.get_by_role("link", name="Statement", exact=True).click()
    expect(page.get_by_role("heading", name="You may expect $180.00")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="paid the clinic $180.00")).to_be_visible()
    is_sound(page)
    page.get_by_label("From", exact=True).fill("2026-03-02")
    page.get_by_label("To", exact=True).fill("2026-03-01")
    page.keyboard.press("Enter")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    expect(page.get_by_text("before it begins on 2026-03-02.")).to_be_visible()
    is_sound(page)
    page.go_back()
    page.get_by_role("link", name="A year, for taxes or a health account").click()
    expect(page.get_by_role("heading", name="By date of service")).to_be_visible()
    is_sound(page)
    page.get_by_role("link", name="Back to the statement").click()
    page.get_by_role("button", name="Make a link for the patient").click()
    shown = page.get_by_label("Send this to the patient. It is shown only now.")
    expect(shown).to_be_focused()
    is_sound(page)
    patient = chromium.new_context().new_page()
    patient.goto(shown.input_value())
    is_sound(patient)
    patient.get_by_label("The patient's date of birth").fill("1990-01-01")
    patient.get_by_role("button", name="Open the statement").click()
    expect(patient.get_by_role("alert")).to_contain_text("did not open a statement")
    patient.get_by_label("The patient's date of birth").fill(office.clinic.patient.born_on.isoformat())
    patient.get_by_role("button", name="Open the statement").click()
    expect(patient.get_by_role("heading", level=1)).to_have_text("Your statement")
    expect(patient.get_by_role("heading", name="You still owe $0.00")).to_be_visible()
    expect(patient.get_by_role("link", name="Open the PDF")).to_be_visible()
    is_sound(patient)
    patient.get_by_role("link", name="A year, for taxes or a health account").click()
    expect(patient.get_by_role("heading", name="By date paid")).to_be_visible()
    is_sound(patient)
    patient.context.close()


def test_a_statement_fits_a_telephone(page, office, enter, answered):
    enter(Role.BILLING)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}/statement")
    expect(page.get_by_role("heading", name="Your visits")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
