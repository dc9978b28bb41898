"""A payment goes back from wherever its money is: credit, sessions to come, sessions that were given."""

from __future__ import annotations

import pytest

from billing.accounting.queries.verify import verify
from billing.care.errors import SessionNotCovered
from billing.care.use_cases import cancel_session, check_in
from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import (
    MoreThanAvailable,
    NotMovable,
    OwnRefund,
    RefundableChanged,
    RefundTargetMissing,
)
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds, refundable_of
from billing.payments.records.credits import Election
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, fail_refund, keep_sent, reject_refund
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL, a_charge

CLERK, ACCOUNTANT = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "books")
)
NO_LIMIT = Money(10_000_000)


@pytest.fixture
def do(database):
    def run(use_case, *, actor=CLERK, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=NOW))

    return run


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def card(database, do, bill):
    """Two visits of 450 each, and both paid by card."""
    page = do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    charge = a_charge(page.id, page.amount, NOW)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=1)[0]


@pytest.fixture
def refundable(database, card):
    def look():
        with database.reading() as read:
            found = refundable_of(read, card.id, SYSTEM)
        return found.amount, [(source.kind, source.amount) for source in found.sources]

    return look


@pytest.fixture
def ask(do, card, refundable):
    def run(amount, *, limit=NO_LIMIT, method=None, believed=None):
        return do(
            refund_payment,
            payment_id=card.id,
            amount=Money(amount),
            refundable=believed or refundable()[0],
            reason=RefundReason.CANCELLED,
            method=method,
            limit=limit,
        )

    return run


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture(autouse=True)
def nothing_is_wrong(database):
    yield
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=NO_LIMIT)
    assert [(check.number, check.found) for check in verdict.checks if check.found] == []


def test_credit_goes_first_then_what_is_to_come_then_what_was_given(database, bill, ask, refundable, do):
    first, second = bill.session_ids
    give(database, first)
    assert refundable() == (Money(90_000), [("to_come", Money(45_000)), ("given", Money(45_000))])
    do(cancel_session, session_id=second)
    assert refundable() == (Money(90_000), [("credit", Money(45_000)), ("given", Money(45_000))])
    ask(50_000)
    assert refundable() == (Money(40_000), [("given", Money(40_000))])


def test_money_of_a_session_to_come_was_no_income(ask, books, refundable):
    before = books()
    refund = ask(90_000)
    assert (refund.state, refund.method, refund.reason) == ("approved", "card", "cancelled")
    assert refundable() == (Money(0), [])
    assert books() == {**{key: cents for key, cents in before.items() if key != "2100"}, "2210": -90_000}


def test_money_of_a_given_session_is_income_given_up_and_nothing_is_owed_again(
    database, bill, ask, books, do
):
    for session_id in bill.session_ids:
        give(database, session_id)
    refund = ask(60_000)
    do(keep_sent, refund_id=refund.id, reference="re_1")
    told = books()
    assert (told["4930"], told["4000"]) == (60_000, -90_000)
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(0)


def test_a_session_given_after_its_money_went_back_is_income_given_up(database, bill, ask, books):
    ask(90_000)
    give(database, bill.session_ids[0])
    told = books()
    assert (told["4930"], told["4000"]) == (45_000, -45_000)


def test_many_partial_refunds_are_the_whole_payment_and_no_cent_more(ask, refundable, database):
    for _ in range(9):
        ask(10_000)
    assert refundable() == (Money(0), [])
    with pytest.raises(MoreThanAvailable):
        ask(1)
    with database.reading() as read:
        assert len({refund.lot_id for refund in list_refunds(read, SYSTEM, limit=99)}) == 9


def test_what_changed_meanwhile_is_refused_and_told(ask):
    ask(10_000)
    with pytest.raises(RefundableChanged) as refused:
        ask(10_000, believed=Money(90_000))
    assert refused.value.more == {"refundable_cents": 80_000}


def test_a_large_one_waits_and_refused_leaves_everything_as_it_was(
    ask, refundable, books, do, bill, database
):
    give(database, bill.session_ids[0])
    before, there = books(), refundable()
    refund = ask(70_000, limit=Money(20_000))
    assert refund.state == "requested"
    with pytest.raises(OwnRefund):
        do(approve_refund, refund_id=refund.id)
    give(database, bill.session_ids[1])
    do(reject_refund, refund_id=refund.id, actor=ACCOUNTANT)
    assert refundable() == (there[0], [("given", Money(45_000))] * 2)
    assert books()["4000"] == before["4000"] - 45_000
    assert not {"4930", "2200"} & set(books())


def test_what_was_returned_meanwhile_stays_credit_when_refused(ask, refundable, do, bill):
    refund = ask(90_000, limit=Money(20_000))
    do(cancel_session, session_id=bill.session_ids[1])
    do(reject_refund, refund_id=refund.id, actor=ACCOUNTANT)
    assert refundable() == (Money(90_000), [("credit", Money(45_000)), ("to_come", Money(45_000))])


