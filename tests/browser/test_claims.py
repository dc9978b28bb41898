"""A claim is issued, sent by hand and worked on in a browser, by keyboard alone."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.insurance.queries.claims import claims_of_session
from billing.insurance.states import ClaimState
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.insurance import imported, superbill
from tests.factories.paid import paid_in_cash
from tests.factories.patients import new_policy
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def visit(office):
    """Given and paid, with a superbill; the patient is insured."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    new_policy(office.database, invoice.patient_id, filing_days=180)
    given = give(office.database, invoice.lines[0].session_id, now=office.now)
    superbill(office.database, given.id, now=office.now)
    return given


@pytest.fixture
def clerk(office, enter, visit):
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Back to the patient").click()
    return page


def claim(office, visit):
    with office.database.reading() as read:
        (only,) = claims_of_session(read, visit.id)
    return only


def test_a_claim_is_issued_marked_as_sent_and_closed_by_keyboard(office, clerk, visit):
    clerk.get_by_role("link", name="Issue the claim of the visit").focus()
    clerk.keyboard.press("Enter")
    is_sound(clerk)
    clerk.get_by_role("button", name="Issue the claim").focus()
    clerk.keyboard.press("Enter")
    expect(clerk.get_by_text("The claim is issued.")).to_be_focused()
    expect(clerk.get_by_text("The plan takes it until")).to_be_visible()
    is_sound(clerk)
    clerk.get_by_role("button", name="I sent it by hand").dblclick()
    expect(clerk.get_by_text("The claim is marked as filed.")).to_be_visible()
    is_sound(clerk)
    issued = claim(office, visit)
    assert issued.state is ClaimState.FILED
    denied = Answer(
        control_number=issued.control_number,
        charge_cents=issued.charge.cents,
        paid_cents=0,
        adjustments=(("CO", "197", issued.charge.cents),),
    )
    today, tomorrow = office.now.date(), office.now + timedelta(1)
    assert imported(office.database, remittance([denied], paid_on=today), now=tomorrow).status == "posted"
    clerk.reload()
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("Denied")
    is_sound(clerk)
    clerk.get_by_label("What happened").select_option("The clinic appealed")
    clerk.get_by_role("button", name="Note it").click()
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("Appealed")
    is_sound(clerk)


def test_the_list_shows_one_state_and_is_empty_without_claims(office, clerk, visit):
    clerk.goto(f"{office.url}/staff/claims")
    expect(clerk.get_by_text("No claim was issued yet.")).to_be_visible()
    is_sound(clerk)
    clerk.get_by_label("Show").select_option("Denied")
    clerk.get_by_role("button", name="Show").click()
    expect(clerk.get_by_text("There is no such claim.")).to_be_visible()
    clerk.goto(f"{office.url}/staff/sessions/{visit.id}/claim/new")
    clerk.get_by_role("button", name="Issue the claim").click()
    clerk.get_by_role("link", name="Back to the claims").click()
    expect(clerk.get_by_role("link", name="CLM-000001")).to_be_visible()
    is_sound(clerk)
