"""Several tenders on one invoice: credit first, then cash, then checks; whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.errors import InvoiceNotOpen, MoreThanOwed
from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Permission, Role
from billing.ledger.queries import trial_balance
from billing.payments.errors import (
    CheckoutStands,
    CheckPostdated,
    CreditNotPermitted,
    MoreThanAvailable,
    TooSmallForCard,
)
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.receipts import receipts_by_payment
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed, Rest
from billing.payments.use_cases.receive import take_check
from billing.payments.use_cases.tenders import take_tenders
from billing.platform.data.idempotency import RequestKey
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.drawers import ANNA, Till
from tests.factories.invoices import a_patient, billed

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
TODAY = NOW.date()
PAGE = Rest(way=Way.PAGE, return_url="https://clinic.example/pay/thanks")


def cash(cents):
    return Handed(tender=Tender.CASH, amount=Money(cents))


def check(cents, number="1042", dated_on=TODAY):
    return Handed(tender=Tender.CHECK, amount=Money(cents), number=number, dated_on=dated_on)


def credit(cents):
    return Handed(tender=Tender.CREDIT, amount=Money(cents))


@pytest.fixture
def bill(database):
    """$450.00 for one session to come."""
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def take(database, bill):
    def run(*tenders, rest=None, actor=CLERK):
        return database.in_transaction(
            lambda tx: take_tenders(
                tx,
                invoice_id=bill.invoice.id,
                tenders=tenders,
                rest=rest,
                request=RequestKey("usr_clerk/k1", "0" * 64),
                actor=actor,
                now=NOW,
            )
        )

    return run


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=LIMIT)
            assert {one.number for one in verdict.checks if one.found} == set()
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def owed(database, bill):
    def read_it():
        with database.reading() as read:
            return find_invoice(read, bill.invoice.id, SYSTEM).open_balance

    return read_it


def held(database, patient_id):
    with database.reading() as read:
        return credit_balance(read, patient_id, SYSTEM).available


@pytest.fixture
def credit_of(database, bill):
    """Credit that came after the invoice, so that nothing took it off yet: too much on another check."""

    def give(cents):
        other = billed(database, bill.patient, only_first=1)
        database.in_transaction(
            lambda tx: take_check(
                tx,
                invoice_id=other.invoice.id,
                amount=Money(45_000 + cents),
                number="9",
                dated_on=TODAY,
                is_health_account=False,
                actor=CLERK,
                now=NOW,
            )
        )

    return give


def test_cash_and_a_check_are_two_payments_with_a_receipt_each_and_the_rest_stays_owed(
    take, books, owed, database
):
    taken = take(check(15_000), cash(20_000))
    assert [(each.tender, each.amount) for each in taken.payments] == [
        (Tender.CASH, Money(20_000)),
        (Tender.CHECK, Money(15_000)),
    ]
    assert (taken.open_balance, owed(), taken.checkout_id) == (Money(10_000), Money(10_000), None)
    assert books() == {"1060": 35_000, "2100": -35_000}
    with database.reading() as read:
        ids = [each.id for each in taken.payments]
        assert len(set(receipts_by_payment(read, ids).values())) == 2


def test_the_rest_is_asked_for_by_card_in_the_same_act(take, books, database, bill):
    taken = take(cash(20_000), check(15_000), rest=PAGE)
    with database.reading() as read:
        standing = standing_checkout(read, bill.invoice.id)
    assert standing is not None
    assert (standing.id, standing.amount, standing.way) == (taken.checkout_id, Money(10_000), Way.PAGE)
    assert books() == {"1060": 35_000, "2100": -35_000}
    with pytest.raises(CheckoutStands):
        take(cash(100))


def test_credit_comes_first_whatever_the_order_and_only_as_much_as_was_said(
    take, books, owed, credit_of, bill, database
):
    credit_of(10_000)
    taken = take(check(40_000), credit(6_000))
    assert taken.credit == Money(6_000)
    assert owed() == Money(0)
    assert books() == {"1060": 95_000, "2100": -90_000, "2200": -5_000}
    assert held(database, bill.patient.id) == Money(5_000)


def test_what_the_last_check_exceeds_is_credit(take, books):
    take(cash(20_000), check(30_000))
    assert books() == {"1060": 50_000, "2100": -45_000, "2200": -5_000}


def test_a_card_is_asked_for_what_credit_leaves_too(take, credit_of, database, bill):
    credit_of(5_000)
    take(cash(20_000), rest=PAGE)
    with database.reading() as read:
        assert standing_checkout(read, bill.invoice.id).amount == Money(20_000)


@pytest.mark.parametrize(
    ("tenders", "rest", "error"),
    [
        ([cash(20_000), cash(25_001)], None, MoreThanOwed),
        ([cash(20_000), check(25_000), check(100, "1043")], None, MoreThanOwed),
        ([credit(100), cash(100)], None, MoreThanAvailable),
        ([cash(20_000), check(15_000, dated_on=TODAY + timedelta(days=1))], None, CheckPostdated),
        ([cash(20_000), check(25_000)], PAGE, InvoiceNotOpen),
        ([cash(44_951)], PAGE, TooSmallForCard),
    ],
)  # fmt: skip
def test_one_that_cannot_be_taken_refuses_all(take, books, owed, database, tenders, rest, error):
    with pytest.raises(error):
        take(*tenders, rest=rest)
    assert (books(), owed()) == ({}, Money(45_000))
    with database.reading() as read:
        assert list_payments(read, SYSTEM, limit=5) == []


def test_who_may_not_apply_credit_does_not_by_this_way_either(take, credit_of):
    credit_of(10_000)
    desk = Actor(id="usr_desk", entity_id=None, permissions=ROLES[Role.FRONT_DESK])
    with pytest.raises(CreditNotPermitted):
        take(credit(100), actor=desk)
    assert take(cash(100), actor=desk).open_balance == Money(44_900)


def test_cash_among_them_gives_change_and_falls_into_the_open_drawer(database):
    till = Till(database)
    drawer = till.open()
    handed = replace(cash(20_000), tendered=Money(25_000))
    told = {"tenders": [handed, check(30_000)], "rest": None, "request": RequestKey("usr_anna/k1", "0" * 64)}
    taken = till.do(take_tenders, actor=ANNA, invoice_id=till.invoice.id, **told)
    assert [(each.change, each.drawer_id) for each in taken.payments] == [
        (Money(5_000), drawer.id),
        (None, None),
    ]
