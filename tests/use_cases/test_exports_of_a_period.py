"""What the register of a period says, whenever it is asked."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from billing.accounting.queries.exports import exported
from billing.accounting.rules.offers import export_of
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import Election
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import elect, take_back_choice
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.invoices import a_patient, billed


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


def exported_rows(database, kind, since, until):
    with database.reading() as read:
        told = "".join(exported(read, export_of(kind, "csv", since, until), SYSTEM))
    return list(csv.DictReader(io.StringIO(told, newline="")))


def test_what_was_left_of_credit_at_a_days_end_is_what_the_ledger_holds_on_it(database, do, patient):
    """A deposit by check of 30 October bounced on the 31st, which is recorded on 2 November."""
    october = datetime.fromisoformat("2026-10-30T15:00:00+00:00")
    handed = Handed(tender=Tender.CHECK, amount=Money(10_000), number="77", dated_on=date(2026, 10, 30))
    payment = do(take_deposit, patient_id=patient.id, handed=handed, site_id=None, now=october)
    do(
        bounce_check,
        payment_id=payment.id,
        reason=next(iter(BounceReason)),
        bounced_on=date(2026, 10, 31),
        fee=ZERO,
    )
    rows = exported_rows(database, "credits", date(2026, 10, 1), date(2026, 10, 31))
    with database.reading() as read:
        held = read.session.scalar(
            text(
                "SELECT -SUM(cents) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id "
                "WHERE account IN ('2100', '2200') AND effective_on <= '2026-10-31'"
            )
        )
    assert rows[0]["available"] == f"{held // 100}.{held % 100:02}"


@pytest.fixture
def lot(database, do, patient):
    """A deposit of 30 October."""
    october = datetime.fromisoformat("2026-10-30T15:00:00+00:00")
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None, now=october)
    with database.reading() as read:
        (held,) = credits_of_patient(read, patient.id, SYSTEM)
    return held


def elections(database, until):
    return [row["election"] for row in exported_rows(database, "credits", date(2026, 10, 1), until)]


def test_a_choice_that_is_made_again_later_leaves_the_register_of_the_period_as_it_was(database, do, lot):
    """The evening of 31 October at the clinic is 1 November in UTC."""
    for choice, at in (
        (Election.CREDIT, "2026-10-31T14:00:00+00:00"),
        (Election.REFUND, "2026-10-31T20:00:00-04:00"),
        (Election.CREDIT, "2026-11-02T15:00:00+00:00"),
        (Election.REFUND, "2026-11-03T15:00:00+00:00"),
    ):
        do(elect, lot_id=lot.id, election=choice, now=datetime.fromisoformat(at))
    told = [
        elections(database, date.fromisoformat(f"2026-{day}")) for day in ("10-30", "10-31", "11-02", "11-03")
    ]
    assert told == [["credit"], ["refund"], ["credit"], ["refund"]]


def test_a_choice_of_the_trails_oldest_rows_counts_by_its_instant(database, do, lot):
    do(
        elect,
        lot_id=lot.id,
        election=Election.REFUND,
        now=datetime.fromisoformat("2026-10-31T15:00:00+00:00"),
    )
    behind_the_back(database, "UPDATE audit_row SET detail = '{}' WHERE action = 'credit.elect.refund'")
    assert [elections(database, date(2026, 10, day)) for day in (30, 31)] == [["credit"], ["refund"]]


def test_a_choice_that_is_taken_back_later_leaves_the_register_of_the_period_as_it_was(database, do, patient):
    bill = billed(database, patient, only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    named = {"session_id": bill.session_ids[0], "source_id": "rmc_1", "received_on": NOW.date()}
    held = do(hold_reimbursement, amount=Money(1_000), **named).lot_id
    do(elect, lot_id=held, election=Election.REFUND)
    do(take_back_choice, lot_id=held, now=NOW + timedelta(days=1))
    assert [elections(database, date(2026, 11, day)) for day in (2, 3)] == [["refund"], [""]]
