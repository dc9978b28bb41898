"""Money that is told of late leaves a patient's credit on a day on which it was there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.care.use_cases import cancel_session
from billing.kernel.money import ZERO, Money
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import Election
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.payments.use_cases.unapply import unapply
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed

ON = NOW.date()
OF_DAY = text(
    "SELECT COALESCE(SUM(l.cents), 0) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id "
    "WHERE l.account = '2200' AND e.effective_on <= :day"
)


@pytest.fixture
def bills(database):
    """Two visits of 450 of one patient, each on an invoice of its own."""
    patient = a_patient(database)
    return [billed(database, patient, only_first=1) for _ in range(2)]


@pytest.fixture
def credit_of_days(database):
    """What the patient had on each of the first days, below nothing as a negative."""

    def run():
        with database.reading() as read:
            days = [(ON + timedelta(days=each)).isoformat() for each in range(6)]
            return [-read.session.scalar(OF_DAY, {"day": day}) for day in days]

    return run


def test_a_demand_of_a_day_on_which_an_invoice_had_the_credit_is_booked_when_it_is_recorded(
    database, do, bills, credit_of_days, found
):
    visit, other = bills
    give(database, visit.session_ids[0])
    do(take_cash, invoice_id=visit.invoice.id, amount=Money(45_000))
    claim = {"session_id": visit.session_ids[0], "source_id": "rmc_a", "received_on": ON}
    held = do(hold_reimbursement, amount=Money(45_000), **claim)
    do(elect, lot_id=held.lot_id, election=Election.CREDIT)
    (used,) = do(apply_credits_now, invoice_id=other.invoice.id).applications
    do(unapply, application_id=used.id, at=NOW + timedelta(days=3))
    letter = {"demand": "L-1", "amount": Money(45_000), "demanded_on": ON}
    do(demand_takeback, reimbursement_id="rmc_a", **letter, at=NOW + timedelta(days=5))
    assert credit_of_days() == [0, 0, 0, 45_000, 45_000, 0]
    assert found() == set()


@pytest.mark.parametrize(("bounced", "at_first"), [(2, 15_000), (0, 0)])
def test_what_a_bounced_check_had_become_comes_off_invoices_on_the_day_of_the_bounce(
    do, bills, credit_of_days, found, bounced, at_first
):
    """600 by check, 150 of which another invoice took on the next day; it is told of five days later."""
    visit, other = bills
    check = {"number": "7", "dated_on": ON, "is_health_account": False}
    paid = do(take_check, invoice_id=visit.invoice.id, amount=Money(60_000), **check)
    do(apply_credits_now, invoice_id=other.invoice.id, at=NOW + timedelta(days=1))
    do(
        bounce_check,
        payment_id=paid.id,
        reason=BounceReason.INSUFFICIENT_FUNDS,
        bounced_on=ON + timedelta(days=bounced),
        fee=ZERO,
        at=NOW + timedelta(days=5),
    )
    assert credit_of_days() == [at_first, 0, 0, 0, 0, 0]
    assert found() == set()


@pytest.fixture
def bounced(do):
    """The bank did not pay a check on the third day, which is told of on the sixth."""

    def run(payment, on=2):
        do(
            bounce_check,
            payment_id=payment.id,
            reason=BounceReason.INSUFFICIENT_FUNDS,
            bounced_on=ON + timedelta(days=on),
            fee=ZERO,
            at=NOW + timedelta(days=5),
        )

    return run


def test_a_bounce_of_a_day_on_which_an_invoice_had_the_credit_is_booked_when_it_is_recorded(
    do, bills, credit_of_days, bounced, found
):
    visit, other = bills
    check = {"number": "7", "dated_on": ON, "is_health_account": False}
    paid = do(take_check, invoice_id=visit.invoice.id, amount=Money(60_000), **check)
    (used,) = do(apply_credits_now, invoice_id=other.invoice.id, at=NOW + timedelta(days=1)).applications
    do(unapply, application_id=used.id, at=NOW + timedelta(days=3))
    bounced(paid)
    assert credit_of_days() == [15_000, 0, 0, 15_000, 15_000, 0]
    assert found() == set()


def test_a_bounce_of_a_day_before_its_money_became_credit_is_booked_when_it_is_recorded(
    do, bills, credit_of_days, bounced, found
):
    visit, _ = bills
    check = {"number": "7", "dated_on": ON, "is_health_account": False}
    paid = do(take_check, invoice_id=visit.invoice.id, amount=Money(45_000), **check)
    do(cancel_session, session_id=visit.session_ids[0], at=NOW + timedelta(days=3))
    bounced(paid)
    assert credit_of_days() == [0, 0, 0, 45_000, 45_000, 0]
    assert found() == set()
