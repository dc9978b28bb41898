"""A bank takes all of a payment of which some had gone back: the rest is lost, and the clinic paid twice."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from billing.accounting.queries.exports import exported
from billing.accounting.queries.verify import verify
from billing.accounting.records import Export, ExportFormat, ExportKind
from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.care.use_cases import cancel_session
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.errors import MoreThanAvailable
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import charge_of_payment, find_payment, list_payments
from billing.payments.queries.refunds import find_refund, list_refunds, refundable_of
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.records.refunds import RefundMethod, RefundReason, Rejection
from billing.payments.states.disputes import DisputeEvent
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund, keep_sent, request_refund, succeed_refund
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card

PRICE = Money(45_000)
MOST = Money(30_000)
NO_LIMIT = Money(1_000_000)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def card(database, bill):
    """450 for one session."""
    return paid_by_card(database, bill.invoice, NOW, fee=ZERO)


@pytest.fixture
def refunded(do, ask, card):
    """So much went back: by card it has arrived, by check it is in the post."""

    def run(amount, method=RefundMethod.CARD):
        refund = do(refund_payment, payment_id=card.id, amount=amount, reason=RefundReason.OTHER,
                    refundable=ask(refundable_of, card.id, SYSTEM).amount,
                    method=method, limit=NO_LIMIT)  # fmt: skip
        if method is RefundMethod.CHECK:
            return do(send_check, refund_id=refund.id, check_number="1")
        do(keep_sent, refund_id=refund.id, reference=f"re_{refund.id}")
        return do(succeed_refund, refund_id=refund.id)

    return run


@pytest.fixture
def tell(do, ask, card):
    """A bank takes the whole payment, or so much of it, and gives so much back."""

    def run(*told, amount=PRICE, back=ZERO, number=1, took_as=""):
        for event in told:
            took = DisputeMovementFacts(
                reference=took_as or f"txn_took_{number}", reporting_category="dispute",
                amount=-amount, fee=ZERO, moved_at=NOW,
            )  # fmt: skip
            gave = DisputeMovementFacts(
                reference=f"txn_gave_{number}_{back.cents}", reporting_category="dispute_reversal",
                amount=back, fee=ZERO, moved_at=NOW,
            )  # fmt: skip
            is_back = back and event is not DisputeEvent.DISPUTE
            facts = DisputeFacts(
                reference=f"du_{number}",
                charge_reference=ask(charge_of_payment, card.id),
                told=event,
                reason="fraudulent",
                amount=amount,
                due_at=NOW + timedelta(days=9),
                opened_at=NOW,
                movements=(took, gave) if is_back else (took,),
            )
            dispute = do(record_dispute, facts=facts)
        return dispute

    return run


LOST = (DisputeEvent.DISPUTE, DisputeEvent.LOSE)
EXCEEDS = "dispute-exceeds-payment"


@pytest.fixture
def books(ask):
    """What every account says, once all that must hold was looked at."""

    def run():
        found = [check for check in ask(verify, now=NOW, refund_limit=NO_LIMIT).checks if check.found]
        assert found == []
        return {account: cents for account, cents in ask(trial_balance).items() if cents}

    return run


@pytest.fixture
def tasks(ask):
    return lambda: {task.kind for task in ask(list_tasks, SYSTEM, limit=99) if task.state == "open"}


@pytest.fixture
def available(ask, bill):
    return lambda: sum(lot.available.cents for lot in ask(credits_of_patient, bill.patient.id, SYSTEM))


@pytest.mark.parametrize("cents", [1, 30_000, 44_999, 45_000])
def test_what_was_left_is_lost_and_what_had_gone_back_is_the_clinics_loss(
    ask, bill, card, refunded, tell, books, tasks, available, cents
):
    refunded(Money(cents))
    dispute = tell(*LOST)
    assert books() == {"1050": -cents, "6210": cents}
    payment = ask(find_payment, card.id, SYSTEM)
    assert (dispute.lost, payment.refunded, payment.lost) == (PRICE, Money(cents), PRICE - Money(cents))
    assert available() == 0
    is_unpaid = cents < 45_000
    session = ask(find_session, bill.session_ids[0], SYSTEM)
    assert (session.state is SessionState.CANCELLED) is is_unpaid
    assert EXCEEDS in tasks()


def test_of_a_given_session_all_is_the_clinics_loss(database, bill, refunded, tell, books, tasks):
    refunded(MOST)
    give(database, bill.session_ids[0])
    tell(*LOST)
    assert books() == {"1050": -30_000, "4000": -45_000, "4930": 30_000, "6210": 45_000}
    assert EXCEEDS in tasks()


def test_other_payments_of_the_patient_go_back_once_the_bank_has_decided(
    database, do, ask, bill, refunded, tell, books
):
    refunded(MOST)
    other = billed(database, bill.patient, only_first=1)
    do(take_cash, invoice_id=other.invoice.id, amount=PRICE)
    (cash,) = ask(list_payments, SYSTEM, invoice_id=other.invoice.id, limit=9)
    tell(*LOST)
    do(refund_payment, payment_id=cash.id, amount=PRICE, refundable=PRICE, reason=RefundReason.OTHER,
       method=RefundMethod.CHECK, limit=NO_LIMIT)  # fmt: skip
    books()


@pytest.mark.parametrize(("back", "excess"), [(10_000, 20_000), (30_000, 0), (40_000, 0)])
def test_a_win_in_part_loses_what_is_left_first(
    ask, card, refunded, tell, books, tasks, available, back, excess
):
    refunded(MOST)
    tell(DisputeEvent.DISPUTE, DisputeEvent.WIN, back=Money(back))
    found, kept = books(), max(0, back - 30_000)
    assert (found.get("6210", 0), found.get("2100", 0)) == (excess, -kept)
    assert ask(find_payment, card.id, SYSTEM).lost == Money(15_000 - kept)
    assert (EXCEEDS in tasks(), available()) == (bool(excess), 0)


def test_a_win_takes_nothing(card, ask, refunded, tell, books, tasks):
    refunded(MOST)
    tell(DisputeEvent.DISPUTE, DisputeEvent.WIN, back=PRICE)
    assert books() == {"1050": 15_000, "2100": -15_000}
    assert EXCEEDS not in tasks()


def test_a_second_dispute_finds_nothing_left(ask, card, refunded, tell, books, tasks):
    refunded(MOST)
    tell(*LOST, amount=Money(20_000))
    assert tell(*LOST, amount=Money(25_000), number=2).lost == Money(25_000)
    assert books() == {"1050": -30_000, "6210": 30_000}
    assert ask(find_payment, card.id, SYSTEM).lost == Money(15_000)


def test_a_refund_that_comes_back_is_the_banks(do, ask, card, refunded, tell, books, tasks, available):
    refund = refunded(MOST)
    tell(*LOST)
    for _ in range(2):
        do(fail_refund, refund_id=refund.id)
    assert books() == {}
    payment = ask(find_payment, card.id, SYSTEM)
    assert (payment.refunded, payment.lost, available()) == (ZERO, PRICE, 0)
    assert ask(find_refund, refund.id, SYSTEM).rejected_for is Rejection.DISPUTE_LOST
    assert not {EXCEEDS, "refund-failed"} & tasks()


def test_of_a_refund_that_comes_back_the_patient_has_what_no_bank_took(
    do, ask, refunded, tell, books, tasks, available
):
    refund = refunded(MOST)
    tell(*LOST, amount=Money(20_000))
    do(fail_refund, refund_id=refund.id)
    assert books() == {"1050": 25_000, "2200": -25_000}
    assert available() == 25_000
    assert "refund-failed" in tasks()
    assert ask(find_refund, refund.id, SYSTEM).rejected_for is None


def test_a_refund_under_way_that_fails_before_the_bank_decides_is_lost_with_the_rest(
    do, ask, refunded, tell, books, tasks, available
):
    refund = refunded(MOST)
    tell(DisputeEvent.DISPUTE)
    do(fail_refund, refund_id=refund.id)
    assert "refund-failed" in tasks()
    tell(DisputeEvent.LOSE)
    assert (books(), available()) == ({}, 0)
    assert ask(find_refund, refund.id, SYSTEM).rejected_for is Rejection.DISPUTE_LOST
    assert not {EXCEEDS, "refund-failed"} & tasks()


def test_a_check_that_is_voided_after_the_loss_is_not_written_again(
    do, ask, bill, refunded, tell, books, tasks, available
):
    refund = refunded(MOST, RefundMethod.CHECK)
    tell(*LOST)
    do(void_check, refund_id=refund.id)
    assert (books(), available()) == ({}, 0)
    assert not {EXCEEDS, "check-voided", "refund-failed"} & tasks()
    refunds = ask(list_refunds, SYSTEM, patient_id=bill.patient.id, limit=9)
    assert {each.state for each in refunds} == {RefundState.FAILED}


def test_a_check_for_its_credit_went_back_too(do, ask, bill, card, tell, books, tasks, available):
    do(cancel_session, session_id=bill.session_ids[0])
    (lot,) = ask(credits_of_patient, bill.patient.id, SYSTEM)
    refund = do(request_refund, lot_id=lot.id, amount=MOST, payment_id=None, limit=NO_LIMIT)
    do(send_check, refund_id=refund.id, check_number="1")
    tell(*LOST)
    assert books() == {"1000": -30_000, "6210": 30_000}
    assert (EXCEEDS in tasks(), available()) == (True, 0)
    do(void_check, refund_id=refund.id)
    assert (books(), available()) == ({}, 0)
    assert EXCEEDS not in tasks()


def test_other_credit_that_went_to_its_card_is_not_paid_twice(
    database, do, ask, bill, card, tell, books, tasks
):
    """What another payment had left was the patient's, and of this one nothing had gone back."""
    other = billed(database, bill.patient, only_first=1)
    do(take_cash, invoice_id=other.invoice.id, amount=PRICE)
    do(cancel_session, session_id=other.session_ids[0])
    lot = next(lot for lot in ask(credits_of_patient, bill.patient.id, SYSTEM) if lot.available)
    refund = do(request_refund, lot_id=lot.id, amount=MOST, payment_id=card.id, limit=NO_LIMIT)
    do(keep_sent, refund_id=refund.id, reference="re_1")
    tell(*LOST)
    assert (books()["2200"], EXCEEDS in tasks()) == (-15_000, False)
    do(fail_refund, refund_id=refund.id)
    assert books() == {"1060": 45_000, "2200": -45_000}
    assert ask(find_payment, card.id, SYSTEM).lost == PRICE


