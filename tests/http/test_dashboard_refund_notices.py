"""A refund made in the processor's dashboard, over real HTTP: its webhook books it or names it at once."""

from __future__ import annotations

import threading

import pytest

from billing.accounting.queries.verify import verify
from billing.ledger.queries import trial_balance
from billing.payments.flows.events import work_event
from tests.factories.accounting import LIMIT
from tests.http.test_disputes import charge_of, until
from tests.http.test_reconcile import by_hand, held_against, named, paid

pytestmark = pytest.mark.processes


@pytest.fixture
def told(office):
    """Two visits of 450 paid by card; webhooks come, and nobody reconciled yet."""
    office.sandbox.control("payout-schedule", schedule="manual")
    paid(office, sessions=2)
    until(office, "checkout.session.completed")
    return office


def refunds(office):
    return [(each["state"], each["amount_cents"]) for each in office.get("/refunds").json()["items"]]


def names(office, is_open="true"):
    shown = office.get(f"/reconciliation?is_open={is_open}").json()["items"]
    return [(each["kind"], each["cents"]) for each in shown]


def the_payment(office):
    (payment,) = office.get("/payments").json()["items"]
    return payment


def given_back(office, cents, count=1):
    made = by_hand(office, charge_of(office), cents)
    until(office, "refund.created", count)
    return made


def well(office):
    with office.database.reading() as read:
        checks = verify(read, now=office.room.clock(), refund_limit=LIMIT).checks
        balances = dict(trial_balance(read))
    assert [check for check in checks if check.found] == []
    return balances


def test_one_below_the_limit_is_booked_by_its_webhook_and_cannot_go_back_twice(told):
    payment = the_payment(told)
    made = given_back(told, 5_000)
    assert refunds(told) == [("succeeded", 5_000)]
    (refund,) = told.get("/refunds").json()["items"]
    assert refund["refunded_on"] == "2026-11-02"
    shown = {"amount_cents": 90_000, "refundable_cents": 90_000, "reason": "duplicate"}
    answer = told.post(f"/payments/{payment['id']}/refunds", shown, key="r1")
    assert (answer.status_code, answer.json()["code"]) == (409, "refundable-changed")
    assert (well(told)["2100"], names(told)) == (-85_000, [])
    assert held_against(told).ok
    assert (refunds(told), names(told, "false")) == ([("succeeded", 5_000)], [])
    for kind in ("refund.created", "refund.updated"):
        work_event(told.room, kind=kind, object_id=made.id, refund_limit=LIMIT)
    assert refunds(told) == [("succeeded", 5_000)]


def test_one_above_the_limit_is_named_at_once_for_two_persons(told):
    given_back(told, 60_001)
    assert (refunds(told), names(told)) == ([], [("refund-not-in-books", -60_001)])
    (task,) = told.get("/tasks?state=open").json()["items"]
    assert task["kind"] == "refund-not-in-books"
    well(told)
    assert named(held_against(told)) == [("refund-not-in-books", -60_001)]
    assert len(told.get("/reconciliation").json()["items"]) == 1


def test_what_the_bank_sent_back_is_named_no_more_and_nothing_was_booked(told):
    made = given_back(told, 60_001)
    told.sandbox.control("fail-refund", refund=made.id)
    until(told, "refund.failed")
    assert (refunds(told), names(told)) == ([], [])
    assert names(told, "false") == [("refund-not-in-books", -60_001)]
    assert told.get("/tasks?state=open").json()["items"] == []
    assert held_against(told).ok


def test_one_that_was_booked_and_then_failed_is_held_for_the_patient(told):
    made = given_back(told, 5_000)
    told.sandbox.control("fail-refund", refund=made.id)
    until(told, "refund.failed")
    assert refunds(told) == [("failed", 5_000)]
    well(told)
    assert held_against(told).ok


def test_many_small_ones_are_a_large_one(told):
    for count in (1, 2):
        given_back(told, 30_000, count)
    assert refunds(told) == [("succeeded", 30_000)]
    assert names(told) == [("refund-not-in-books", -30_000)]


def test_a_refund_of_ours_whose_answer_was_lost_is_never_a_second_one(told):
    payment = the_payment(told)
    told.sandbox.control("lose-response", path="/v1/refunds", when="after")
    body = {"amount_cents": 5_000, "refundable_cents": 90_000, "reason": "duplicate"}
    assert told.post(f"/payments/{payment['id']}/refunds", body, key="r1").status_code == 201
    told.work()
    until(told, "refund.created")
    assert (refunds(told), names(told)) == ([("succeeded", 5_000)], [])
    assert held_against(told).ok


def test_while_a_clerks_refund_takes_what_went_back_it_is_named(told):
    """Both want the same money, and only one of them can have it."""
    payment = the_payment(told)
    body = {"amount_cents": 90_000, "refundable_cents": 90_000, "reason": "duplicate"}
    assert told.post(f"/payments/{payment['id']}/refunds", body, key="r1").json()["state"] == "requested"
    given_back(told, 5_000)
    assert refunds(told) == [("requested", 90_000)]
    assert names(told) == [("refund-not-in-books", -5_000)]


def test_one_of_a_charge_that_is_not_booked_waits_for_the_days_reconciliation(office):
    office.sandbox.control("payout-schedule", schedule="manual")
    office.sandbox.control("drop-events", times=1_000)
    paid(office, sessions=2)
    made = by_hand(office, charge_of(office), 5_000)
    work_event(office.room, kind="refund.created", object_id=made.id, refund_limit=LIMIT)
    assert (refunds(office), names(office)) == ([], [])
    assert held_against(office).ok
    assert refunds(office) == [("succeeded", 5_000)]


def test_notices_of_one_at_once_book_it_once(told):
    told.sandbox.control("drop-events", times=100)
    made = by_hand(told, charge_of(told), 5_000)
    failed = []

    def work(kind):
        try:
            work_event(told.room, kind=kind, object_id=made.id, refund_limit=LIMIT)
        except Exception as error:
            failed.append(error)

    kinds = ["refund.created", "refund.updated"] * 3
    workers = [threading.Thread(target=work, args=[kind]) for kind in kinds]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert (failed, refunds(told), names(told, "false")) == ([], [("succeeded", 5_000)], [])
    well(told)


def test_a_bank_that_takes_what_went_back_before_is_a_task_for_a_person(told):
    """900 paid, 50 given back, and then the bank takes all 900 and keeps them."""
    given_back(told, 5_000)
    dispute = told.sandbox.control("open-dispute", charge=charge_of(told), amount=90_000, reason="fraudulent")
    until(told, "charge.dispute.funds_withdrawn")
    told.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    until(told, "charge.dispute.closed")
    tasks = {task["kind"] for task in told.get("/tasks?state=open").json()["items"]}
    assert "dispute-exceeds-payment" in tasks
    assert (told.get("/disputes").json()["items"][0]["state"], names(told)) == ("lost", [])
    well(told)
