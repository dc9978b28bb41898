"""Checks at the desk: dated so that a bank pays them, booked for what is written on them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.errors import InvoiceNotOpen
from billing.invoices.queries import find_invoice
from billing.invoices.states import InvoiceState
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import CheckPostdated, CheckStale
from billing.payments.queries.credits import credits_of_patient
from billing.payments.rules.tenders import refuse_unless_payable
from billing.payments.use_cases.receive import take_cash, take_check
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
TODAY = NOW.date()


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def take(database, bill):
    def run(cents, dated_on=TODAY, number="1042"):
        return database.in_transaction(
            lambda tx: take_check(
                tx,
                invoice_id=bill.invoice.id,
                amount=Money(cents),
                number=number,
                dated_on=dated_on,
                is_health_account=False,
                actor=CLERK,
                now=NOW,
            )
        )

    return run


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=LIMIT)
            assert {check.number for check in verdict.checks if check.found} == set()
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


def test_a_check_before_the_visit_is_a_liability(take, books, database, bill):
    payment = take(45_000)
    assert payment.instrument == "no. 1042"
    assert books() == {"1060": 45_000, "2100": -45_000}
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).state is InvoiceState.PAID


def test_a_check_after_the_visit_settles_what_is_owed(take, books, database, bill):
    give(database, bill.session_ids[0])
    take(45_000)
    assert books() == {"1060": 45_000, "4000": -45_000}


def test_what_exceeds_is_the_patients_credit(take, books, database, bill):
    take(46_000)
    assert books() == {"1060": 46_000, "2100": -45_000, "2200": -1_000}
    with database.reading() as read:
        lots = credits_of_patient(read, bill.invoice.patient_id, SYSTEM)
    assert total(lot.available for lot in lots) == Money(1_000)


def test_cash_and_two_checks_pay_one_invoice(take, books, database, bill):
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=bill.invoice.id, amount=Money(5_000), actor=CLERK, now=NOW)
    )
    take(20_000, number="1")
    take(20_000, number="2")
    assert books() == {"1060": 45_000, "2100": -45_000}
    with pytest.raises(InvoiceNotOpen):
        take(1, number="3")


@pytest.mark.parametrize(("days", "error"), [(1, CheckPostdated), (-181, CheckStale)])
def test_a_check_that_no_bank_need_pay_is_refused_and_moves_nothing(take, books, days, error):
    with pytest.raises(error):
        take(45_000, TODAY + timedelta(days=days))
    assert books() == {}


@pytest.mark.parametrize("dated_on", [date(2026, 11, 2), date(2026, 5, 6)])
def test_today_and_the_180th_day_are_good(dated_on):
    refuse_unless_payable(dated_on, date(2026, 11, 2))
