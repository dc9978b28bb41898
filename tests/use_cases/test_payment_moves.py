"""A payment that was booked for the wrong patient ends where it belongs, on its own day, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import entry_of
from billing.payments.errors import AnotherEntity, AnotherPatient, NotMovable, RefundTargetMissing
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import charge_of_payment, find_payment, list_payments
from billing.payments.records.credits import Election
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import request_refund
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL, a_charge, a_world

LATER = NOW + timedelta(days=9)


@pytest.fixture
def move(do):
    def run(payment, patient, invoice_id=None):
        named = {"payment_id": payment.id, "patient_id": patient.id, "invoice_id": invoice_id}
        return do(move_payment, **named, at=LATER)

    return run


@pytest.fixture
def wrong(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def right(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def card(database, do, wrong):
    """450 by card, booked for the wrong patient."""
    page = do(begin_checkout, invoice_id=wrong.invoice.id, return_url=RETURN_URL, request=None)
    charge = a_charge(page.id, page.amount, NOW)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=wrong.invoice.id, limit=1)[0]


def owed(database, bill):
    with database.reading() as read:
        return find_invoice(read, bill.invoice.id, SYSTEM).open_balance


def credit(database, patient):
    with database.reading() as read:
        return [lot.available for lot in credits_of_patient(read, patient.id, SYSTEM)]


def test_the_right_invoice_is_paid_and_the_wrong_one_owes_again(
    database, move, card, wrong, right, books, found
):
    before = books()
    moved = move(card, right.patient, right.invoice.id)
    assert (owed(database, wrong), owed(database, right)) == (Money(45_000), Money(0))
    assert (moved.corrects_id, moved.patient_id, moved.fee) == (card.id, right.patient.id, card.fee)
    assert (moved.received_on, moved.received_at) == (card.received_on, card.received_at)
    assert books() == before
    with database.reading() as read:
        assert find_payment(read, card.id, SYSTEM).state is PaymentState.MOVED
        entry = entry_of(read, source_kind="payment", source_id=moved.id, purpose="received")
        assert (entry.effective_on, entry.posted_at) == (card.received_on, LATER)
        (task,) = list_tasks(read, SYSTEM, limit=9)
    assert (task.kind, task.subject_id) == ("privacy-review", card.id)
    assert found() == set()


def test_what_the_right_patient_does_not_owe_is_credit(database, move, card, right, found):
    move(card, right.patient)
    assert credit(database, right.patient) == [Money(45_000)]
    assert found() == set()


def test_a_visit_that_the_money_had_paid_is_owed_when_it_was_given(
    database, move, card, wrong, right, books, found
):
    give(database, wrong.session_ids[0])
    move(card, right.patient, right.invoice.id)
    assert books()["1100"] == 45_000
    assert found() == set()


def test_credit_that_the_payment_had_brought_moves_with_it(database, do, move, card, wrong, right, found):
    do(cancel_session, session_id=wrong.session_ids[0])
    assert credit(database, wrong.patient) == [Money(45_000)]
    move(card, right.patient, right.invoice.id)
    assert (credit(database, wrong.patient), owed(database, right)) == ([Money(0)], Money(0))
    assert found() == set()


def test_a_payment_whose_credit_was_spent_stays_until_that_is_undone(
    database, do, move, card, wrong, right, books
):
    do(cancel_session, session_id=wrong.session_ids[0])
    billed(database, wrong.patient, only_first=1)
    before = books()
    with pytest.raises(NotMovable):
        move(card, right.patient)
    assert books() == before


def test_a_payment_of_which_some_is_going_back_stays(database, do, move, card, wrong, right):
    do(cancel_session, session_id=wrong.session_ids[0])
    with database.reading() as read:
        (lot,) = credits_of_patient(read, wrong.patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.REFUND)
    do(request_refund, lot_id=lot.id, amount=Money(1_000), payment_id=card.id, limit=Money(0))
    with pytest.raises(NotMovable):
        move(card, right.patient)


def test_a_payment_moves_once(move, card, right):
    move(card, right.patient)
    with pytest.raises(IllegalMove):
        move(card, right.patient)


def test_money_stays_with_its_legal_entity_and_its_patient(database, move, card, wrong, right):
    with pytest.raises(AnotherEntity):
        move(card, a_world(database, NOW, slug="a").patient)
    third = billed(database, a_patient(database), only_first=1)
    with pytest.raises(AnotherPatient):
        move(card, right.patient, third.invoice.id)
    with pytest.raises(NotMovable):
        move(card, wrong.patient)


def test_a_refund_finds_the_card_through_the_right_patient_only(database, do, move, card, wrong, right):
    charge = charge_of(database, card)
    moved = move(card, right.patient)
    assert charge_of(database, moved) == charge
    with database.reading() as read:
        (lot,) = credits_of_patient(read, right.patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.REFUND)
    refund = {"lot_id": lot.id, "amount": Money(1_000), "limit": LIMIT}
    with pytest.raises(RefundTargetMissing):
        do(request_refund, **refund, payment_id=card.id)
    assert do(request_refund, **refund, payment_id=moved.id).payment_id == moved.id


def charge_of(database, payment):
    with database.reading() as read:
        return charge_of_payment(read, payment.id)


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({3}, "DELETE FROM credit_withdrawal"),
        ({7}, "UPDATE payment SET corrects_id = NULL"),
        ({8}, "UPDATE ledger_entry SET purpose = 'gone' WHERE purpose = 'moved'"),
        ({7, 11}, "UPDATE payment SET state = 'received', charge_reference = NULL WHERE state = 'moved'"),
    ],
)
def test_half_a_move_is_found(database, do, move, card, wrong, right, found, numbers, attack):
    do(cancel_session, session_id=wrong.session_ids[0])
    move(card, right.patient)
    behind_the_back(database, attack)
    assert found() == numbers


@pytest.mark.processes
def test_eight_processes_move_a_payment_once(database, database_url, wrong, right, do, found):
    paid = do(take_cash, invoice_id=wrong.invoice.id, amount=Money(45_000))
    told = [(paid.id, right.patient.id, right.invoice.id)] * 8
    outcomes = at_once(database_url, move_it, told)
    assert sorted(outcomes) == ["done"] + ["illegal-move"] * 7
    assert (owed(database, wrong), owed(database, right)) == (Money(45_000), Money(0))
    assert found() == set()


def move_it(database, payment_id, patient_id, invoice_id):
    named = {"payment_id": payment_id, "patient_id": patient_id, "invoice_id": invoice_id}
    database.in_transaction(lambda tx: move_payment(tx, **named, actor=CLERK, now=LATER))
    return "done"
