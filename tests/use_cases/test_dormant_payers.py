"""What is held for another payer, and their refund that waits for a check, becomes the state's too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.use_cases import amend_patient
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.dormant import list_dormant
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.dormant import (
    claim,
    list_dormant_credits,
    record_letter,
    set_aside,
)
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refunds import approve_refund, request_refund
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer

WRITER = Actor(id="usr_writer", entity_id=None, permissions=frozenset(Permission))
AHEAD, WRITTEN = (datetime(2029, month, 1, 15, tzinfo=UTC) for month in (6, 8))
APPROVED = RefundState.APPROVED
DUE = datetime(2029, 11, 2, 15, tzinfo=UTC)


@pytest.fixture
def payers_lot(database, do):
    """A sponsor paid 300 of a visit that was called off: held for them. The patient lives in New York."""
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    elsewhere = {"address": replace(patient.address, state="NY", postal_code="10001")}
    do(amend_patient, patient_id=patient.id, changes=elsewhere, expected_version=1)
    payer = a_payer(database, patient.site_id)
    share = do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 30_000))
    do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    do(cancel_session, session_id=bill.session_ids[0])
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    assert lot.payer_id == payer.id
    return lot


def test_another_payers_money_becomes_that_of_the_clinics_state(database, do, payers_lot, books, found):
    assert do(list_dormant_credits, at=AHEAD) == 1
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    assert (listed.payer_id, listed.us_state) == (payers_lot.payer_id, "TX")
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    assert (books(), found()) == ({"1060": 30_000, "2230": -30_000}, set())
    do(claim, dormant_id=listed.id, at=DUE)
    assert (books(), found()) == ({"1060": 30_000, "2220": -30_000}, set())


def test_another_payers_check_that_was_voided_becomes_the_states(database, do, payers_lot, books, found):
    asked = do(request_refund, lot_id=payers_lot.id, amount=Money(30_000), payment_id=None, limit=LIMIT)
    database.in_transaction(lambda tx: approve_refund(tx, refund_id=asked.id, actor=WRITER, now=NOW))
    do(send_check, refund_id=asked.id, check_number="1001")
    do(void_check, refund_id=asked.id)
    assert do(list_dormant_credits, at=AHEAD) == 1
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    assert (listed.payer_id, listed.us_state) == (payers_lot.payer_id, "TX")
    assert listed.refund_id
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    assert (books(), found()) == ({"1060": 30_000, "2230": -30_000}, set())
