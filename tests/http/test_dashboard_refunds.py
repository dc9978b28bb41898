"""Refunds made in the processor's dashboard above the limit, over real HTTP: what waits for a person has left."""

from __future__ import annotations

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.office import open_office
from tests.http.test_reconcile import asked_for, books, by_hand, charges, held_against, paid

pytestmark = pytest.mark.processes


@pytest.fixture
def deaf(tmp_path, database_url, clock_file):
    """An office that no webhook reaches."""
    office = open_office(tmp_path, database_url, clock_file)
    office.sandbox.control("payout-schedule", schedule="manual")
    office.sandbox.control("drop-events", times=1000)
    yield office
    office.close()


def given_back(office, sessions=2, cents=60_001):
    """Two sessions of 450 on one card; most of it went back in the dashboard, and the books name it."""
    bill = paid(office, sessions=sessions)
    held_against(office)
    by_hand(office, charges(office)[0].id, cents)
    (named,) = held_against(office).exceptions
    return bill, named


def state_of(office, refund):
    return office.get(f"/refunds/{refund['id']}").json()["state"]


def test_an_insurers_money_does_not_refuse_a_refund_that_has_left(deaf):
    bill, named = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    asked = asked_for(deaf, named, "r1").json()
    deaf.database.in_transaction(
        lambda tx: hold_reimbursement(
            tx,
            session_id=bill.session_ids[0],
            amount=Money(45_000),
            source_id="rmc_1",
            received_on=NOW.date(),
            actor=SYSTEM,
            now=NOW,
        )
    )
    anew = asked_for(deaf, named, "r2")
    assert (state_of(deaf, asked), anew.json()["code"]) == ("requested", "refund-known")
    credit = deaf.get(f"/patients/{bill.patient.id}/credits").json()["available_cents"]
    assert credit == 29_999, "of 900.00 the patient has 600.01 back already"


def test_a_lost_dispute_does_not_refuse_a_refund_that_has_left(deaf):
    _, named = given_back(deaf)
    asked = asked_for(deaf, named, "r1").json()
    dispute = deaf.sandbox.control("open-dispute", charge=charges(deaf)[0].id)
    deaf.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    held_against(deaf)
    assert state_of(deaf, asked) == "requested"
