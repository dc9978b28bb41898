"""A clinician records and signs a visit in a browser, and amends what was signed."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from billing.care.queries.charts import charts_of
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.care import let_in

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ZONE = ZoneInfo("America/Chicago")


@pytest.fixture
def visit(office):
    """Checked in."""
    return let_in(office.database, office.clinic.invoice.lines[0].session_id, now=office.now)


def test_a_visit_waits_without_a_stop_and_is_signed_and_amended(office, enter, visit):
    page = enter(Role.CLINICIAN)
    page.goto(f"{office.url}/staff/charts")
    is_sound(page)
    row = page.get_by_role("row").filter(has_text="a record")
    row.get_by_role("link").click()
    is_sound(page)
    stopped = (office.now - timedelta(days=1)).astimezone(ZONE).replace(hour=11, minute=45)
    page.get_by_label("Day", exact=True).fill(stopped.date().isoformat())
    page.get_by_label("Start", exact=True).fill("11:00")
    page.get_by_label("Drug", exact=True).select_option("ketamine")
    page.get_by_label("Dose in mg").fill("40")
    page.get_by_role("button", name="Keep it, sign later").click()
    expect(page.get_by_text("What is recorded so far is kept.")).to_be_visible()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Enter when it stopped.")).to_be_visible()
    expect(page.get_by_label("Stop", exact=True)).to_be_focused()
    is_sound(page)
    page.get_by_label("Stop", exact=True).fill("11:45")
    page.get_by_role("button", name="Sign", exact=True).dblclick()
    expect(page.get_by_text("Signed. The visit is given.")).to_be_visible()
    page.get_by_label("Dose in mg").fill("42.5")
    page.get_by_role("button", name="Sign the amendment").click()
    expect(page.get_by_text("Fill this in.")).to_be_visible()
    page.get_by_label("Why it is amended").fill("misread the vial")
    page.get_by_role("button", name="Sign the amendment").click()
    expect(page.get_by_text("Amended: misread the vial")).to_be_visible()
    is_sound(page)
    with office.database.reading() as read:
        charts = charts_of(read, visit.id)
    assert [(each.is_signed, str(each.drugs[0].dose_mg)) for each in charts] == [
        (False, "40"),
        (True, "40"),
        (True, "42.5"),
    ]
