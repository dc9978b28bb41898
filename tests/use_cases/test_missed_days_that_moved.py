"""The fee of a missed day whose visit moved to another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.care.use_cases import mark_no_show
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.no_show import bill_no_show
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_payer, whole_sessions


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


def test_a_miss_before_compensation_took_the_moved_visit_costs_its_fee(database, do, patient):
    bill = billed(database, patient, only_first=1)
    missed = do(mark_no_show, session_id=bill.session_ids[0], moved_to=NOW.date() + timedelta(days=7))
    payer = a_payer(database, patient.site_id, PayerKind.COMPENSATION)
    order = whole_sessions(payer, bill)
    do(agree_share, invoice_id=bill.invoice.id, order=order, now=NOW + timedelta(hours=1))
    assert do(bill_no_show, session_id=missed.id).total == Money(15_000)
