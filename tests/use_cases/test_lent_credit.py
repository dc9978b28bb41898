"""Credit that came off an invoice for a charge of a saved card."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance, credits_of_patient
from billing.payments.records.checkouts import Way
from billing.payments.records.credits import Election
from billing.payments.records.payments import Tender
from billing.payments.records.saved_methods import Purpose
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.checkouts import (
    begin_charge,
    begin_checkout,
    begin_reader_payment,
    close_checkout,
    decline_checkout,
    pay_checkout,
    refuse_checkout,
)
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback
from billing.platform.data.idempotency import RequestKey
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.saved_cards import a_saved_card
from tests.factories.world import RETURN_URL, a_charge


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def refused(database, do, patient):
    """450 owed, 100 of credit lent, 350 declined."""
    bill = billed(database, patient, only_first=1)
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)
    card = a_saved_card(database, patient, NOW)
    begun = do(
        begin_charge,
        invoice_id=bill.invoice.id,
        saved_method_id=card.id,
        due=Money(35_000),
        purpose=Purpose.FUTURE_VISITS,
        request=RequestKey("k1", "0" * 64),
    )
    do(decline_checkout, checkout_id=begun.id, reference="pi_1", lost_fee=ZERO, decline=None)
    return bill, begun


@pytest.fixture
def paid_late(do, refused):
    """The processor says that it was paid after all."""

    def run():
        _, begun = refused
        charge = a_charge(begun.id, begun.amount, NOW)
        return do(pay_checkout, checkout_id=begun.id, reference="pi_1", charge=charge)

    return run


@pytest.fixture
def stands(database, patient, refused):
    """What is owed, what credit is held, and what a person is asked, while the books hold."""

    def run():
        with database.reading() as read:
            assert [each for each in verify(read, now=NOW, refund_limit=LIMIT).checks if each.found] == []
            owed = find_invoice(read, refused[0].invoice.id, SYSTEM).open_balance
            held = credit_balance(read, patient.id, SYSTEM).available
            tasks = [(each.kind, each.subject_id) for each in list_tasks(read, SYSTEM, limit=9)]
        return owed.cents, held.cents, tasks

    return run


@pytest.fixture
def another_page(database, do, patient, refused):
    """For all that is owed, while the patient wanted the credit back; by now it is for the invoice again."""

    def run():
        with database.reading() as read:
            (lot,) = credits_of_patient(read, patient.id, SYSTEM)
        do(elect, lot_id=lot.id, election=Election.REFUND)
        invoice_id = refused[0].invoice.id
        page = do(begin_checkout, invoice_id=invoice_id, return_url=RETURN_URL, request=None)
        do(elect, lot_id=lot.id, election=Election.CREDIT)
        return page

    return run


def test_a_late_charge_finds_the_credit_that_was_lent_to_it(paid_late, stands):
    paid_late()
    assert stands() == (0, 0, [])


def test_credit_that_another_page_keeps_off_is_told_to_a_person_once(
    refused, paid_late, another_page, stands
):
    """The page may take the money of it as well: somebody decides which of the two pays."""
    another_page()
    for _ in range(2):
        paid_late()
    assert stands() == (10_000, 10_000, [("credit-kept-off", refused[1].id)])


def test_credit_of_an_invoice_that_owes_nothing_any_more_is_told_to_nobody(
    do, refused, paid_late, another_page, stands
):
    do(take_cash, invoice_id=refused[0].invoice.id, amount=Money(10_000))
    another_page()
    paid_late()
    assert stands() == (0, 10_000, [])


MOVED = """
    INSERT INTO state_change (id, subject_id, before, event, after, actor_id, at)
    SELECT 'mov_1', id, state, 'expire', 'expired', 'system', '2026-11-02 15:00:00.000000' FROM checkout
"""


@pytest.fixture
def lend(database, do, patient):
    """450 owed, and 100 of credit lent to an attempt of each way."""

    def run(way):
        bill = billed(database, patient, only_first=1)
        handed = Handed(tender=Tender.CASH, amount=Money(10_000))
        do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)
        named, key = {"invoice_id": bill.invoice.id}, RequestKey("k1", "0" * 64)
        if way is Way.PAGE:
            return bill, do(begin_checkout, **named, return_url=RETURN_URL, request=key)
        if way is Way.READER:
            return bill, do(begin_reader_payment, **named, reader_id="tmr_1", request=key)
        card = a_saved_card(database, patient, NOW)
        charged = {"saved_method_id": card.id, "due": Money(35_000), "purpose": Purpose.FUTURE_VISITS}
        return bill, do(begin_charge, **named, **charged, request=key)

    return run


@pytest.mark.parametrize("way", list(Way))
def test_credit_that_an_ended_attempt_keeps_is_found(database, lend, found, way):
    lend(way)
    assert found() == set()
    behind_the_back(database, MOVED, "UPDATE checkout SET state = 'expired'")
    assert found() == {10}


def test_an_attempt_whose_rest_an_insurer_paid_keeps_its_credit(do, lend, found):
    """Also once the insurer took that back: the credit was used, not lent."""
    bill, page = lend(Way.PAGE)
    claim = {"source_id": "rmc_1", "received_on": NOW.date(), "amount": Money(35_000)}
    do(hold_reimbursement, session_id=bill.session_ids[0], **claim)
    do(close_checkout, checkout_id=page.id, now=NOW + timedelta(hours=1))
    assert found() == set()
    letter = {"demand": "L-1", "amount": Money(35_000), "demanded_on": NOW.date()}
    taken = do(demand_takeback, reimbursement_id="rmc_1", **letter, now=NOW + timedelta(hours=2))
    assert do(bill_takeback, takeback_id=taken.id, now=NOW + timedelta(hours=2)).billed == Money(35_000)
    assert found() == set()


@pytest.mark.parametrize("way", list(Way))
def test_an_attempt_that_took_nothing_gave_its_credit_back(do, lend, found, way):
    _, attempt = lend(way)
    do(refuse_checkout, checkout_id=attempt.id)
    assert found() == set()
