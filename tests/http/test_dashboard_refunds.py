"""Refunds made in the dashboard above the limit, over real HTTP: what waits for a person has left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.errors import MoreThanAvailable
from billing.payments.flows.reconcile import reconcile
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient
from tests.factories.sandbox import sdk_client
from tests.factories.schema import OLDER_DECISIONS, migrate_again
from tests.http.test_reconcile import asked_for, books, by_hand, charges, held_against, named, paid, token_for

pytestmark = pytest.mark.processes


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


@pytest.fixture
def refused_of_two(deaf):
    """One patient's two payments: 300 of each go back in a day, and the second is refused by a person."""
    patient = a_patient(deaf.database)
    paid(deaf, patient, key="k1")
    paid(deaf, patient, key="k2")
    round_of(deaf)
    first, second = charges(deaf)
    by_hand(deaf, first.id, 30_000)
    assert named(round_of(deaf)) == []
    by_hand(deaf, second.id, 30_000)
    (named_,) = round_of(deaf).exceptions
    asked = asked_for(deaf, named_, "r1").json()
    decided(deaf, asked, "reject", {"reason": "not_due"})
    return named_, asked


def test_what_a_person_refused_to_book_is_not_booked_by_itself_once_its_payment_moved(
    deaf, refused_of_two, clock_file
):
    named_, asked = refused_of_two
    right = a_patient(deaf.database)
    moved = deaf.post(f"/payments/{asked['payment_id']}/move", {"patient_id": right.id}, key="m1")
    assert moved.status_code in (200, 201), moved.text
    later(clock_file, 2)
    assert named_ in round_of(deaf).exceptions


def test_what_was_refused_before_its_id_was_kept_is_marked_from_the_trail(deaf, refused, clock_file):
    with deaf.database.write_engine.begin() as connection:
        connection.execute(text("UPDATE refund SET made_by_hand = false"))
    migrate_again(deaf.database, *OLDER_DECISIONS)
    with deaf.database.reading() as read:
        of_hand = text("SELECT state, refused_reference FROM refund WHERE made_by_hand")
        assert read.session.execute(of_hand).all() == [("rejected", refused.object_id)]
    later(clock_file, 2)
    assert round_of(deaf).exceptions == (refused,)


def test_another_one_of_the_same_amount_is_booked_by_itself(deaf, refused, clock_file):
    later(clock_file, 2)
    by_hand(deaf, charges(deaf)[0].id, 30_000)
    assert round_of(deaf).exceptions == (refused,)


def reimbursed(office, session_id, cents, claim="rmc_1", on=NOW):
    return office.database.in_transaction(
        lambda tx: hold_reimbursement(
            tx,
            session_id=session_id,
            amount=Money(cents),
            source_id=claim,
            received_on=on.date(),
            actor=SYSTEM,
            now=on,
        )
    )


@pytest.fixture
def outpaid(deaf):
    """All of a visit's 450.00, and 150.01 of another's, went back and waits; the insurer pays the first."""
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    asked = asked_for(deaf, named_, "r1").json()
    assert reimbursed(deaf, bill.session_ids[1], 40_000).excess == Money(40_000)
    return bill, named_, asked


def demanded_back(office, claim, cents):
    return office.database.in_transaction(
        lambda tx: demand_takeback(
            tx,
            reimbursement_id=claim,
            demand=f"L-{claim}",
            amount=Money(cents),
            demanded_on=NOW.date(),
            actor=SYSTEM,
            now=NOW,
        )
    )


def of_patient_and_payer(office):
    told = books(office)
    return -told.get("2200", 0), -told.get("2220", 0)


def fail_by_hand(office):
    (made,) = sdk_client(office.sandbox).refunds.list().data
    office.sandbox.control("fail-refund", refund=made.id)


def test_what_came_back_before_it_was_approved_makes_the_insurers_money_the_patients(deaf, outpaid):
    bill, _, asked = outpaid
    assert of_patient_and_payer(deaf) == (60_001, 40_000), "what waits is the patient's until it is booked"
    fail_by_hand(deaf)
    assert held_against(deaf).ok
    assert kept(deaf, asked)["rejected_for"] == "came_back"
    assert of_patient_and_payer(deaf) == (40_000, 0)
    held = deaf.get(f"/patients/{bill.patient.id}/credits").json()["items"]
    assert [each["source"] for each in held if each["available_cents"]] == ["reimbursement"]


def test_what_a_person_refused_to_book_leaves_the_insurers_money_until_it_is_back(deaf, outpaid):
    _, _, asked = outpaid
    decided(deaf, asked, "reject", {"reason": "not_due"})
    held_against(deaf)
    assert of_patient_and_payer(deaf) == (0, 40_000), "the money has left all the same"
    fail_by_hand(deaf)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (40_000, 0)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (40_000, 0)


