"""Money of a voided check that is called off and asked for anew: the same hands, and the same bank."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import OwnRefund, VoidedCheckPaid
from billing.payments.queries.credits import credit_coming_off, credits_of_patient
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.refunds import find_refund, list_refunds, refundable_of
from billing.payments.records.credits import Election
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.dormant import list_dormant_credits, record_letter, remit, set_aside
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import (
    ask_about_paid_check,
    ask_about_uncashed_checks,
    send_check,
    settle_by_voided_check,
    void_check,
)
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card

CLERK, OTHER, WRITER = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission))
    for name in ("clerk", "other", "writer")
)
PRICE, NO_LIMIT = Money(45_000), Money(100_000)
AHEAD, WRITTEN, DUE = (
    datetime.fromisoformat(f"2029-{day}T15:00:00+00:00") for day in ("06-01", "08-01", "11-20")
)


class Desk:
    """A session of 450 that was called off, and what becomes of its money."""

    def __init__(self, database, pay):
        self.database = database
        bill = billed(database, a_patient(database), only_first=1)
        self.patient = bill.patient
        self.payment = pay(self, bill.invoice)
        self.do(cancel_session, session_id=bill.session_ids[0])

    def do(self, use_case, *, by=CLERK, at=NOW, **arguments):
        def work(tx):
            done = use_case(tx, **arguments, actor=by, now=at)
            tx.announce()
            return done

        return self.database.in_transaction(work)

    def read(self, query, *arguments, **more):
        with self.database.reading() as read:
            return query(read, *arguments, **more)

    def ask_payment(self, method=RefundMethod.CHECK, cents=45_000, limit=NO_LIMIT):
        """For money of the payment, which is gathered into a credit of its own."""
        return self.do(
            refund_payment,
            payment_id=self.payment.id,
            amount=Money(cents),
            refundable=self.read(refundable_of, self.payment.id, SYSTEM).amount,
            reason=RefundReason.CANCELLED,
            method=method,
            limit=limit,
        )

    def ask_credit(self, cents):
        lot = next(each for each in self.read(credits_of_patient, self.patient.id, SYSTEM) if each.available)
        asked = {"lot_id": lot.id, "amount": Money(cents), "payment_id": None, "limit": NO_LIMIT}
        return self.do(request_refund, **asked)

    def send(self, refund, number, by=WRITER):
        return self.do(send_check, refund_id=refund.id, check_number=number, by=by)

    def voided(self, refund, number, by=CLERK):
        """Written and voided; the refund that owes the money again."""
        self.send(refund, number)
        self.do(void_check, refund_id=refund.id, by=by)
        waiting = self.read(list_refunds, SYSTEM, state=RefundState.APPROVED, limit=9)
        return next(each for each in waiting if each.replaces_id == refund.id)

    def called_off(self, refund, number):
        """Written, voided, and not to be written again: the money is credit."""
        self.do(void_check, refund_id=self.voided(refund, number).id)

    def report(self, refund):
        """The bank paid it all the same."""
        self.do(ask_about_paid_check, refund_id=refund.id)

    def looked_at(self):
        for task in self.read(list_tasks, SYSTEM, state=TaskState.OPEN, limit=9):
            self.do(close_task, task_id=task.id, note="The bank gave it back.")

    def open_tasks(self):
        return {task.kind for task in self.read(list_tasks, SYSTEM, state=TaskState.OPEN, limit=9)}

    def state_of(self, refund):
        return self.read(find_refund, refund.id, SYSTEM).state

    def books(self):
        return {account: cents for account, cents in self.read(trial_balance).items() if cents}

    def found(self, at=NOW):
        return [each for each in self.read(verify, now=at, refund_limit=NO_LIMIT).checks if each.found]


def by_cash(desk, invoice):
    return desk.do(take_cash, invoice_id=invoice.id, amount=PRICE)


def by_card(desk, invoice):
    return paid_by_card(desk.database, invoice, NOW)


@pytest.fixture
def desk(database):
    return Desk(database, by_cash)


@pytest.fixture
def card(database):
    return Desk(database, by_card)


# --- whose hands ---------------------------------------------------------------------------------------


@pytest.fixture
def voided_by_two(desk):
    """Of one credit: CLERK voided the check of 100, then OTHER that of 90; both wait for another check."""
    first = desk.voided(desk.ask_credit(10_000), "1001", by=CLERK)
    return first, desk.voided(desk.ask_credit(9_000), "1002", by=OTHER)


def test_who_voided_a_check_does_not_write_the_next_one_though_another_was_voided_since(desk, voided_by_two):
    first, second = voided_by_two
    for refund, who in ((first, CLERK), (second, OTHER)):
        with pytest.raises(OwnRefund):
            desk.send(refund, "1003", by=who)


def test_who_voided_another_check_of_that_credit_writes_this_one(desk, voided_by_two):
    first, second = voided_by_two
    desk.send(first, "1003", by=OTHER)
    desk.send(second, "1004", by=CLERK)


def test_what_was_asked_for_anew_is_written_by_nobody_who_voided_any_of_that_money(desk, voided_by_two):
    for refund in voided_by_two:
        desk.do(void_check, refund_id=refund.id)
    again = desk.ask_credit(19_000)
    for who in (CLERK, OTHER):
        with pytest.raises(OwnRefund):
            desk.send(again, "1003", by=who)
    desk.send(again, "1003", by=WRITER)


def test_calling_off_and_asking_anew_of_the_payment_changes_no_hands(desk):
    desk.called_off(desk.ask_payment(), "1001")
    again = desk.ask_payment()
    with pytest.raises(OwnRefund):
        desk.send(again, "1002", by=CLERK)
    desk.send(again, "1002", by=OTHER)


# --- what the bank paid --------------------------------------------------------------------------------


def test_what_the_bank_paid_though_voided_does_not_go_out_again_as_a_refund_of_the_payment(desk):
    first = desk.ask_payment()
    desk.called_off(first, "1001")
    again = desk.ask_payment()
    desk.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.send(again, "1002")
    desk.do(settle_by_voided_check, refund_id=again.id)
    assert (desk.state_of(again), desk.books()) == (RefundState.SUCCEEDED, {"1000": -45_000, "1060": 45_000})
    assert desk.found() == []


def test_nor_does_it_when_the_check_was_of_a_credit(desk):
    first = desk.ask_credit(45_000)
    desk.called_off(first, "1001")
    again = desk.ask_payment()
    desk.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.send(again, "1002")
    desk.looked_at()
    desk.send(again, "1002")


def test_a_refund_to_the_card_is_not_asked_for_meanwhile(card):
    first = card.ask_payment()
    card.called_off(first, "1001")
    card.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        card.ask_payment(RefundMethod.CARD)
    card.looked_at()
    assert card.ask_payment(RefundMethod.CARD).state is RefundState.APPROVED


def test_nor_approved_when_it_was_asked_for_before(card):
    first = card.ask_payment()
    card.called_off(first, "1001")
    again = card.ask_payment(RefundMethod.CARD, limit=ZERO)
    card.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        card.do(approve_refund, refund_id=again.id, by=OTHER)
    card.looked_at()
    card.do(approve_refund, refund_id=again.id, by=OTHER)


def test_credit_of_a_refused_refund_of_that_payment_comes_off_no_invoice_meanwhile(desk):
    first = desk.ask_payment()
    desk.called_off(first, "1001")
    again = desk.ask_payment(limit=ZERO)
    desk.do(reject_refund, refund_id=again.id, by=OTHER)
    lot = next(each for each in desk.read(credits_of_patient, desk.patient.id, SYSTEM) if each.available)
    desk.report(first)
    desk.do(elect, lot_id=lot.id, election=Election.CREDIT)
    owing = billed(desk.database, desk.patient, only_first=1).invoice
    assert desk.read(find_invoice, owing.id, SYSTEM).open_balance == PRICE
    assert desk.read(credit_coming_off, owing) == ZERO
    desk.looked_at()
    assert desk.read(credit_coming_off, owing) == PRICE


def test_the_payment_does_not_move_to_another_patient_meanwhile(desk):
    first = desk.ask_credit(45_000)
    desk.called_off(first, "1001")
    desk.report(first)
    right = a_patient(desk.database)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.do(move_payment, payment_id=desk.payment.id, patient_id=right.id, invoice_id=None)


def test_of_two_that_the_bank_paid_each_settles_its_own_amount(desk):
    small, large = desk.ask_credit(10_000), desk.ask_credit(20_000)
    owed_small, owed_large = desk.voided(small, "1001"), desk.voided(large, "1002")
    desk.report(small)
    desk.report(large)
    settled = desk.do(settle_by_voided_check, refund_id=owed_large.id)
    assert settled.reference == "check 1002, paid though voided"
    assert desk.do(settle_by_voided_check, refund_id=owed_small.id).reference.startswith("check 1001")
    assert desk.found() == []


@pytest.fixture
def dormant(desk):
    """The credit of a check that was called off is listed years later, and its owner was written to."""
    first = desk.ask_payment()
    desk.called_off(first, "1001")
    assert desk.do(list_dormant_credits, at=AHEAD) == 1
    (listed,) = desk.read(list_dormant, SYSTEM, limit=9)
    assert listed.refund_id is None
    desk.do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    return first, listed.id


def test_a_credit_whose_voided_check_the_bank_paid_is_not_set_aside_for_the_state(desk, dormant):
    first, dormant_id = dormant
    desk.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.do(set_aside, dormant_id=dormant_id, at=DUE)
    desk.looked_at()
    desk.do(set_aside, dormant_id=dormant_id, at=DUE)
    assert desk.found(DUE) == []


def test_nor_remitted_when_that_is_known_after_it_was_set_aside(desk, dormant):
    first, dormant_id = dormant
    desk.do(set_aside, dormant_id=dormant_id, at=DUE)
    desk.report(first)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.do(remit, dormant_id=dormant_id, reference="TX-1", at=DUE)


def test_nor_taken_by_the_bill_of_a_demand_of_another_claim(desk):
    """The patient may have that money already: until somebody knows, it goes nowhere."""
    desk.send(desk.ask_credit(45_000), "1000")
    visit = billed(desk.database, desk.patient, only_first=1)
    desk.do(take_cash, invoice_id=visit.invoice.id, amount=PRICE)
    give(desk.database, visit.session_ids[0])
    of_visit = {"session_id": visit.session_ids[0], "received_on": NOW.date()}
    desk.do(hold_reimbursement, source_id="rmc_a", amount=Money(20_000), **of_visit)
    desk.send(desk.ask_credit(20_000), "1001")
    desk.do(hold_reimbursement, source_id="rmc_b", amount=Money(10_000), **of_visit)
    voided = desk.ask_credit(10_000)
    desk.called_off(voided, "1002")
    desk.report(voided)
    letter = {"demand": "L-1", "amount": Money(20_000), "demanded_on": NOW.date()}
    taken = desk.do(demand_takeback, reimbursement_id="rmc_a", **letter)
    assert desk.do(bill_takeback, takeback_id=taken.id).owed == Money(20_000)
    assert (desk.books()["2200"], desk.found()) == (-10_000, [])


# --- what a person is asked to do ----------------------------------------------------------------------


def test_the_task_of_a_voided_check_ends_with_what_answers_it(desk):
    owed = desk.voided(desk.ask_credit(45_000), "1001")
    assert desk.open_tasks() == {"check-voided"}
    desk.send(owed, "1002")
    assert desk.open_tasks() == set()
    desk.do(void_check, refund_id=owed.id)
    (third,) = desk.read(list_refunds, SYSTEM, state=RefundState.APPROVED, limit=9)
    desk.report(owed)
    assert desk.open_tasks() == {"check-voided", "voided-check-paid"}
    desk.do(settle_by_voided_check, refund_id=third.id)
    assert desk.open_tasks() == set()


def test_what_is_called_off_after_its_check_was_voided_is_no_check_to_write(desk):
    desk.called_off(desk.ask_credit(45_000), "1001")
    assert desk.open_tasks() == {"refund-failed"}


def test_nobody_is_asked_any_more_about_an_uncashed_check_that_was_voided(desk):
    refund = desk.ask_credit(45_000)
    desk.send(refund, "1001")
    late = NOW + timedelta(days=180)
    desk.do(ask_about_uncashed_checks, after=timedelta(days=180), at=late)
    assert desk.open_tasks() == {"check-uncashed"}
    desk.do(void_check, refund_id=refund.id, at=late)
    assert desk.open_tasks() == {"check-voided"}