@pytest.mark.parametrize("back", [1, 10_000, 30_000])
def test_what_the_bank_gives_back_of_what_was_paid_twice_is_no_loss_any_more(
    ask, card, refunded, tell, books, tasks, available, back
):
    refunded(MOST)
    tell(*LOST)
    for _ in range(2):
        dispute = tell(DisputeEvent.LOSE, back=Money(back))
    left = 30_000 - back
    assert books() == ({"1050": -left, "6210": left} if left else {})
    assert (dispute.lost, ask(find_payment, card.id, SYSTEM).lost) == (PRICE - Money(back), Money(15_000))
    assert (EXCEEDS in tasks(), "dispute-reversed" in tasks(), available()) == (bool(left), False, 0)


def test_it_may_give_it_back_in_two_parts(refunded, tell, books, tasks):
    refunded(MOST)
    tell(*LOST)
    for part in (20_000, 10_000):
        assert EXCEEDS in tasks()
        dispute = tell(DisputeEvent.LOSE, back=Money(part))
    assert (books(), dispute.lost) == ({}, Money(15_000))
    assert EXCEEDS not in tasks()


def test_what_it_gives_back_beyond_that_waits_for_a_person(ask, refunded, tell, tasks):
    """It was the patient's before the bank took it; nobody can tell by a rule whose it is now."""
    refunded(MOST)
    tell(*LOST)
    tell(DisputeEvent.LOSE, back=Money(40_000))
    told = {account: cents for account, cents in ask(trial_balance).items() if cents}
    assert told == {"1050": 10_000, "1070": -10_000}
    assert ("dispute-reversed" in tasks(), EXCEEDS in tasks()) == (True, False)
    assert {each.number for each in ask(verify, now=NOW, refund_limit=NO_LIMIT).checks if each.found} == {18}


