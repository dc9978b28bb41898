"""From quote to bill to income, as the postings of the design say it to the cent."""

from __future__ import annotations

import pytest

from billing.care.use_cases import cancel_session, mark_no_show, turn_away
from billing.invoices.errors import InvoiceInUse, PackageSession, SessionAlreadyInvoiced, SessionCalledOff
from billing.invoices.queries import find_invoice
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.errors import NotFound
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.queries.credits import credits_of_patient
from billing.payments.use_cases.receive import take_cash
from billing.quotes.use_cases import quote_plan
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient, billed


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def pay(database, now):
    def take(bill, cents):
        return database.in_transaction(
            lambda tx: take_cash(tx, invoice_id=bill.invoice.id, amount=Money(cents), actor=SYSTEM, now=now)
        )

    return take


def again(database, invoice_id):
    with database.reading() as read:
        return find_invoice(read, invoice_id, SYSTEM)


def test_a_bill_for_the_future_posts_nothing(database, books):
    bill = billed(database, a_patient(database))
    assert (bill.invoice.total, bill.invoice.open_balance) == (Money(255_000), Money(255_000))
    assert books() == {}


def test_a_veterans_package_is_deferred_and_earned_visit_by_visit(database, books, pay):
    bill = billed(database, a_patient(database, is_veteran=True))
    assert bill.invoice.total == Money(216_750)
    pay(bill, 216_750)
    assert books() == {"1060": 216_750, "2100": -216_750}
    give(database, bill.session_ids[0])
    assert books() == {"1060": 216_750, "2100": -180_625, "4900": 6_375, "4000": -42_500}


def test_a_visit_given_and_unpaid_is_owed_and_settled_later(database, books, pay):
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    assert books() == {"1100": 45_000, "4000": -45_000}
    pay(bill, 45_000)
    assert books() == {"1060": 45_000, "4000": -45_000}
    assert again(database, bill.invoice.id).state == "paid"


def test_money_in_parts_goes_to_the_earliest_visit_first(database, books, pay):
    bill = billed(database, a_patient(database), only_first=2)
    pay(bill, 50_000)
    give(database, bill.session_ids[0])
    give(database, bill.session_ids[1])
    assert books() == {"1060": 50_000, "1100": 40_000, "4000": -90_000}
    pay(bill, 40_000)
    assert books() == {"1060": 90_000, "4000": -90_000}


def test_a_session_given_before_it_was_billed_is_earned_with_the_bill(database, books, now):
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    database.in_transaction(
        lambda tx: void_invoice(tx, invoice_id=bill.invoice.id, reason="typo", actor=SYSTEM, now=now)
    )
    give(database, bill.session_ids[0])
    assert books() == {}
    database.in_transaction(
        lambda tx: issue_invoice(
            tx, quote_id=bill.invoice.quote_id, session_ids=bill.session_ids, actor=SYSTEM, now=now
        )
    )
    assert books() == {"1100": 45_000, "4000": -45_000}


def test_a_session_is_billed_once(database, now):
    bill = billed(database, a_patient(database))
    with pytest.raises(SessionAlreadyInvoiced):
        database.in_transaction(
            lambda tx: issue_invoice(tx, quote_id=bill.invoice.quote_id, actor=SYSTEM, now=now)
        )


def test_a_session_that_was_called_off_is_billed_no_more(database, now):
    other = new_plan(database, a_patient(database).id)
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=other.id, actor=SYSTEM, now=now))
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=other.sessions[0].id, actor=SYSTEM, now=now)
    )
    with pytest.raises(SessionCalledOff):
        database.in_transaction(lambda tx: issue_invoice(tx, quote_id=quote.id, actor=SYSTEM, now=now))


def test_a_bill_with_money_on_it_cannot_be_voided(database, pay, now):
    bill = billed(database, a_patient(database))
    pay(bill, 100)
    with pytest.raises(InvoiceInUse):
        database.in_transaction(
            lambda tx: void_invoice(tx, invoice_id=bill.invoice.id, reason="typo", actor=SYSTEM, now=now)
        )


def test_what_was_paid_for_a_cancelled_visit_becomes_the_patients_credit(database, books, pay, now):
    bill = billed(database, a_patient(database), only_first=2)
    pay(bill, 90_000)
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[0], actor=SYSTEM, now=now)
    )
    assert books() == {"1060": 90_000, "2100": -45_000, "2200": -45_000}
    with database.reading() as read:
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    assert (lot.available, lot.election) == (Money(45_000), "credit")


def test_a_cancelled_visit_that_nobody_paid_is_simply_not_owed(database, books, pay, now):
    bill = billed(database, a_patient(database), only_first=2)
    pay(bill, 45_000)
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[1], actor=SYSTEM, now=now)
    )
    invoice = again(database, bill.invoice.id)
    assert (invoice.state, invoice.open_balance) == ("paid", Money(0))
    assert books() == {"1060": 45_000, "2100": -45_000}


def test_one_visit_of_a_package_is_moved_not_cancelled(database, now):
    bill = billed(database, a_patient(database))
    with pytest.raises(PackageSession):
        database.in_transaction(
            lambda tx: cancel_session(tx, session_id=bill.session_ids[0], actor=SYSTEM, now=now)
        )


def test_a_bill_of_another_site_does_not_exist(database):
    bill = billed(database, a_patient(database))
    stranger = Actor(
        id="usr_1",
        entity_id=bill.invoice.entity_id,
        site_ids=frozenset({"sit_other"}),
        permissions=frozenset(Permission),
    )
    with pytest.raises(NotFound), database.reading() as read:
        find_invoice(read, bill.invoice.id, stranger)


def test_sessions_billed_without_their_package_cost_what_they_cost_alone(database):
    bill = billed(database, a_patient(database, is_veteran=True), only_first=2)
    assert bill.invoice.kind == "session"
    assert [(line.charge, line.net) for line in bill.invoice.lines] == [(Money(45_000), Money(38_250))] * 2


def test_all_sessions_named_one_by_one_are_still_the_package(database, now):
    bill = billed(database, a_patient(database), only_first=6)
    assert (bill.invoice.kind, bill.invoice.total) == ("package", Money(255_000))
    with pytest.raises(PackageSession):
        database.in_transaction(
            lambda tx: cancel_session(tx, session_id=bill.session_ids[5], actor=SYSTEM, now=now)
        )


@pytest.mark.parametrize("ending", [mark_no_show, turn_away])
def test_what_was_paid_for_a_visit_that_did_not_happen_is_the_patients_again(
    database, books, pay, now, ending
):
    bill = billed(database, a_patient(database), only_first=1)
    pay(bill, 45_000)
    database.in_transaction(lambda tx: ending(tx, session_id=bill.session_ids[0], actor=SYSTEM, now=now))
    assert books() == {"1060": 45_000, "2200": -45_000}
    assert again(database, bill.invoice.id).open_balance == Money(0)
