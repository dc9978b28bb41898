"""Stopping a package on its page: what it says first, and that nobody stops what they did not see."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from billing.care.use_cases import check_in
from billing.invoices.queries import list_invoices
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credit_balance
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_in_cash
from tests.factories.web import new_staff, send, sign_in

SHOWN = {"freed": "170000", "charged": "5000"}


@pytest.fixture
def invoice(database, clinic, now):
    """Six at $425.00 that cost $450.00 alone; all paid, two given."""
    paid_in_cash(database, clinic.invoice, now, clinic.invoice.total)
    for line in clinic.invoice.lines[:2]:
        give(database, line.session_id)
    return clinic.invoice


@pytest.fixture
def look(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/stop/new"


@pytest.fixture
def deed(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/stop"


def invoices(edge, clinic):
    return edge.read(lambda read: list_invoices(read, SYSTEM, patient_id=clinic.patient.id, limit=9))


def test_the_page_says_what_is_called_off_freed_charged_and_left(edge, enter, clinic, invoice, look):
    page = enter().get(look).text
    assert "<strong>4 visits</strong> are called off" in page
    assert "<strong>$1,700.00</strong> that was paid for them becomes credit" in page
    assert "cost <strong>$50.00</strong> more" in page
    assert page.count("$25.00 more") == 2
    assert "<strong>$1,650.00</strong> is left." in page
    assert len(invoices(edge, clinic)) == 1


def test_a_package_is_stopped_once_and_what_is_left_is_credit(edge, enter, clinic, invoice, look, deed):
    clerk = enter()
    assert look in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    for _ in range(2):
        answer = send(clerk, look, deed, **SHOWN, key="k1")
        assert (answer.status_code, answer.location) == (303, f"/staff/patients/{clinic.patient.id}/money")
    assert "The package is stopped." in clerk.get(answer.location).text
    assert sorted(each.total.cents for each in invoices(edge, clinic)) == [5_000, 255_000]
    balance = edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM))
    assert balance.available == Money(165_000)
    assert look not in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    again = send(clerk, "/staff/today", deed, **SHOWN, key="k2")
    assert again.status_code == 409
    assert "No session of a package is still to come" in again.text


def test_who_saw_other_figures_is_shown_the_new_ones_and_stops_nothing(
    edge, enter, clinic, invoice, look, deed, database
):
    clerk = enter()
    give(database, invoice.lines[2].session_id)
    answer = send(clerk, look, deed, **SHOWN, key="k1")
    assert answer.status_code == 409
    assert "By now $1,275.00 would be freed and $75.00 charged." in answer.text
    assert "<strong>3 visits</strong> are called off" in answer.text
    assert len(invoices(edge, clinic)) == 1
    for bad in ({"freed": ""}, {"charged": "x"}):
        assert send(clerk, look, deed, **SHOWN | bad, key="k2").status_code == 422


def test_a_package_with_something_given_and_unpaid_says_what_has_to_be_paid_first(
    database, enter, clinic, look, deed, now
):
    session_id, boss = clinic.invoice.lines[0].session_id, replace(SYSTEM, id="usr_" + "0" * 26)
    database.in_transaction(
        lambda tx: check_in(tx, session_id=session_id, override_reason="pays tomorrow", actor=boss, now=now)
    )
    clerk = enter()
    assert "A visit of this package has begun." in clerk.get(look).text
    give(database, session_id)
    assert "$425.00 of what was given is not paid." in clerk.get(look).text
    assert '<button type="submit">Stop the package' not in clerk.get(look).text


def test_a_package_that_nobody_paid_yet_frees_nothing(enter, clinic, look, deed):
    clerk = enter()
    assert "Nothing was paid for them" in clerk.get(look).text
    assert send(clerk, look, deed, freed="0", charged="0", key="k1").status_code == 303


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.ACCOUNTANT])
def test_who_may_not_void_an_invoice_stops_no_package(enter, clinic, invoice, look, deed, role):
    clerk = enter(role)
    if role is Role.FRONT_DESK:
        assert look not in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    assert clerk.get(look).status_code == 403
    assert send(clerk, "/staff/money", deed, **SHOWN, key="k1").status_code == 403


def test_another_clinic_finds_no_such_package(pages, database, invoice, look, deed, now):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(look).status_code == 404
    assert send(stranger, "/staff/today", deed, **SHOWN, key="k1").status_code == 404


def test_a_visit_that_was_given_on_another_day_than_the_invoice_has_stands_under_that_day(
    database, enter, clinic, invoice, look, now
):
    third = invoice.lines[2]
    give(database, third.session_id, now=now + timedelta(days=1))
    page = re.sub(r"<[^>]+>", "", enter().get(look).text)
    assert third.service_on == date(2026, 11, 9)
    assert "Infusion of Nov 3, 2026: $25.00 more" in page
    assert "Infusion of Nov 9, 2026" not in page