def test_a_refund_that_comes_back_after_that_is_the_patients(do, refunded, tell, books, tasks, available):
    refund = refunded(MOST)
    tell(*LOST)
    tell(DisputeEvent.LOSE, back=MOST)
    do(fail_refund, refund_id=refund.id)
    assert (books(), available()) == ({"1050": 30_000, "2200": -30_000}, 30_000)
    assert "refund-failed" in tasks()


def test_a_bank_that_takes_it_once_more_is_for_a_person(ask, refunded, tell, tasks):
    refunded(PRICE)
    tell(*LOST)
    tell(DisputeEvent.LOSE, back=PRICE)
    assert not {EXCEEDS, "dispute-reversed"} & tasks()
    tell(DisputeEvent.LOSE, took_as="txn_took_again")
    assert "dispute-reversed" in tasks()


def test_the_register_of_payments_says_what_banks_keep(ask, refunded, tell):
    refunded(MOST)
    tell(*LOST)
    tell(DisputeEvent.LOSE, back=Money(10_000))
    on = NOW.date()
    export = Export(kind=ExportKind.PAYMENTS, format=ExportFormat.CSV, since=on, until=on)
    told = ask(lambda read: "".join(exported(read, export, SYSTEM)))
    (row,) = csv.DictReader(io.StringIO(told, newline=""))
    assert row["disputed"] == "350.00"


def test_nothing_of_it_goes_back_again(do, card, ask, refunded, tell):
    refunded(MOST)
    tell(*LOST)
    assert ask(refundable_of, card.id, SYSTEM).amount == ZERO
    with pytest.raises(MoreThanAvailable):
        do(refund_payment, payment_id=card.id, amount=Money(1), refundable=ZERO, reason=RefundReason.OTHER,
           method=RefundMethod.CHECK, limit=NO_LIMIT)  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE payment SET lost_cents = lost_cents - 1", 5),
        ("UPDATE dispute SET lost_cents = lost_cents - 1", 18),
        ("UPDATE dispute_movement SET made_good_cents = made_good_cents + 1", 18),
        ("UPDATE credit_withdrawal SET amount_cents = amount_cents - 1 WHERE reason = 'dispute'", 8),
    ],
)
def test_verify_sees_what_was_changed_behind_the_back(
    database, do, ask, refunded, tell, books, statement, number
):
    refund = refunded(MOST)
    tell(*LOST)
    do(fail_refund, refund_id=refund.id)
    books()
    behind_the_back(database, statement)
    broken = {check.number for check in ask(verify, now=NOW, refund_limit=NO_LIMIT).checks if check.found}
    assert number in broken
