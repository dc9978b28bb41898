"""Who may be asked to pay, or told, is recorded in a browser; what was handed out before is asked about."""

import pytest
from playwright.sync_api import expect

from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.insurance import superbill
from tests.factories.paid import paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def issued(office):
    """The superbill of the first visit, given and paid."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    visit = give(office.database, invoice.lines[0].session_id, now=office.now)
    return superbill(office.database, visit.id, now=office.now)


def test_a_limit_is_recorded_and_the_superbill_from_before_it_is_voided(office, enter, issued):
    page = enter(Role.BILLING)
    page.goto(f"{office.url}/staff/patients/{issued.patient_id}")
    page.get_by_role("link", name="Who may be asked to pay, or told").first.click()
    is_sound(page)
    page.get_by_label("Private contract outside of Medicare, signed on").fill("2090-01-01")
    page.get_by_label("Medicare", exact=True).check()
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_label("Private contract outside of Medicare, signed on")).to_be_focused()
    expect(page.get_by_label("Medicare", exact=True)).to_be_checked()
    is_sound(page)
    page.get_by_label("Private contract outside of Medicare, signed on").fill("")
    page.get_by_role("button", name="Record it").dblclick()
    expect(page.get_by_text("That is recorded. It holds for every superbill from now on.")).to_be_visible()
    page.goto(f"{office.url}/staff/tasks")
    expect(page.get_by_text("A superbill is out that the plan may not see any more")).to_be_visible()
    page.get_by_role("link", name="Open the superbill").click()
    expect(page.get_by_text("no private contract with the patient")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name=f"Void {issued.number}").click()
    expect(page.get_by_text("The superbill is void. It stays on file.")).to_be_visible()
    page.goto(f"{office.url}/staff/tasks")
    expect(page.get_by_text("A superbill is out that the plan may not see any more")).to_have_count(0)


def test_how_a_visit_is_coded_is_explained_and_changed(office, enter, issued):
    page = enter(Role.BILLING)
    page.goto(f"{office.url}/staff/sessions/{issued.session_id}/superbill/new")
    page.get_by_role("link", name="How the visit is coded, and change its lines").click()
    expect(page.get_by_text("up to 90 minutes are 96365")).to_be_visible()
    is_sound(page)
    page.get_by_label("Modifiers of line 1").fill("zzz")
    page.get_by_label("Why").fill("as the plan asked")
    page.get_by_role("button", name="Bill it so").click()
    expect(page.get_by_label("Modifiers of line 1")).to_be_focused()
    expect(page.get_by_label("Why")).to_have_value("as the plan asked")
    is_sound(page)
    page.get_by_label("Modifiers of line 1").fill("ga xs")
    page.get_by_role("button", name="Bill it so").dblclick()
    expect(page.get_by_text("96365-GA-XS")).to_be_visible()
    page.get_by_label("Why").fill("by mistake")
    page.get_by_role("button", name="Take the changes back").click()
    expect(page.get_by_text("The lines are billed as they are coded again.")).to_be_visible()