def test_one_that_failed_is_credit_and_goes_back_by_check(database, ask, refundable, do, card):
    other = a_patient(database)
    do(fail_refund, refund_id=ask(90_000).id)
    assert refundable() == (Money(90_000), [("credit", Money(90_000))])
    with pytest.raises(NotMovable):
        do(move_payment, payment_id=card.id, patient_id=other.id, invoice_id=None)
    again = ask(90_000, method=RefundMethod.CHECK)
    do(send_check, refund_id=again.id, check_number="1001")
    assert refundable() == (Money(0), [])


def test_credit_that_the_patient_keeps_is_not_refunded(database, ask, refundable, do, bill):
    do(cancel_session, session_id=bill.session_ids[0])
    with database.reading() as read:
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    assert refundable() == (Money(45_000), [("to_come", Money(45_000))])


def test_cash_goes_back_by_check_and_to_no_card(database, do):
    bill = billed(database, a_patient(database), only_first=1)
    cash = do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    asked = {"payment_id": cash.id, "refundable": Money(45_000), "reason": RefundReason.OTHER}
    with pytest.raises(RefundTargetMissing):
        do(refund_payment, **asked, amount=Money(1), method=RefundMethod.CARD, limit=LIMIT)
    assert do(refund_payment, **asked, amount=Money(1), method=None, limit=LIMIT).method == "check"


def test_a_stale_check_is_voided_once_and_somebody_sends_the_money_again(
    database, ask, books, do, refundable, bill
):
    before = books()
    stale = ask(90_000, method=RefundMethod.CHECK)
    do(send_check, refund_id=stale.id, check_number="1001")
    assert books()["1000"] == -90_000
    for _ in range(2):
        assert do(void_check, refund_id=stale.id).state == "failed"
    assert books() == {**{key: cents for key, cents in before.items() if key != "2100"}, "2210": -90_000}
    with database.reading() as read:
        (owed,) = list_refunds(read, SYSTEM, state=RefundState.APPROVED, limit=9)
    assert owed.replaces_id == stale.id
    do(void_check, refund_id=owed.id)
    assert books() == {**{key: cents for key, cents in before.items() if key != "2100"}, "2200": -90_000}
    with database.reading() as read:
        tasks = {(task.kind, task.subject_id) for task in list_tasks(read, SYSTEM, limit=9)}
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    assert tasks == {("check-voided", owed.id), ("refund-failed", owed.id)}
    assert lot.election is None
    again = ask(90_000)
    do(keep_sent, refund_id=again.id, reference="re_2")
    assert (again.method, refundable()) == ("card", (Money(0), []))
    with pytest.raises(RefundTargetMissing):
        do(void_check, refund_id=again.id)


@pytest.mark.processes
def test_of_two_clerks_at_one_moment_one_is_told_that_it_changed(database_url, card):
    assert sorted(at_once(database_url, ask_for_half, [(card.id,)] * 2)) == ["done", "refundable-changed"]


def ask_for_half(database, payment_id: str) -> str:
    database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment_id,
            amount=Money(45_000),
            refundable=Money(90_000),
            reason=RefundReason.CANCELLED,
            method=None,
            limit=NO_LIMIT,
            actor=CLERK,
            now=NOW,
        )
    )
    return "done"


# --- who is let in afterwards --------------------------------------------------------------------------


def let_in(do, session_id, **more):
    return do(check_in, session_id=session_id, **more)


def test_a_session_to_come_whose_money_goes_back_lets_nobody_in_and_says_what_is_missing(do, bill, ask):
    first, second = bill.session_ids
    refund = ask(10_000, limit=Money(0))
    with pytest.raises(SessionNotCovered) as refused:
        let_in(do, second)
    assert refused.value.more == {"missing_cents": 10_000, "refunded_cents": 10_000}
    assert let_in(do, first).override_reason is None
    do(reject_refund, refund_id=refund.id)
    assert let_in(do, second).override_reason is None


def test_who_is_to_get_it_for_less_is_let_in_by_a_supervisor_and_the_books_agree(
    database, do, bill, ask, books
):
    ask(10_000)
    let_in(do, bill.session_ids[1], override_reason="A concession for the long wait")
    give(database, bill.session_ids[1])
    told = books()
    assert (told["4000"] + told["4930"], told["2100"]) == (-35_000, -45_000)


def test_a_refunded_session_is_called_off_and_invoiced_anew(database, do, bill, ask):
    ask(45_000)
    do(cancel_session, session_id=bill.session_ids[1])
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(0)
    again = billed(database, bill.patient, only_first=1)
    do(take_cash, invoice_id=again.invoice.id, amount=Money(45_000))
    assert let_in(do, again.session_ids[0]).checked_in_at == NOW