def test_while_another_refund_of_that_charge_is_gone_and_not_booked_nothing_is_shared(deaf):
    bill, named_ = given_back(deaf, sessions=3)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    first = asked_for(deaf, named_, "r1").json()
    second = by_hand(deaf, charges(deaf)[0].id, 70_000)
    (other,) = [each for each in held_against(deaf).exceptions if each != named_]
    assert asked_for(deaf, other, "r2").json()["state"] == "requested"
    assert reimbursed(deaf, bill.session_ids[1], 40_000).excess == Money(40_000)
    decided(deaf, first, "reject", {"reason": "not_due"})
    deaf.sandbox.control("fail-refund", refund=second.id)
    held_against(deaf)
    assert of_patient_and_payer(deaf) == (0, 40_000), "600.01 is still with the patient"
    deaf.sandbox.control("fail-refund", refund=named_.object_id)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (40_000, 0)


def test_what_was_refused_and_booked_after_all_leaves_the_insurers_money_to_the_payer(deaf, outpaid):
    _, named_, asked = outpaid
    decided(deaf, asked, "reject", {"reason": "not_due"})
    again = asked_for(deaf, named_, "r2").json()
    decided(deaf, again, "approve")
    deaf.work()
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (0, 40_000)


def test_what_was_booked_and_then_failed_is_held_for_the_patient_once(deaf, outpaid):
    """It is sent again in another way: with the insurer's money also, the patient would be paid twice."""
    _, _, asked = outpaid
    decided(deaf, asked, "approve")
    deaf.work()
    fail_by_hand(deaf)
    held_against(deaf)
    assert state_of(deaf, asked) == "failed"
    assert of_patient_and_payer(deaf) == (60_001, 40_000)


def test_what_the_payer_demanded_meanwhile_stays_with_the_payer_when_the_refund_comes_back(deaf, outpaid):
    demanded_back(deaf, "rmc_1", 40_000)
    fail_by_hand(deaf)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (0, 40_000)


def test_what_was_demanded_in_part_leaves_the_rest_of_the_claim_to_the_patient(deaf, outpaid):
    demanded_back(deaf, "rmc_1", 15_000)
    fail_by_hand(deaf)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (25_000, 15_000)


def test_a_part_that_came_back_shares_up_to_what_the_patient_paid(deaf):
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    asked_for(deaf, named_, "r1")
    first, second = bill.session_ids
    reimbursed(deaf, first, 45_000, "rmc_1")
    reimbursed(deaf, second, 50_000, "rmc_2")
    fail_by_hand(deaf)
    assert held_against(deaf).ok
    assert of_patient_and_payer(deaf) == (90_000, 5_000)
    taken = demanded_back(deaf, "rmc_1", 45_000)
    assert taken.unspent == Money(45_000), "what came at once, and what was shared later"
    assert held_against(deaf).ok
    with pytest.raises(MoreThanAvailable):
        demanded_back(deaf, "rmc_2", 50_001)
    behind_the_back(deaf.database, "UPDATE reimbursement_excess SET shared_cents = shared_cents - 1")
    with deaf.database.reading() as read:
        checks = verify(read, now=NOW, refund_limit=LIMIT).checks
    assert {check.number for check in checks if check.found} == {3, 4}


def test_while_what_a_person_refused_is_missing_the_insurer_who_pays_then_pays_above_too(deaf):
    """Decision 108: nothing is the patient's while the money has left; before or after the refusal alike."""
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    decided(deaf, asked_for(deaf, named_, "r1").json(), "reject", {"reason": "not_due"})
    reimbursed(deaf, bill.session_ids[1], 40_000)
    assert of_patient_and_payer(deaf) == (0, 40_000), "the patient has 600.01 from the processor already"


def test_what_was_refused_can_be_booked_after_the_insurer_paid(deaf):
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    decided(deaf, asked_for(deaf, named_, "r1").json(), "reject", {"reason": "not_due"})
    reimbursed(deaf, bill.session_ids[1], 40_000)
    again = asked_for(deaf, named_, "r2")
    assert again.status_code in (200, 201), again.text


def test_what_nobody_asked_for_yet_can_be_booked_after_the_insurer_paid(deaf):
    bill, named_ = given_back(deaf)
    for session_id in bill.session_ids:
        give(deaf.database, session_id)
    reimbursed(deaf, bill.session_ids[1], 40_000)
    again = asked_for(deaf, named_, "r1")
    assert again.status_code in (200, 201), again.text
