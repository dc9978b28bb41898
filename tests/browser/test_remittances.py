"""Insurers' answers in a browser: named by hand, sent in as a file, typed in from paper."""

import pytest
from playwright.sync_api import expect

from billing.catalog.queries import site_date
from billing.insurance.queries import list_remittances, present_superbill
from billing.kernel.permissions import SYSTEM, Role
from tests.factories.browser import is_sound
from tests.factories.care import give
from tests.factories.insurance import imported, superbill
from tests.factories.paid import paid_in_cash
from tests.factories.remittance_835 import Claim, remittance

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def visit(office):
    """Given and paid, with its superbill."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    given = give(office.database, invoice.lines[0].session_id, now=office.now)
    superbill(office.database, given.id, now=office.now)
    return given


def stands(office):
    with office.database.reading() as read:
        return [each.status for each in list_remittances(read, SYSTEM, limit=9)]


@pytest.fixture
def on(office, visit):
    """The clinic's day of the visit, on which its insurer pays as well."""
    with office.database.reading() as read:
        return site_date(read, visit.site_id, visit.started_at)


def test_from_the_task_to_the_posted_payment(office, enter, visit, on):
    claim = Claim(control_number="LOST", charge_cents=visit.due.cents, paid_cents=9_000, served_on=on)
    imported(office.database, remittance([claim], paid_on=on), now=office.now)
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Tasks").click()
    is_sound(page)
    page.get_by_role("link", name="Open the payment").click()
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    is_sound(page)
    page.get_by_role("link", name="Find its visit").click()
    expect(page.get_by_role("radio")).to_have_count(1)
    is_sound(page)
    page.get_by_role("button", name="It is this visit").click()
    expect(page.get_by_text("Choose the visit that the claim is about.")).to_be_visible()
    page.get_by_role("radio").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why it is this one").fill("The day on the letter")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is posted, whole.")).to_be_focused()
    expect(page.get_by_text("$90.00 is the patient's credit")).to_be_visible()
    is_sound(page)
    assert stands(office) == ["posted"]
    page.get_by_role("link", name="Back to insurers' answers").click()
    expect(page.get_by_role("row").filter(has_text="EFT0001")).to_contain_text("Posted")
    is_sound(page)


def test_a_file_is_looked_at_posted_and_its_damaged_copy_refused(office, enter, visit, on, tmp_path):
    with office.database.reading() as read:
        number = present_superbill(read, visit.id).control_number
    claim = Claim(control_number=number, charge_cents=visit.due.cents, paid_cents=9_000)
    good, damaged = tmp_path / "good.835", tmp_path / "damaged.835"
    good.write_bytes(remittance([claim], paid_on=on))
    damaged.write_bytes(remittance([claim], paid_on=on)[:-30])
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Insurers' answers").click()
    expect(page.get_by_text("No insurer has answered yet.")).to_be_visible()
    is_sound(page)
    page.get_by_role("link", name="Send in a file").click()
    is_sound(page)
    page.get_by_label("The file (X12 835)").set_input_files(damaged)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("Segment ")).to_be_visible()
    expect(page.get_by_label("The file (X12 835)")).to_be_focused()
    is_sound(page)
    page.get_by_label("The file (X12 835)").set_input_files(good)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="What the file would do")).to_be_visible()
    expect(page.get_by_text("$90.00 becomes patients' credit.")).to_be_visible()
    is_sound(page)
    assert stands(office) == []
    page.get_by_role("button", name="Post it").dblclick()
    expect(page.get_by_role("heading", name="What the file did")).to_be_visible()
    is_sound(page)
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="What the file did")).to_be_visible()
    assert stands(office) == ["posted"]


def test_a_paper_eob_is_typed_by_keyboard_mended_and_booked_once(office, enter, visit, on):
    with office.database.reading() as read:
        number = present_superbill(read, visit.id).control_number
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Insurers' answers").click()
    page.get_by_role("link", name="Type in a paper one").click()
    is_sound(page)
    page.get_by_label("Insurer", exact=True).fill("Sample Plan")
    page.get_by_label("Check or transfer number").fill("5501")
    page.get_by_label("Amount, in dollars").fill("90.01")
    page.get_by_label("Date on it").fill(on.isoformat())
    page.get_by_label("Patient account number").fill(number)
    page.get_by_label("Charged").fill("425.00")
    page.get_by_label("Paid", exact=True).fill("90.00")
    first = page.get_by_role("group", name="Adjustment 1 of claim 1")
    first.get_by_label("Letters").select_option("PR")
    first.get_by_label("Code").fill("1")
    first.get_by_label("Amount").fill("335.00")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount, in dollars")).to_be_focused()
    expect(page.get_by_text("The claims pay $90.00, which is $90.00, but the check")).to_be_visible()
    is_sound(page)
    page.get_by_label("Amount, in dollars").fill("90.00")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This would become of it")).to_be_focused()
    expect(page.get_by_text("$90.00 is the patient's credit")).to_be_visible()
    is_sound(page)
    assert stands(office) == []
    page.get_by_role("button", name="Add a service to claim 1").click()
    expect(page.get_by_role("heading", name="Service 1 of claim 1")).to_be_visible()
    expect(page.get_by_label("Patient account number")).to_have_value(number)
    is_sound(page)
    page.get_by_role("button", name="Book it").dblclick()
    # what is said of it once goes with the page of the first click, which the second may have left
    expect(page.get_by_text("Keyed in from paper")).to_be_visible()
    assert stands(office) == ["posted"]
