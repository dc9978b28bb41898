"""A deposit before any invoice: deferred, off the next invoice, back to who paid, gone with its check."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.catalog.errors import NoSuchSite
from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.patients.errors import NoSuchPatient
from billing.payments.errors import CheckPostdated
from billing.payments.queries.credits import applied_to, credit_balance
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.receipts import receipts_by_payment
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import CreditSource
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.dormant import claim, list_dormant_credits, set_aside
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import reject_refund, request_refund
from billing.payments.use_cases.unapply import unapply
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.drawers import ANNA, Till
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_patient

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
CASH = Handed(tender=Tender.CASH, amount=Money(10_000))
CHECK = Handed(tender=Tender.CHECK, amount=Money(10_000), number="1042", dated_on=NOW.date())


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def do(database):
    """One use case, by the clerk."""

    def run(use_case, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=CLERK, now=NOW))

    return run


@pytest.fixture
def deposit(do, patient):
    def take(handed=CASH, site_id=None):
        return do(take_deposit, patient_id=patient.id, handed=handed, site_id=site_id)

    return take


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=LIMIT)
            assert {check.number: check.found for check in verdict.checks if check.found} == {}
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def lot(database, patient):
    def find():
        with database.reading() as read:
            return next(
                each
                for each in credit_balance(read, patient.id, SYSTEM).items
                if each.source is CreditSource.DEPOSIT
            )

    return find


def test_a_deposit_is_deferred_revenue_shown_in_the_one_balance_with_a_receipt(
    deposit, books, database, patient
):
    payment = deposit()
    assert (payment.invoice_id, payment.amount, payment.tender) == (None, Money(10_000), Tender.CASH)
    assert books() == {"1060": 10_000, "2100": -10_000}
    with database.reading() as read:
        balance = credit_balance(read, patient.id, SYSTEM)
        assert balance.available == Money(10_000)
        assert [(each.source, each.available) for each in balance.sources] == [
            (CreditSource.DEPOSIT, Money(10_000))
        ]
        assert receipts_by_payment(read, [payment.id])


def test_the_next_invoice_takes_it_by_itself_and_the_session_earns_it(deposit, books, database, patient):
    deposit()
    bill = billed(database, patient, only_first=1)
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(35_000)
    assert books() == {"1060": 10_000, "2100": -10_000}
    give(database, bill.session_ids[0])
    assert books() == {"1060": 10_000, "1100": 35_000, "4000": -45_000}


def test_taken_off_an_invoice_again_or_its_session_called_off_it_is_a_deposit_once_more(
    deposit, books, database, patient, do, lot
):
    deposit()
    bill = billed(database, patient, only_first=1)
    with database.reading() as read:
        (use,) = applied_to(read, bill.invoice.id, SYSTEM).applications
    do(unapply, application_id=use.id)
    assert (lot().available, books()) == (Money(10_000), {"1060": 10_000, "2100": -10_000})
    do(apply_credits_now, invoice_id=bill.invoice.id)
    assert lot().available == Money(0)
    do(cancel_session, session_id=bill.session_ids[0])
    assert (lot().available, books()) == (Money(10_000), {"1060": 10_000, "2100": -10_000})


def test_it_takes_off_what_is_owed_of_a_session_that_was_given(deposit, books, database, patient, do):
    bill = billed(database, patient, only_first=1)
    give(database, bill.session_ids[0])
    deposit()
    do(apply_credits_now, invoice_id=bill.invoice.id)
    assert books() == {"1060": 10_000, "1100": 35_000, "4000": -45_000}


def test_a_refund_of_it_leaves_deferred_revenue_and_a_voided_check_puts_it_there_again(
    database, deposit, books, do, lot
):
    deposit()
    refund = do(request_refund, lot_id=lot().id, amount=Money(4_000), payment_id=None, limit=LIMIT)
    assert books() == {"1060": 10_000, "2100": -6_000, "2210": -4_000}
    do(send_check, refund_id=refund.id, check_number="7")
    assert books() == {"1000": -4_000, "1060": 10_000, "2100": -6_000}
    do(void_check, refund_id=refund.id)
    assert books() == {"1060": 10_000, "2100": -6_000, "2210": -4_000}
    with database.reading() as read:
        owed = list_refunds(read, SYSTEM, limit=1)[0]
    do(void_check, refund_id=owed.id)
    assert (lot().available, books()) == (Money(10_000), {"1060": 10_000, "2100": -10_000})


def test_a_refund_of_its_payment_takes_the_deposit_and_one_that_waits_is_counted(deposit, books, do, lot):
    payment = deposit()
    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(10_000),
        refundable=Money(10_000),
        reason=RefundReason.CANCELLED,
        method=RefundMethod.CHECK,
        limit=Money(0),
    )
    assert books() == {"1060": 10_000, "2200": -10_000}
    assert lot().available == Money(0)
    do(reject_refund, refund_id=refund.id)
    assert books() == {"1060": 10_000, "2200": -10_000}


def test_a_refund_of_the_deposit_that_waits_for_approval_is_still_deferred(deposit, books, do, lot):
    deposit()
    do(request_refund, lot_id=lot().id, amount=Money(4_000), payment_id=None, limit=Money(0))
    assert (lot().available, books()) == (Money(6_000), {"1060": 10_000, "2100": -10_000})


def test_a_deposit_by_a_check_that_bounces_is_gone_and_the_invoice_that_took_it_owes_again(
    deposit, books, database, patient, do, lot
):
    payment = deposit(CHECK)
    bill = billed(database, patient, only_first=1)
    do(
        bounce_check,
        payment_id=payment.id,
        reason=BounceReason.INSUFFICIENT_FUNDS,
        bounced_on=NOW.date(),
        fee=Money(0),
    )
    assert (books(), lot().available) == ({}, Money(0))
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(45_000)


def test_a_deposit_of_the_wrong_patient_leaves_them(deposit, books, database, do, patient):
    payment = deposit()
    other = new_patient(database, entity_id=patient.entity_id, site_id=patient.site_id, now=NOW)
    do(move_payment, payment_id=payment.id, patient_id=other.id, invoice_id=None)
    assert books() == {"1060": 10_000, "2100": -10_000}
    with database.reading() as read:
        assert credit_balance(read, patient.id, SYSTEM).available == Money(0)
        assert credit_balance(read, other.id, SYSTEM).available == Money(10_000)


def test_what_is_left_of_a_deposit_becomes_the_states_out_of_deferred_revenue_and_can_be_claimed(
    database, deposit, books, do, lot
):
    deposit()
    refund = do(request_refund, lot_id=lot().id, amount=Money(4_000), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="7")
    later = NOW + timedelta(days=4 * 365)
    database.in_transaction(lambda tx: list_dormant_credits(tx, actor=CLERK, now=later))
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    assert (listed.lot_id, listed.refund_id) == (lot().id, None)
    database.in_transaction(lambda tx: set_aside(tx, dormant_id=listed.id, actor=CLERK, now=later))
    assert books() == {"1000": -4_000, "1060": 10_000, "2230": -6_000}
    database.in_transaction(lambda tx: claim(tx, dormant_id=listed.id, actor=CLERK, now=later))
    assert (lot().available, books()["2100"]) == (Money(6_000), -6_000)


def test_a_deposit_that_became_credit_by_a_rejected_refund_becomes_the_states_as_credit(
    database, deposit, books, do
):
    payment = deposit()
    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(10_000),
        refundable=Money(10_000),
        reason=RefundReason.CANCELLED,
        method=RefundMethod.CHECK,
        limit=Money(0),
    )
    do(reject_refund, refund_id=refund.id)
    later = NOW + timedelta(days=4 * 365)
    assert database.in_transaction(lambda tx: list_dormant_credits(tx, actor=CLERK, now=later)) == 1
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    database.in_transaction(lambda tx: set_aside(tx, dormant_id=listed.id, actor=CLERK, now=later))
    assert books() == {"1060": 10_000, "2230": -10_000}


def test_a_check_that_no_bank_need_pay_and_a_site_out_of_reach_take_nothing(
    deposit, books, database, patient
):
    with pytest.raises(CheckPostdated):
        deposit(replace(CHECK, dated_on=NOW.date() + timedelta(days=1)))
    with pytest.raises(NoSuchSite):
        deposit(site_id="site_" + "0" * 26)
    far = Actor(
        id="usr_far",
        entity_id=patient.entity_id,
        site_ids=frozenset({"site_" + "0" * 26}),
        permissions=frozenset(Permission),
    )
    with pytest.raises(NoSuchPatient):
        database.in_transaction(
            lambda tx: take_deposit(tx, patient_id=patient.id, handed=CASH, site_id=None, actor=far, now=NOW)
        )
    assert books() == {}


def test_a_deposit_in_cash_falls_into_the_open_drawer_of_its_site(database):
    till = Till(database)
    drawer = till.open()
    payment = till.do(
        take_deposit,
        actor=ANNA,
        patient_id=till.invoice.patient_id,
        handed=replace(CASH, tendered=Money(10_500)),
        site_id=None,
    )
    assert (payment.drawer_id, payment.change) == (drawer.id, Money(500))


def test_a_deposit_that_passes_for_other_credit_is_found_by_both_accounts(deposit, database, books):
    deposit()
    books()
    behind_the_back(database, "UPDATE credit_lot SET source = 'overpayment'")
    with database.reading() as read:
        found = {check.number: check.found for check in verify(read, now=NOW, refund_limit=LIMIT).checks}
    assert found[3] == 2
