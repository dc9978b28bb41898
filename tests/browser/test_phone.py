"""A clerk with a phone: every amount is seen, and none of them by scrolling sideways."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.refund_payment import refund_payment
from tests.factories.browser import is_sound
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.web import new_package

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def phone(office, enter):
    """A patient with two invoices, some money, a refund by check and credit; the money page is open."""
    database, invoice, now = office.database, office.clinic.invoice, office.now
    paid_in_cash(database, invoice, now, Money(40_000))
    check = paid_by_check(database, invoice, now, Money(30_000))
    paid_by_card(database, invoice, now)
    database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=check.id,
            amount=Money(10_000),
            refundable=Money(30_000),
            reason=RefundReason.DUPLICATE,
            method=None,
            limit=Money(50_000),
            actor=SYSTEM,
            now=now,
        )
    )
    second = new_package(database, office.clinic.patient, now)
    paid_by_check(database, second, now, Money(260_000), "1043")
    new_package(database, office.clinic.patient, now)
    page = enter(Role.BILLING)
    is_sound(page)
    page.set_viewport_size({"width": 390, "height": 844})
    return page


def is_seen(page, locator):
    """Wholly within the width of the screen, and of every box around it that scrolls."""
    expect(locator).to_be_visible()
    left, right = locator.evaluate(
        """e => {
            const boxes = [];
            for (let at = e.parentElement; at; at = at.parentElement)
                if (getComputedStyle(at).overflowX !== "visible") boxes.push(at.getBoundingClientRect());
            const own = e.getBoundingClientRect();
            return [Math.min(own.left, ...boxes.map(b => own.left - b.left)),
                    Math.min(innerWidth - own.right, ...boxes.map(b => b.right - own.right))];
        }"""
    )
    assert left >= 0
    assert right >= 0


def shot(page, name):
    if folder := os.environ.get("SHOTS_DIR"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_the_money_page_shows_what_is_left_and_what_comes_next(phone):
    shot(phone, "phone-money")
    for label in ("Paid", "Left", "Amount", "What comes next"):
        cells = phone.locator(f'td[data-label="{label}"]')
        assert cells.count() > 0
        for cell in cells.all():
            is_seen(phone, cell)
    expect(phone.get_by_role("cell", name=re.compile("Write the check")).first).to_be_visible()


def test_the_patients_page_shows_every_sum_and_a_refused_amount_beside_its_field(phone):
    phone.goto(phone.url.removesuffix("/money"))
    for amount in phone.locator(".sums dd, .lines td.number:not(.optional)").all():
        is_seen(phone, amount)
    field = phone.get_by_label("Cash for invoice").first
    field.fill("abc")
    phone.get_by_role("button", name="Take cash").first.click()
    expect(field).to_be_focused()
    expect(field).to_have_value("abc")
    is_seen(phone, phone.get_by_text("Type an amount above zero"))
    shot(phone, "phone-patient")
    is_sound(phone)
    shot(phone, "wide-patient")
