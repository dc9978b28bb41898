"""Credit that was used is taken off again, or moved: the invoice owes, the credit has it, the books know."""

from __future__ import annotations

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import AnotherPatient, CheckoutStands, NothingToApply, NothingToUndo
from billing.payments.queries.credits import applied_to, credit_balance
from billing.payments.records.credits import CreditSource
from billing.payments.use_cases.checkouts import begin_checkout
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.unapply import move_credit, unapply
from tests.conftest import NOW
from tests.factories.accounting import CLERK, behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def used(database, do, patient):
    """A visit of 450 was paid and called off; the next bill of 450 took the credit."""
    return use_a_credit(database, do, patient)


def use_a_credit(database, do, patient):
    first = billed(database, patient, only_first=1)
    do(take_cash, invoice_id=first.invoice.id, amount=Money(45_000))
    do(cancel_session, session_id=first.session_ids[0])
    return billed(database, patient, only_first=1)


def application_of(database, bill):
    with database.reading() as read:
        return applied_to(read, bill.invoice.id, SYSTEM).applications[0].id


def owed(database, bill):
    with database.reading() as read:
        return find_invoice(read, bill.invoice.id, SYSTEM).open_balance


def balance(database, patient):
    with database.reading() as read:
        return credit_balance(read, patient.id, SYSTEM)


def test_what_is_taken_off_is_owed_again_and_held_again(database, do, patient, used, books, found):
    assert owed(database, used) == Money(0)
    undone = do(unapply, application_id=application_of(database, used))
    assert (undone.amount, undone.undone, owed(database, used)) == (
        Money(45_000),
        Money(45_000),
        Money(45_000),
    )
    held = balance(database, patient)
    assert held.available == Money(45_000)
    assert [(each.source, each.available) for each in held.sources] == [(CreditSource.RETURN, Money(45_000))]
    assert books() == {"1060": 45_000, "2200": -45_000}
    assert found() == set()


def test_credit_of_a_visit_that_was_given_leaves_a_receivable(database, do, used, books, found):
    give(database, used.session_ids[0])
    do(unapply, application_id=application_of(database, used))
    assert books() == {"1060": 45_000, "1100": 45_000, "2200": -45_000, "4000": -45_000}
    assert found() == set()


def test_what_was_taken_off_is_not_taken_off_again(database, do, used):
    application_id = application_of(database, used)
    do(unapply, application_id=application_id)
    with pytest.raises(NothingToUndo):
        do(unapply, application_id=application_id)


def test_nothing_comes_off_while_a_card_page_stands(database, do, patient, used):
    other = billed(database, patient, only_first=1)
    do(begin_checkout, invoice_id=other.invoice.id, return_url=RETURN_URL, request=None)
    with pytest.raises(CheckoutStands):
        do(move_credit, application_id=application_of(database, used), invoice_id=other.invoice.id)


def test_credit_moves_as_far_as_the_other_invoice_owes(database, do, patient, used, books, found):
    other = billed(database, patient, only_first=1)
    do(take_cash, invoice_id=other.invoice.id, amount=Money(30_000))
    moved = do(move_credit, application_id=application_of(database, used), invoice_id=other.invoice.id)
    assert (moved.invoice_id, moved.amount) == (other.invoice.id, Money(15_000))
    assert (owed(database, used), owed(database, other)) == (Money(15_000), Money(0))
    held = balance(database, patient)
    assert held.available == Money(0)
    assert [(each.amount, each.undone) for each in held.applications] == [
        (Money(45_000), Money(15_000)),
        (Money(15_000), Money(0)),
    ]
    assert books() == {"1060": 75_000, "2100": -75_000}
    assert found() == set()


def test_credit_never_moves_to_another_patient(database, do, used):
    stranger = billed(database, a_patient(database), only_first=1)
    with pytest.raises(AnotherPatient):
        do(move_credit, application_id=application_of(database, used), invoice_id=stranger.invoice.id)
    assert owed(database, stranger) == Money(45_000)


def test_credit_does_not_move_to_what_owes_nothing(database, do, used):
    with pytest.raises(NothingToApply):
        do(move_credit, application_id=application_of(database, used), invoice_id=used.invoice.id)


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({3, 7, 8}, "DELETE FROM credit_reversal"),
        ({8}, "UPDATE ledger_entry SET purpose = 'put' WHERE source_kind = 'credit-reversal'"),
        ({8}, "UPDATE ledger_entry SET source_id = 'crv_none' WHERE source_kind = 'credit-reversal'"),
    ],
)
def test_a_reversal_that_is_gone_is_found(database, do, used, found, numbers, attack):
    do(unapply, application_id=application_of(database, used))
    behind_the_back(database, attack)
    assert found() == numbers


@pytest.mark.processes
def test_one_credit_is_taken_off_and_moved_once_by_eight_processes(
    database, database_url, do, patient, used, found
):
    bills = [billed(database, patient, only_first=1) for _ in range(3)]
    application_id = application_of(database, used)
    deeds = [(application_id, bill.invoice.id) for bill in bills] + [(application_id, None)] * 5
    outcomes = at_once(database_url, undo_or_move, deeds)
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "nothing-to-undo"}
    owing = [owed(database, bill) for bill in [used, *bills]]
    assert sum(each.cents for each in owing) - balance(database, patient).available.cents == 135_000
    assert found() == set()


def undo_or_move(database, application_id, invoice_id):
    named = {"application_id": application_id, "actor": CLERK, "now": NOW}
    if invoice_id is None:
        database.in_transaction(lambda tx: unapply(tx, **named))
    else:
        database.in_transaction(lambda tx: move_credit(tx, invoice_id=invoice_id, **named))
    return "done"
