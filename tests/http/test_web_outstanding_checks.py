"""The page of refund checks: those to be written, those that are out, and what it says of none."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_in_cash
from tests.factories.web import new_staff, send, sign_in

PAGE = "/staff/outstanding-checks"
NOTHING_TO_WRITE = "No check waits to be written."
NOTHING_OUT = "No refund check is outstanding."


@pytest.fixture
def ask(database, clinic, now):
    """Where a refund of $1,000.00 in cash is asked for; it goes back by check."""
    payment = paid_in_cash(database, clinic.invoice, now, Money(100_000))
    return f"/staff/payments/{payment.id}/refunds"


@pytest.fixture
def check_refund(clerk, ask):
    def work(amount, left):
        form = {"amount": amount, "refundable": left, "reason": "duplicate", "key": f"ask{left}"}
        return send(clerk, f"{ask}/new", ask, **form).location

    return work


def section(client, title):
    found = re.search(
        rf'<section[^>]*aria-labelledby="{title}".*?</section>', client.get(PAGE).text, re.DOTALL
    )
    assert found is not None
    return found[0]


def test_an_approved_refund_is_listed_until_its_check_is_written(clerk, clinic, enter, check_refund):
    assert NOTHING_TO_WRITE in section(clerk, "unwritten-title")
    first, second = check_refund("100.00", "100000"), check_refund("30.00", "90000")
    waiting = section(clerk, "unwritten-title")
    assert "To be written: $130.00" in waiting
    assert clinic.patient.family_name in waiting
    assert waiting.index(f'href="{first}"') < waiting.index(f'href="{second}"'), (
        "who waits longest comes first"
    )
    accountants = section(enter(Role.ACCOUNTANT), "unwritten-title")
    assert clinic.patient.family_name not in accountants
    assert f"Patient {clinic.patient.number}" in accountants
    send(clerk, first, f"{first}/check", number="1001", key="k1")
    waiting = section(clerk, "unwritten-title")
    assert first not in waiting
    assert "To be written: $30.00" in waiting
    send(clerk, second, f"{second}/check", number="1002", key="k2")
    assert NOTHING_TO_WRITE in section(clerk, "unwritten-title")


def test_what_only_waits_for_approval_is_not_to_be_written(clerk, check_refund):
    check_refund("600.00", "100000")
    assert NOTHING_TO_WRITE in section(clerk, "unwritten-title")


def test_a_voided_check_is_to_be_written_again(clerk, enter, check_refund):
    page = check_refund("100.00", "100000")
    send(clerk, page, f"{page}/check", number="1001", key="k1")
    send(enter(Role.SUPERVISOR), page, f"{page}/void-check", key="k2")
    waiting = section(clerk, "unwritten-title")
    assert "To be written: $100.00" in waiting
    assert page not in waiting


def test_nothing_is_said_to_be_paid_that_was_voided_or_never_went_out(clerk, enter, check_refund):
    assert NOTHING_OUT in section(clerk, "out-title")
    page = check_refund("100.00", "100000")
    send(clerk, page, f"{page}/check", number="1001", key="k1")
    assert NOTHING_OUT not in section(clerk, "out-title")
    send(enter(Role.SUPERVISOR), page, f"{page}/void-check", key="k2")
    emptied = section(clerk, "out-title")
    assert NOTHING_OUT in emptied
    assert "paid every" not in emptied


def test_another_clinic_has_nothing_to_write(database, pages, check_refund, now):
    check_refund("100.00", "100000")
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=other.id))
    assert NOTHING_TO_WRITE in section(stranger, "unwritten-title")
