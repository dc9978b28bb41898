"""Refunds made in the dashboard above the limit, over real HTTP: what waits for a person has left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.flows.reconcile import reconcile
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.office import open_office
from tests.http.test_reconcile import asked_for, by_hand, charges, held_against, named, paid, token_for

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
    (named_,) = held_against(office).exceptions
    return bill, named_


def kept(office, refund):
    return office.get(f"/refunds/{refund['id']}").json()


def state_of(office, refund):
    return kept(office, refund)["state"]


def decided(office, refund, decision, body=None):
    """By another person than who asked."""
    clerk, office.token = office.token, token_for(office, Role.SUPERVISOR)
    answer = office.post(f"/refunds/{refund['id']}/{decision}", body, key=f"{decision}-{refund['id']}")
    office.token = clerk
    assert answer.status_code == 200


def later(clock_file, days):
    clock_file.write_text((NOW + timedelta(days=days)).isoformat())


def test_an_insurers_money_does_not_refuse_a_refund_that_has_left(deaf):
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    asked = asked_for(deaf, named_, "r1").json()
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
    anew = asked_for(deaf, named_, "r2")
    assert (state_of(deaf, asked), anew.json()["code"]) == ("requested", "refund-known")
    credit = deaf.get(f"/patients/{bill.patient.id}/credits").json()["available_cents"]
    assert credit == 29_999, "of 900.00 the patient has 600.01 back already"


def test_a_lost_dispute_does_not_refuse_a_refund_that_has_left(deaf):
    _, named_ = given_back(deaf)
    asked = asked_for(deaf, named_, "r1").json()
    dispute = deaf.sandbox.control("open-dispute", charge=charges(deaf)[0].id)
    deaf.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    held_against(deaf)
    assert state_of(deaf, asked) == "requested"


def test_what_is_approved_next_year_is_of_the_day_on_which_the_money_left(deaf, clock_file):
    """Made on 2 November, approved on 3 January: the register of last year has it."""
    _, named_ = given_back(deaf)
    asked = asked_for(deaf, named_, "r1").json()
    later(clock_file, 62)
    decided(deaf, asked, "approve")
    deaf.work()
    booked = kept(deaf, asked)
    assert (booked["state"], booked["refunded_on"]) == ("succeeded", "2026-11-02")
    deaf.token = token_for(deaf, Role.ACCOUNTANT)
    last_year = deaf.get("/exports/refunds?from=2026-01-01&to=2026-12-31").text
    this_year = deaf.get("/exports/refunds?from=2027-01-01&to=2027-12-31").text
    assert (asked["id"] in last_year, asked["id"] in this_year) == (True, False)
    assert held_against(deaf).ok


def test_what_is_booked_by_itself_later_is_of_that_day_too(deaf, clock_file):
    paid(deaf)
    held_against(deaf)
    by_hand(deaf, charges(deaf)[0].id, 5_000)
    later(clock_file, 3)
    assert held_against(deaf).ok
    (booked,) = deaf.get("/refunds").json()["items"]
    assert (booked["state"], booked["refunded_on"]) == ("succeeded", "2026-11-02")


def round_of(office):
    return reconcile(office.room, since=None, until=None, refund_limit=Money(50_000))


@pytest.fixture
def refused(deaf):
    """The limit is 500: 300 of a day are booked by themselves, 300 were refused by a second person."""
    paid(deaf, sessions=2)
    round_of(deaf)
    by_hand(deaf, charges(deaf)[0].id, 30_000)
    assert named(round_of(deaf)) == []
    by_hand(deaf, charges(deaf)[0].id, 30_000)
    (named_,) = round_of(deaf).exceptions
    asked = asked_for(deaf, named_, "r1").json()
    assert asked["state"] == "requested"
    decided(deaf, asked, "reject", {"reason": "not_due"})
    return named_


def test_what_a_person_refused_to_book_is_not_booked_by_itself_the_next_day(deaf, refused, clock_file):
    later(clock_file, 2)
    assert round_of(deaf).exceptions == (refused,)


def test_what_a_person_refused_to_book_is_booked_when_a_person_asks_anew(deaf, refused, clock_file):
    later(clock_file, 2)
    again = asked_for(deaf, refused, "r2").json()
    deaf.work()
    assert state_of(deaf, again) == "succeeded"
    assert round_of(deaf).ok


def test_another_one_of_that_payment_is_booked_by_itself_meanwhile(deaf, refused, clock_file):
    later(clock_file, 2)
    by_hand(deaf, charges(deaf)[0].id, 10_000)
    assert round_of(deaf).exceptions == (refused,)
