"""Where attempts, deposits, insurers and banks meet: what is lent, asked for again or shared once."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from billing.catalog.queries import sites
from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.queries.bounces import what_a_bounce_does
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.queries.payments import list_payments
from billing.payments.records.bounces import BounceReason
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.deposit_requests import DepositRequestState as State
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.checkouts import (
    begin_checkout,
    begin_deposit,
    close_checkout,
    pay_checkout,
    refuse_checkout,
)
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.deposit_requests import ask_for_deposit, withdraw_deposit_request
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.care import give
from tests.factories.disputes import disputed
from tests.factories.invoices import a_patient, billed
from tests.factories.schema import migrate_again
from tests.factories.world import RETURN_URL, a_charge


@pytest.fixture
def bill(database):
    """450 owed."""
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def deposit(do):
    def run(patient, cents, **more):
        handed = Handed(amount=Money(cents), **({"tender": Tender.CASH} | more))
        return do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)

    return run


@pytest.fixture
def check(deposit):
    def run(patient, cents):
        return deposit(patient, cents, tender=Tender.CHECK, number="77", dated_on=NOW.date())

    return run


@pytest.fixture
def bounce(do):
    def run(payment):
        why = BounceReason.INSUFFICIENT_FUNDS
        return do(bounce_check, payment_id=payment.id, reason=why, bounced_on=NOW.date(), fee=ZERO)

    return run


@pytest.fixture
def ask(do):
    def run(patient, cents):
        return do(ask_for_deposit, patient_id=patient.id, amount=Money(cents), site_id=None)

    return run


@pytest.fixture
def asked_now(database):
    def run(asked):
        with database.reading() as read:
            found = find_deposit_request(read, asked.id, SYSTEM)
        return found.state, found.open_balance.cents

    return run


@pytest.fixture
def owed_and_held(database, bill):
    def run():
        with database.reading() as read:
            owed = find_invoice(read, bill.invoice.id, SYSTEM).open_balance
            held = credit_balance(read, bill.patient.id, SYSTEM).available
        return owed.cents, held.cents

    return run


@pytest.fixture
def open_page(do, bill):
    def run():
        return do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)

    return run


@pytest.fixture
def pay(do):
    def run(page, reference):
        charge = a_charge(page.id, page.amount, NOW)
        return do(pay_checkout, checkout_id=page.id, reference=reference, charge=charge)

    return run


@pytest.fixture
def lose_deposit(database, do, bill, ask, pay):
    """100 was asked for and paid by card; called, its bank takes it back."""
    rest, asked = Rest(way=Way.PAGE, return_url=RETURN_URL), ask(bill.patient, 10_000)
    page = do(begin_deposit, deposit_request_id=asked.id, asked=rest, is_health_account=False, request=None)
    pay(page, "cs_1")
    with database.reading() as read:
        (paid,) = list_payments(read, SYSTEM, limit=9)

    def run():
        for told in (DisputeEvent.DISPUTE, DisputeEvent.LOSE):
            disputed(database, paid, NOW, told=told)

    return run


def test_a_page_that_ends_does_not_reopen_an_invoice_that_an_earlier_page_paid_late(
    do, bill, deposit, open_page, pay, owed_and_held
):
    deposit(bill.patient, 10_000)
    first = open_page()
    do(close_checkout, checkout_id=first.id)
    second = open_page()
    pay(first, "cs_1")
    assert owed_and_held() == (0, 0)
    do(close_checkout, checkout_id=second.id)
    assert owed_and_held() == (0, 0)


def test_a_page_that_ends_does_not_reopen_an_invoice_that_an_insurer_settled(
    do, bill, deposit, open_page, owed_and_held
):
    deposit(bill.patient, 10_000)
    page = open_page()
    do(
        hold_reimbursement,
        session_id=bill.session_ids[0],
        amount=Money(35_000),
        source_id="rmc_1",
        received_on=NOW.date(),
    )
    assert owed_and_held() == (0, 0)
    do(close_checkout, checkout_id=page.id)
    assert owed_and_held() == (0, 0)


def test_a_deposit_that_paid_a_bill_is_asked_for_once_when_its_check_bounces(
    database, do, bill, ask, check, bounce, asked_now, owed_and_held
):
    asked = ask(bill.patient, 10_000)
    paid = check(bill.patient, 10_000)
    do(apply_credits_now, invoice_id=bill.invoice.id)
    with database.reading() as read:
        effects = what_a_bounce_does(read, paid.id, SYSTEM)
    assert effects.asked_again + sum(effects.owed_by_invoice.values(), ZERO) == Money(10_000)
    bounce(paid)
    assert owed_and_held()[0] + asked_now(asked)[1] == 45_000


def test_a_deposit_paid_with_another_patients_money_is_asked_for_again_once_that_is_put_right(
    database, do, bill, ask, deposit, asked_now
):
    asked, right = ask(bill.patient, 10_000), a_patient(database)
    theirs = ask(right, 10_000)
    wrong = deposit(bill.patient, 10_000)
    do(move_payment, payment_id=wrong.id, patient_id=right.id, invoice_id=None)
    assert (asked_now(asked), asked_now(theirs)) == ((State.ASKED, 10_000), (State.PAID, 0))


def test_a_clerk_of_one_site_gives_back_credit_of_another_when_the_processor_refuses_the_page(
    database, do, bill, owed_and_held
):
    with database.reading() as read:
        there = next(each for each in sites(read, bill.patient.entity_id) if each.id != bill.invoice.site_id)
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    do(take_deposit, patient_id=bill.patient.id, handed=handed, site_id=there.id)
    clerk = Actor(
        id="usr_here",
        entity_id=bill.patient.entity_id,
        permissions=frozenset(Permission),
        site_ids=frozenset({bill.invoice.site_id}),
    )
    page = do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None, by=clerk)
    assert page.amount == Money(35_000)
    do(refuse_checkout, checkout_id=page.id, by=clerk)
    assert owed_and_held() == (45_000, 10_000)


def test_the_migration_of_deposit_payments_meets_rows_of_its_time(
    database, do, bill, ask, check, deposit, pay, found, asked_now
):
    """Handed over, bounced before, paid by card after a part, paid late by card, and withdrawn."""
    rest = Rest(way=Way.PAGE, return_url=RETURN_URL)

    def page_of(asked):
        return do(
            begin_deposit, deposit_request_id=asked.id, asked=rest, is_health_account=False, request=None
        )

    first = ask(bill.patient, 10_000)
    deposit(bill.patient, 4_000)
    pay(page_of(first), "cs_1")
    second = ask(bill.patient, 10_000)
    late = page_of(second)
    do(close_checkout, checkout_id=late.id)
    check(bill.patient, 10_000)
    pay(late, "cs_2")
    third = ask(bill.patient, 10_000)
    deposit(bill.patient, 2_000)
    do(withdraw_deposit_request, request_id=third.id)
    before = [asked_now(each) for each in (first, second, third)]
    if database.write_engine.dialect.name == "sqlite":
        undo = ["DROP TRIGGER deposit_payment_no_update", "DROP TRIGGER deposit_payment_no_delete"]
    else:
        undo = []
    handed = (
        "UPDATE deposit_request SET handed_cents = (SELECT COALESCE(SUM(d.amount_cents), 0) "
        "FROM deposit_payment d JOIN payment p ON p.id = d.payment_id "
        "WHERE d.deposit_request_id = deposit_request.id AND p.checkout_id IS NULL)"
    )
    migrate_again(database, "deposit_payments", *undo, handed, "DROP TABLE deposit_payment")
    assert [asked_now(each) for each in (first, second, third)] == before
    assert found() == set()


def test_a_deposit_lost_to_its_bank_pays_nothing_of_a_bill_that_it_was_only_lent_to(
    do, lose_deposit, open_page, owed_and_held
):
    """As without the page: the deposit is gone and the bill owes 450.00."""
    page = open_page()
    lose_deposit()
    do(close_checkout, checkout_id=page.id)
    assert owed_and_held() == (45_000, 0)


ABOVE = """
    SELECT id, entity_id, site_id, patient_id, session_id, amount_cents, shared_cents
    FROM reimbursement_excess
