"""A bank takes a card payment back, over real HTTP: opened, won, lost, in part, told in any order."""

from __future__ import annotations

import random
import threading

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.queries.disputes import disputed_payments
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.sandbox import pay_on_card_page, sdk_client

pytestmark = pytest.mark.processes

KINDS = ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")


@pytest.fixture
def bill(office):
    return billed(office.database, a_patient(office.database), only_first=2)


@pytest.fixture
def payment(office, bill):
    """900 by card for two sessions of 450."""
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")
    (paid,) = office.get(f"/payments?patient_id={bill.patient.id}").json()["items"]
    return paid


def until(office, kind, count=1):
    """Webhooks come by themselves within a moment; then the worker works them off."""
    waiting = threading.Event()
    for _ in range(400):
        if len(office.kept(kind)) >= count:
            office.work()
            return
        waiting.wait(0.05)
    raise AssertionError(f"no {kind} came")


def books(office):
    """The trial balance but for the charge's own fee."""
    with office.database.reading() as read:
        told = dict(trial_balance(read))
        verdict = verify(read, now=NOW, refund_limit=LIMIT)
    assert [check for check in verdict.checks if check.found] == []
    fee = told.pop("6100")
    told["1050"] += fee
    return {account: cents for account, cents in told.items() if cents}


def charge_of(office):
    (charge,) = sdk_client(office.sandbox).charges.list().data
    return charge.id


def opened(office, **more):
    dispute = office.sandbox.control("open-dispute", charge=charge_of(office), reason="fraudulent", **more)
    until(office, "charge.dispute.created")
    if not more.get("inquiry"):
        until(office, "charge.dispute.funds_withdrawn")
    return dispute


def decided(office, dispute, outcome, **more):
    office.sandbox.control("decide-dispute", dispute=dispute["id"], outcome=outcome, **more)
    until(office, "charge.dispute.closed")
    if outcome == "won" and not dispute["status"].startswith("warning"):
        until(office, "charge.dispute.funds_reinstated")


def shown(office):
    (dispute,) = office.get("/disputes").json()["items"]
    return dispute


def give_first(office, bill):
    give(office.database, bill.session_ids[0], now=NOW)


def test_what_the_bank_takes_is_disputed_and_its_fee_is_paid(office, payment):
    opened(office)
    assert books(office) == {"1050": -1_500, "1070": 90_000, "6110": 1_500, "2100": -90_000}
    dispute = shown(office)
    assert (dispute["state"], dispute["amount_cents"], dispute["payment_id"]) == (
        "needs_response", 90_000, payment["id"],
    )  # fmt: skip
    assert office.get(f"/disputes/{dispute['id']}").json() == dispute
    assert dispute["due_at"]
    tasks = office.get("/tasks").json()["items"]
    assert [(task["kind"], task["subject_id"]) for task in tasks] == [("dispute-opened", dispute["id"])]


def test_a_dispute_that_is_won_comes_back_and_the_fee_stays(office, payment):
    decided(office, opened(office), "won")
    assert books(office) == {"1050": 88_500, "6110": 1_500, "2100": -90_000}
    assert (shown(office)["state"], shown(office)["lost_cents"]) == ("won", 0)


def test_a_fee_that_is_returned_is_no_cost(office, payment):
    decided(office, opened(office), "won", fee_returned=True)
    assert books(office) == {"1050": 90_000, "2100": -90_000}


def test_a_lost_dispute_takes_what_was_paid_ahead_then_what_was_earned(office, bill, payment):
    give_first(office, bill)
    decided(office, opened(office), "lost")
    assert books(office) == {"1050": -1_500, "4000": -45_000, "6110": 1_500, "6210": 45_000}
    assert shown(office)["lost_cents"] == 90_000
    states = [office.get(f"/sessions/{each}").json()["state"] for each in bill.session_ids]
    assert states == ["given", "cancelled"]
    assert office.get(f"/invoices/{bill.invoice.id}").json()["state"] == "paid"


def test_a_lost_dispute_takes_credit_first(office, bill, payment):
    give_first(office, bill)
    office.database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[1], actor=SYSTEM, now=NOW)
    )
    decided(office, opened(office, amount=60_000), "lost")
    assert books(office) == {"1050": 28_500, "4000": -45_000, "6110": 1_500, "6210": 15_000}
    assert office.get(f"/patients/{bill.patient.id}/credits").json()["available_cents"] == 0


def test_of_a_dispute_won_in_part_the_rest_is_lost(office, bill, payment):
    give_first(office, bill)
    decided(office, opened(office), "won", amount=70_000)
    assert books(office) == {"1050": 68_500, "2100": -25_000, "4000": -45_000, "6110": 1_500}
    assert (shown(office)["state"], shown(office)["lost_cents"]) == ("won", 20_000)
    kinds = {task["kind"] for task in office.get("/tasks").json()["items"]}
    assert "dispute-sessions-unpaid" in kinds


def test_an_inquiry_moves_and_blocks_nothing_until_it_becomes_a_dispute(office, bill, payment):
    inquiry = opened(office, inquiry=True)
    assert books(office) == {"1050": 90_000, "2100": -90_000}
    with office.database.reading() as read:
        assert disputed_payments(read, bill.patient.id) == frozenset()
    office.sandbox.control("escalate-dispute", dispute=inquiry["id"])
    until(office, "charge.dispute.funds_withdrawn")
    assert books(office)["1070"] == 90_000
    with office.database.reading() as read:
        assert disputed_payments(read, bill.patient.id) == {payment["id"]}


def test_an_inquiry_that_is_closed_moved_nothing(office, payment):
    decided(office, opened(office, inquiry=True), "lost")
    assert books(office) == {"1050": 90_000, "2100": -90_000}
    assert (shown(office)["state"], shown(office)["lost_cents"]) == ("closed", 0)


def test_while_a_payment_is_disputed_nothing_goes_back_to_that_patient(office, bill, payment):
    office.database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[1], actor=SYSTEM, now=NOW)
    )
    (lot,) = office.get(f"/patients/{bill.patient.id}/credits").json()["items"]
    ask = {"amount_cents": 10_000, "available_cents": 45_000, "payment_id": payment["id"]}
    dispute = opened(office, amount=20_000)
    for number, body in enumerate((ask, ask | {"payment_id": None})):
        refused = office.post(f"/credits/{lot['id']}/refunds", body, key=f"r{number}")
        assert (refused.status_code, refused.json()["code"]) == (409, "payment-disputed"), refused.text
        assert refused.json()["payment_ids"] == [payment["id"]]
    decided(office, dispute, "won")
    assert office.post(f"/credits/{lot['id']}/refunds", ask, key="again").status_code == 201


@pytest.mark.parametrize("seed", range(3))
def test_the_same_notices_in_any_order_and_however_often_post_once(office, bill, payment, seed):
    give_first(office, bill)
    dispute = opened(office)
    decided(office, dispute, "lost")
    before = books(office)
    notices = [f"charge.dispute.{kind}" for kind in KINDS] * 2
    random.Random(seed).shuffle(notices)
    for kind in notices:
        office.hear(kind, dispute["id"])
    assert books(office) == before
    assert len(office.get("/disputes").json()["items"]) == 1


def test_a_dispute_first_heard_of_when_it_was_lost_ends_the_same(office, bill, payment):
    give_first(office, bill)
    dispute = office.sandbox.control("open-dispute", charge=charge_of(office), reason="general")
    office.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    office.hear("charge.dispute.closed", dispute["id"])
    assert books(office) == {"1050": -1_500, "4000": -45_000, "6110": 1_500, "6210": 45_000}
