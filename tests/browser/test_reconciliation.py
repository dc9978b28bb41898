"""What the processor and the books do not agree on, from its task to its booking, by keyboard."""

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.differences import differences
from billing.payments.records.reconciliation import MovementFacts
from billing.payments.use_cases.reconciliation import keep_movements, name_exceptions
from tests.factories.browser import is_sound

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def fee(office):
    """The processor took $13.00 that the books do not know of."""
    moved = MovementFacts(
        reference="txn_fee",
        source=None,
        reporting_category="fee",
        amount=Money(-1_300),
        fee=Money(0),
        charge=None,
        operation=None,
        moved_at=office.now,
    )
    work, now = office.database.in_transaction, office.now
    work(lambda tx: keep_movements(tx, movements=[moved], actor=SYSTEM, now=now))
    with office.database.reading() as read:
        found = differences(read)
    work(lambda tx: name_exceptions(tx, found=found, actor=SYSTEM, now=now))


def test_an_exception_is_opened_from_its_task_and_booked_by_keyboard(fee, office, enter):
    accountant = enter(Role.ACCOUNTANT)
    accountant.get_by_role("link", name="Tasks").click()
    is_sound(accountant)
    accountant.get_by_role("link", name="Open the exception").focus()
    accountant.keyboard.press("Enter")
    expect(accountant.get_by_role("heading", level=1)).to_contain_text("The processor moved money")
    is_sound(accountant)
    accountant.get_by_role("button", name="Book -$13.00").click()
    expect(accountant.get_by_label("What part 1 was")).to_be_focused()
    accountant.get_by_label("What part 1 was").select_option("6100")
    accountant.get_by_label("Amount of part 1, in dollars").focus()
    accountant.keyboard.press("Enter")
    expect(accountant.get_by_role("status")).to_be_focused()
    expect(accountant.get_by_role("status")).to_contain_text("It is booked")
    accountant.get_by_role("link", name="Back to all that differs").click()
    expect(accountant.get_by_role("heading", name="What has ended lately")).to_be_visible()
    is_sound(accountant)