"""


def test_the_migration_of_excess_meets_a_claim_with_and_without_it(database, do, bill, found):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    give(database, bill.session_ids[0])
    for claim, cents in (("rmc_1", 45_000), ("rmc_2", 40_000)):
        named = {"session_id": bill.session_ids[0], "source_id": claim, "received_on": NOW.date()}
        do(hold_reimbursement, amount=Money(cents), **named)
    behind_the_back(
        database,
        *(
            "INSERT INTO remittance_claim (id, remittance_id, place, control_number, payer_claim_number, "
            "claim_status, charge_cents, paid_cents, patient_cents, session_id, credit_cents, sealed) VALUES "
            f"('{claim}', 'rem_1', {place}, 'x', 'y', '1', 1, 1, 0, '{bill.session_ids[0]}', 0, '')"
            for place, claim in enumerate(("rmc_1", "rmc_2"))
        ),
    )
    with database.reading() as read:
        before = read.session.execute(text(ABOVE)).all()
    migrate_again(
        database, "reimbursement_excess", "DROP TABLE excess_share", "DROP TABLE reimbursement_excess"
    )
    with database.reading() as read:
        assert read.session.execute(text(ABOVE)).all() == before
    later = "ALTER TABLE reimbursement_excess ADD COLUMN demanded_cents BIGINT NOT NULL DEFAULT 0"
    behind_the_back(database, later)
    assert 4 not in found()


def test_a_visit_that_was_given_owes_all_when_the_deposit_lent_to_its_page_is_lost(
    database, do, bill, lose_deposit, open_page, owed_and_held
):
    give(database, bill.session_ids[0])
    page = open_page()
    lose_deposit()
    do(close_checkout, checkout_id=page.id)
    assert owed_and_held() == (45_000, 0)


@pytest.mark.parametrize("is_lent", [False, True])
def test_a_lost_deposit_calls_off_no_visit_that_a_page_may_yet_pay(
    lose_deposit, pay, open_page, owed_and_held, is_lent
):
    if is_lent:
        page = open_page()
    lose_deposit()
    if not is_lent:
        page = open_page()
    pay(page, "cs_2")
    assert owed_and_held() == ((10_000 if is_lent else 0), 0)
