"""A clerk with a phone: every amount is seen, and none of them by scrolling sideways."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from billing.care.use_cases import reschedule_session
from billing.catalog.queries import site_date
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.refund_payment import refund_payment
from tests.factories.browser import is_sound
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.patients import new_patient
from tests.factories.web import new_package

pytestmark = [pytest.mark.browser, pytest.mark.processes]

SCREEN = {"width": 390, "height": 844}
PAGES = (
    "today",
    "money",
    "bank-deposits",
    "payers",
    "cash-drawers",
    "outstanding-checks",
    "unclaimed",
    "disputes",
    "tasks",
    "reconciliation",
    "payouts",
    "approvals",
)


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
    page.set_viewport_size(SCREEN)
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


def each_is_seen(page, selector):
    cells = page.locator(selector)
    assert cells.count() > 0
    for cell in cells.all():
        is_seen(page, cell)


def shot(page, name):
    if folder := os.environ.get("SHOTS_DIR"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_the_money_page_shows_what_is_left_and_what_comes_next(phone):
    shot(phone, "phone-money")
    for label in ("Paid", "Left", "Amount", "What comes next"):
        each_is_seen(phone, f'td[data-label="{label}"]')
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


def test_every_amount_of_the_patients_sessions_credit_and_payments_is_seen(phone):
    phone.goto(phone.url.removesuffix("/money"))
    shot(phone, "phone-patient-sessions")
    for title, label in (
        ("sessions-title", "Covered"),
        ("sessions-title", "Price"),
        ("credits-title", "Amount"),
        ("credits-title", "Left"),
        ("payments-title", "Amount"),
    ):
        each_is_seen(phone, f'section[aria-labelledby="{title}"] td[data-label="{label}"]')
    for button in phone.get_by_role("button", name="Off the next invoice").all():
        is_seen(phone, button)


@pytest.mark.parametrize("where", ["money", "today"])
def test_the_pages_of_all_patients_show_every_amount(office, phone, where):
    session_id = office.clinic.invoice.lines[-1].session_id
    office.database.in_transaction(
        lambda tx: reschedule_session(
            tx,
            session_id=session_id,
            planned_on=site_date(tx, office.clinic.site.id, office.now),
            actor=SYSTEM,
            now=office.now,
        )
    )
    phone.goto(f"{office.url}/staff/{where}")
    shot(phone, f"phone-staff-{where}")
    for label in ("Total", "Owed", "Amount", *(("Price", "Covered") if where == "today" else ())):
        each_is_seen(phone, f'td[data-label="{label}"]')
    is_seen(phone, phone.locator("tfoot td"))
    is_sound(phone)
    shot(phone, f"wide-staff-{where}")


def test_a_long_name_makes_no_page_wider_than_the_phone(office, enter):
    clinic, named = office.clinic, {"given_name": "Bo", "family_name": "Wolfeschlegelsteinhausenbergerdorff"}
    of = {"entity_id": clinic.entity.id, "site_id": clinic.site.id, "now": office.now}
    patient = new_patient(office.database, **of, **named)
    new_package(office.database, patient, office.now)
    clerk = enter(Role.BILLING)
    for path in ("", "/money", "/deposits/new", "/cards"):
        clerk.goto(f"{office.url}/staff/patients/{patient.id}{path}")
        is_sound(clerk)
    clerk.goto(f"{office.url}/staff/money")
    is_sound(clerk)


def test_every_page_of_the_office_fits_on_a_phone(phone):
    site = phone.url.split("/staff/")[0]
    for path in PAGES:
        answer = phone.goto(f"{site}/staff/{path}")
        assert answer.ok, path
        shot(phone, f"phone-{path}")
        is_sound(phone)
        phone.set_viewport_size(SCREEN)
