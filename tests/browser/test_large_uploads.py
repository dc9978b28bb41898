"""A large file of an insurer in a browser: sent in, followed without a script, posted."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from billing.insurance.queries import list_remittances
from billing.kernel.permissions import SYSTEM, Role
from tests.factories.browser import is_sound
from tests.factories.remittance_835 import Claim, Payment, remittance
from tests.factories.uploads import a_worker

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_large_file_from_its_choice_to_what_it_did(office, enter):
    strays = [Claim(control_number=f"X{each}", charge_cents=100, paid_cents=50) for each in range(1_001)]
    content = remittance(payments=[Payment(claims=strays, trace="STRAYS")])
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Insurers' answers").click()
    page.get_by_role("link", name="Send in a file").click()
    sent = {"name": "era.835", "mimeType": "text/plain", "buffer": content}
    page.get_by_label("The file (X12 835)").set_input_files(sent)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="The file is being read")).to_be_visible()
    expect(page.get_by_role("progressbar", name="How far it is")).to_be_visible()
    is_sound(page)
    a_worker(office.database, now=office.now + timedelta(days=1)).run_once()
    page.get_by_role("link", name="Look now").click()
    expect(page.get_by_role("heading", name="What the file would do")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_role("status")).to_have_text("0 of 1,001 claims are done.")
    is_sound(page)
    a_worker(office.database, now=office.now + timedelta(days=1)).run_once()
    expect(page.get_by_role("heading", name="What the file did")).to_be_visible(timeout=20_000)
    is_sound(page)
    page.get_by_role("link", name="STRAYS").click()
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    with office.database.reading() as read:
        assert [each.status for each in list_remittances(read, SYSTEM, limit=9)] == ["parked"]
