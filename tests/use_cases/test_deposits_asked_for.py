"""What is asked of a patient as a deposit, and what they hand over."""

from __future__ import annotations

import pytest

from billing.catalog.queries import sites
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.patient_deposits import take_deposit
from tests.conftest import NOW
from tests.factories.invoices import a_patient


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


def test_cash_at_one_site_is_not_asked_for_by_a_page_that_another_site_opened(database, do, patient):
    with database.reading() as read:
        here, there = sites(read, patient.entity_id)[:2]
    if patient.site_id != here.id:
        here, there = there, here
    asked = do(ask_for_deposit, patient_id=patient.id, amount=Money(10_000), site_id=there.id)
    clerk = Actor(
        id="usr_1",
        entity_id=patient.entity_id,
        permissions=frozenset(Permission),
        site_ids=frozenset({here.id}),
    )
    handed = Handed(tender=Tender.CHECK, amount=Money(10_000), number="77", dated_on=NOW.date())
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None, actor=clerk)
    with database.reading() as read:
        found = find_deposit_request(read, asked.id, SYSTEM)
    assert found.open_balance == ZERO
