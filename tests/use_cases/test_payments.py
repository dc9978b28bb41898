"""Credit, reimbursement, refund: nothing is lost, nothing happens twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.errors import MoreThanOwed
from billing.invoices.queries import find_invoice
from billing.kernel.errors import Conflict
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import (
    CheckNumberUsed,
    MoreThanAvailable,
    OwnRefund,
    RefundNotElected,
    RefundTargetMissing,
)
from billing.payments.flows.checkouts import start_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import paid_for_session
from billing.payments.queries.refunds import find_refund
from billing.payments.records.credits import Election
from billing.payments.records.refunds import Rejection
from billing.payments.use_cases.credits import apply_credits, elect
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import approve_refund, fail_refund, reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.web import Processor

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
ACCOUNTANT = Actor(id="usr_accountant", entity_id=None, permissions=frozenset(Permission))
LIMIT = Money(20_000)


@pytest.fixture
def do(database, now):
    """Run a use case as the clerk, now."""

    def run(use_case, *, actor=CLERK, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def reimbursed(database, do):
    """A patient who paid a visit of 425 and to whom the insurer gave back 180."""
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    give(database, bill.session_ids[0])
    do(
        hold_reimbursement,
        session_id=bill.session_ids[0],
        amount=Money(18_000),
        source_id="rmc_1",
        received_on=date(2026, 11, 20),
    )
    return bill


def lots(database, patient):
    with database.reading() as read:
        return credits_of_patient(read, patient.id, SYSTEM)


def test_an_insurers_money_is_owed_to_the_patient_not_earned(reimbursed, books):
    assert books() == {"1000": 18_000, "1060": 45_000, "2200": -18_000, "4000": -45_000}


def test_a_reimbursement_waits_for_the_patients_choice(database, reimbursed):
    bill = billed(database, reimbursed.patient, only_first=1)
    assert bill.invoice.open_balance == Money(45_000)
    assert lots(database, reimbursed.patient)[0].available == Money(18_000)


def test_an_elected_credit_comes_off_the_next_invoice_before_any_charge(database, do, reimbursed, books):
    (lot,) = lots(database, reimbursed.patient)
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    bill = billed(database, reimbursed.patient, only_first=1)
    assert bill.invoice.open_balance == Money(27_000)
    assert lots(database, reimbursed.patient)[0].available == Money(0)
    assert books() == {"1000": 18_000, "1060": 45_000, "2100": -18_000, "4000": -45_000}


def test_credit_that_pays_a_bill_whole_is_taken_when_somebody_goes_to_pay(database, do, reimbursed, now):
    bill = billed(database, reimbursed.patient, only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(27_000))
    do(elect, lot_id=lots(database, reimbursed.patient)[0].id, election=Election.CREDIT)
    room = Payments(database, Processor(), lambda: now)
    paid = start_checkout(room, invoice_id=bill.invoice.id, return_url="/", request=None, actor=CLERK)
    assert (paid.state, paid.amount, room.gateway.states) == ("paid", Money(0), {})
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, CLERK).open_balance == Money(0)
    assert lots(database, reimbursed.patient)[0].available == Money(0)


def test_the_patient_gets_no_more_back_than_was_paid(database, do, reimbursed, books):
    again = do(
        hold_reimbursement,
        session_id=reimbursed.session_ids[0],
        amount=Money(30_000),
        source_id="rmc_2",
        received_on=date(2026, 11, 25),
    )
    assert (again.settled, again.credit, again.excess) == (Money(0), Money(27_000), Money(3_000))
    assert books()["2220"] == -3_000


def test_an_insurers_money_settles_what_is_owed_first(database, do, books):
    bill = billed(database, a_patient(database), only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(40_000))
    give(database, bill.session_ids[0])
    held = do(
        hold_reimbursement,
        session_id=bill.session_ids[0],
        amount=Money(10_000),
        source_id="rmc_1",
        received_on=date(2026, 11, 20),
    )
    assert (held.settled, held.credit) == (Money(5_000), Money(5_000))
    assert books() == {"1000": 10_000, "1060": 40_000, "2200": -5_000, "4000": -45_000}


def test_the_same_claim_is_posted_once(do, reimbursed, books):
    before = books()
    with pytest.raises(Conflict):
        do(
            hold_reimbursement,
            session_id=reimbursed.session_ids[0],
            amount=Money(18_000),
            source_id="rmc_1",
            received_on=date(2026, 11, 20),
        )
    assert books() == before


def test_a_zero_too_many_at_the_desk_is_refused(database, do):
    bill = billed(database, a_patient(database), only_first=1)
    with pytest.raises(MoreThanOwed) as refused:
        do(take_cash, invoice_id=bill.invoice.id, amount=Money(425_000))
    assert refused.value.more == {"open_cents": 45_000}


def test_a_superbill_knows_what_was_paid_for_its_visit(database, do, reimbursed, now):
    with database.reading() as read:
        paid = paid_for_session(read, reimbursed.session_ids[0], now)
    assert [(each.amount, each.tender) for each in paid] == [(Money(45_000), "cash")]


def test_a_small_refund_by_check_goes_out_and_is_over(database, do, reimbursed, books):
    (lot,) = lots(database, reimbursed.patient)
    refund = do(request_refund, lot_id=lot.id, amount=Money(18_000), payment_id=None, limit=LIMIT)
    assert refund.state == "approved"
    assert books()["2210"] == -18_000
    do(send_check, refund_id=refund.id, check_number="1001")
    assert books() == {"1060": 45_000, "4000": -45_000}
    with database.reading() as read:
        assert find_refund(read, refund.id, SYSTEM).state == "succeeded"


def test_a_refund_follows_the_patients_choice(database, do, reimbursed):
    (lot,) = lots(database, reimbursed.patient)
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    with pytest.raises(RefundNotElected):
        do(request_refund, lot_id=lot.id, amount=Money(100), payment_id=None, limit=LIMIT)
    do(elect, lot_id=lot.id, election=Election.REFUND)
    assert do(request_refund, lot_id=lot.id, amount=Money(100), payment_id=None, limit=LIMIT)


def test_a_check_number_goes_out_once(database, do, reimbursed):
    (lot,) = lots(database, reimbursed.patient)
    first, second = (
        do(request_refund, lot_id=lot.id, amount=Money(100), payment_id=None, limit=LIMIT) for _ in range(2)
    )
    do(send_check, refund_id=first.id, check_number="1001")
    with pytest.raises(CheckNumberUsed):
        do(send_check, refund_id=second.id, check_number="1001")
    do(send_check, refund_id=second.id, check_number="1002")


def test_a_large_refund_waits_for_somebody_else(database, do, reimbursed, books):
    (lot,) = lots(database, reimbursed.patient)
    ask = partial(do, request_refund, lot_id=lot.id, payment_id=None, limit=Money(1_000))
    refund = ask(amount=Money(18_000))
    assert refund.state == "requested"
    assert "2210" not in books()
    with pytest.raises(OwnRefund):
        do(approve_refund, refund_id=refund.id)
    with pytest.raises(MoreThanAvailable):
        ask(amount=Money(1))
    do(approve_refund, refund_id=refund.id, actor=ACCOUNTANT)
    assert books()["2210"] == -18_000


def test_another_token_of_the_same_person_is_nobody_else(database, do, reimbursed):
    (lot,) = lots(database, reimbursed.patient)
    asks, approves = (replace(CLERK, id=f"tok_{number}", person_id="usr_admin") for number in (1, 2))
    ask = partial(do, request_refund, lot_id=lot.id, payment_id=None, limit=Money(1_000), actor=asks)
    refund = ask(amount=Money(18_000))
    with pytest.raises(OwnRefund):
        do(approve_refund, refund_id=refund.id, actor=approves)
    assert do(approve_refund, refund_id=refund.id, actor=ACCOUNTANT).state == "approved"


def test_many_small_refunds_of_a_day_are_a_large_one(database, now, do, reimbursed):
    (lot,) = lots(database, reimbursed.patient)

    def ask(cents, hours=0):
        return database.in_transaction(
            lambda tx: request_refund(
                tx, lot_id=lot.id, amount=Money(cents), payment_id=None, limit=Money(1_000), actor=CLERK,
                now=now + timedelta(hours=hours),
            )
        )  # fmt: skip

    first = ask(600)
    assert [first.state, ask(400, 1).state, ask(1, 2).state] == ["approved", "approved", "requested"]
    do(fail_refund, refund_id=first.id)
    assert [ask(600, 3).state, ask(1, 3).state] == ["approved", "requested"]
    assert [ask(401, 24).state, ask(400, 25).state] == ["requested", "approved"]
    with database.reading() as read:
        verdict = verify(read, now=now, refund_limit=Money(1_000))
    assert [check.findings for check in verdict.checks if check.number == 21] == [()]


def test_a_rejected_refund_leaves_the_credit_as_it_was(database, do, reimbursed, books):
    before, (lot,) = books(), lots(database, reimbursed.patient)
    refund = do(request_refund, lot_id=lot.id, amount=Money(18_000), payment_id=None, limit=Money(1_000))
    told = do(reject_refund, refund_id=refund.id, reason=Rejection.NOT_DUE, actor=ACCOUNTANT)
    assert (told.rejected_for, told.approved_at) == (Rejection.NOT_DUE, None)
    for actor, expected in ((CLERK, Rejection.WITHDRAWN), (ACCOUNTANT, Rejection.OTHER)):
        asked = do(
            request_refund, lot_id=refund.lot_id, amount=refund.amount, payment_id=None, limit=Money(0)
        )
        assert do(reject_refund, refund_id=asked.id, actor=actor).rejected_for is expected
    assert (books(), lots(database, reimbursed.patient)[0].available) == (before, Money(18_000))


def test_a_returned_check_is_the_patients_credit_again(database, do, reimbursed, books):
    before, (lot,) = books(), lots(database, reimbursed.patient)
    refund = do(request_refund, lot_id=lot.id, amount=Money(18_000), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")
    for _ in range(2):
        do(fail_refund, refund_id=refund.id)
    assert (books(), lots(database, reimbursed.patient)[0].available) == (before, Money(18_000))


def test_money_taken_in_cash_does_not_go_to_a_card(database, do, reimbursed):
    (lot,) = lots(database, reimbursed.patient)
    payment = do(
        take_cash,
        invoice_id=billed(database, reimbursed.patient, only_first=1).invoice.id,
        amount=Money(45_000),
    )
    with pytest.raises(RefundTargetMissing):
        do(request_refund, lot_id=lot.id, amount=Money(100), payment_id=payment.id, limit=LIMIT)


def test_eight_clerks_spend_one_credit_once(database, do, reimbursed, now):
    (lot,) = lots(database, reimbursed.patient)
    bills = [billed(database, reimbursed.patient, only_first=1) for _ in range(8)]
    do(elect, lot_id=lot.id, election=Election.CREDIT)

    def clerk(bill):
        return do(apply_credits, invoice_id=bill.invoice.id).amount

    with ThreadPoolExecutor(8) as clerks:
        spent = total(clerks.map(clerk, bills))
    with database.reading() as read:
        open_balance = total(find_invoice(read, bill.invoice.id, SYSTEM).open_balance for bill in bills)
    assert (spent, open_balance) == (Money(18_000), Money(8 * 45_000 - 18_000))
    assert lots(database, reimbursed.patient)[0].available == Money(0)
