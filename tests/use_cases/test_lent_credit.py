"""Credit that came off an invoice for a charge of a saved card."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance, credits_of_patient
from billing.payments.queries.dormant import last_sign_of_owner
from billing.payments.records.payments import Tender
from billing.payments.records.saved_methods import Purpose
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.checkouts import begin_charge, decline_checkout, pay_checkout
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.platform.data.idempotency import RequestKey
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.saved_cards import a_saved_card
from tests.factories.world import a_charge


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


def test_a_late_charge_finds_the_credit_that_was_lent_to_it(database, do, patient):
    """450 owed, 100 of credit lent, 350 declined; then the processor says that it was paid after all."""
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
    charge = a_charge(begun.id, begun.amount, NOW)
    do(pay_checkout, checkout_id=begun.id, reference="pi_1", charge=charge)
    with database.reading() as read:
        owed = find_invoice(read, bill.invoice.id, SYSTEM).open_balance
        held = credit_balance(read, patient.id, SYSTEM).available
    assert (owed, held) == (ZERO, ZERO)


def test_a_declined_charge_is_no_sign_of_the_owner_of_the_credit_that_was_lent_to_it(database, do, patient):
    bill = billed(database, patient, only_first=1)
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)
    card, later = a_saved_card(database, patient, NOW), NOW + timedelta(days=700)
    begun = do(
        begin_charge,
        invoice_id=bill.invoice.id,
        saved_method_id=card.id,
        due=Money(35_000),
        purpose=Purpose.FUTURE_VISITS,
        request=RequestKey("k1", "0" * 64),
        now=later,
    )
    do(decline_checkout, checkout_id=begun.id, reference="pi_1", lost_fee=ZERO, decline=None, now=later)
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
        assert last_sign_of_owner(read, lot) == NOW.date()
