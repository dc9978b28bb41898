"""An amount goes back to a patient over several payments: planned, placed all or none, stale, disputed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import charge_of_payment, list_payments
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.records.refunds import RefundReason
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_plans import refund_patient
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL, a_charge

LIMIT = Money(50_000)
"""That of the application under test."""


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def desk(issue, patient):
    return issue(Role.FRONT_DESK, entity_id=patient.entity_id)


@pytest.fixture
def paid(database, do, patient):
    """450 by an older card, 450 by a newer one, and 450 in cash since; ids in the order of a plan."""
    older, newer = (_by_card(database, do, patient, NOW + timedelta(hours=hours)) for hours in (0, 1))
    bill = billed(database, patient, only_first=1).invoice
    cash = do(take_cash, invoice_id=bill.id, amount=bill.total, now=NOW + timedelta(hours=2))
    return [newer.id, older.id, cash.id]


@pytest.fixture(autouse=True)
def nothing_is_wrong(database):
    yield
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=LIMIT)
    assert [(check.number, check.found) for check in verdict.checks if check.found] == []


def asked(cents, refundable=135_000, **more):
    return {"amount_cents": cents, "refundable_cents": refundable, "reason": "cancelled", **more}


def parts(answer, name="parts"):
    return [(each["payment_id"], each["method"], each["amount_cents"]) for each in answer.json[name]]


def test_a_plan_is_shown_and_placed_as_it_was_shown(desk, patient, paid):
    newer, older, cash = paid
    plan = desk.get(f"/patients/{patient.id}/refund-plan?amount_cents=100000")
    assert (plan.status_code, plan.json["refundable_cents"]) == (200, 135_000)
    assert parts(plan) == [(newer, "card", 45_000), (older, "card", 45_000), (cash, "check", 10_000)]
    first, again = (desk.post(f"/patients/{patient.id}/refunds", asked(100_000), key="k") for _ in range(2))
    assert (first.status_code, first.data) == (201, again.data)
    assert parts(first, "refunds") == parts(plan)
    left = desk.get(f"/patients/{patient.id}/refund-plan")
    assert (left.json["refundable_cents"], parts(left)) == (35_000, [(cash, "check", 35_000)])


def test_chosen_payments_give_alone_and_in_their_order(desk, patient, paid):
    newer, _, cash = paid
    plan = desk.get(f"/patients/{patient.id}/refund-plan?payment_ids={cash}&payment_ids={newer}")
    assert parts(plan) == [(cash, "check", 45_000), (newer, "card", 45_000)]
    body = asked(50_000, plan.json["refundable_cents"], payment_ids=[cash, newer])
    placed = desk.post(f"/patients/{patient.id}/refunds", body)
    assert parts(placed, "refunds") == [(cash, "check", 45_000), (newer, "card", 5_000)]
    assert [each["state"] for each in placed.json["refunds"]] == ["approved"] * 2
    strange = desk.get(f"/patients/{patient.id}/refund-plan?payment_ids=pay_{'0' * 26}")
    assert (strange.status_code, strange.json["code"]) == (404, "no-such-payment")


def test_who_was_shown_an_old_amount_is_told_the_new_one_and_nothing_moves(desk, patient, paid):
    path = f"/patients/{patient.id}/refunds"
    assert desk.post(path, asked(1_000)).status_code == 201
    stale = desk.post(path, asked(1_000))
    assert (stale.status_code, stale.json["code"]) == (409, "refundable-changed")
    assert stale.json["refundable_cents"] == 134_000
    assert len(desk.get("/refunds").json["items"]) == 1


def test_of_two_clerks_at_one_moment_one_gets_it(database_url, desk, patient, paid):
    told = at_once(database_url, _ask_for_two_parts, [(patient.id,)] * 2)
    assert sorted(told) == ["done", "refundable-changed"]
    assert [each["amount_cents"] for each in desk.get("/refunds").json["items"]] == [5_000, 45_000]


def test_more_than_there_is_is_refused_before_anything_is_asked_for(desk, patient, paid):
    over = desk.post(f"/patients/{patient.id}/refunds", asked(135_001))
    assert (over.status_code, over.json["code"]) == (409, "more-than-available")
    assert over.json["available_cents"] == 135_000
    shown = desk.get(f"/patients/{patient.id}/refund-plan?amount_cents=135001")
    assert (shown.status_code, shown.json["available_cents"]) == (409, 135_000)
    assert desk.get("/refunds").json["items"] == []


def test_parts_wait_for_a_second_person_when_the_whole_does(desk, patient, paid):
    """Each part alone would be small enough to approve itself."""
    assert Money(45_000) <= LIMIT < Money(135_000)
    placed = desk.post(f"/patients/{patient.id}/refunds", asked(135_000)).json["refunds"]
    assert [each["state"] for each in placed] == ["requested"] * 3


def test_a_disputed_payment_is_left_out_of_the_plan_and_refunds_wait(database, do, desk, patient, paid):
    newer, older, cash = paid
    _dispute(database, do, newer)
    plan = desk.get(f"/patients/{patient.id}/refund-plan")
    assert parts(plan) == [(older, "card", 45_000), (cash, "check", 45_000)]
    assert plan.json["disputed_payment_ids"] == [newer]
    waits = desk.post(f"/patients/{patient.id}/refunds", asked(1_000, 90_000))
    assert (waits.status_code, waits.json["code"]) == (409, "payment-disputed")
    assert desk.get("/refunds").json["items"] == []


def test_a_payment_of_whom_a_bank_disputes_one_says_that_nothing_can_go_back_and_why(
    database, do, desk, paid
):
    newer, older, _ = paid
    free = desk.get(f"/payments/{older}/refundable").json
    assert (free["refundable_cents"], free["blocked_by"], free["blocked_reason"]) == (45_000, None, None)
    _dispute(database, do, newer)
    for payment_id in (newer, older):
        shown = desk.get(f"/payments/{payment_id}/refundable").json
        assert (shown["refundable_cents"], shown["sources"]) == (0, [])
        assert shown["blocked_by"] == "payment-disputed"
        assert (
            shown["blocked_reason"] == "A bank disputes a payment of this patient. Wait until it has decided."
        )
        body = {"amount_cents": 1_000, "refundable_cents": 0, "reason": "other"}
        refused = desk.post(f"/payments/{payment_id}/refunds", body)
        assert (refused.status_code, refused.json["code"]) == (409, "payment-disputed")


def test_only_disputed_money_is_no_plan(database, do, desk, patient):
    only = _by_card(database, do, patient, NOW).id
    _dispute(database, do, only)
    shown = desk.get(f"/patients/{patient.id}/refund-plan")
    refused = desk.post(f"/patients/{patient.id}/refunds", asked(1_000, 45_000))
    for answer in (shown, refused):
        assert (answer.status_code, answer.json["code"]) == (409, "payment-disputed")
        assert answer.json["payment_ids"] == [only]


def _by_card(database, do, patient, now):
    bill = billed(database, patient, only_first=1).invoice
    page = do(begin_checkout, invoice_id=bill.id, return_url=RETURN_URL, request=None)
    do(
        pay_checkout,
        checkout_id=page.id,
        reference=f"cs_{page.id}",
        charge=a_charge(page.id, page.amount, now, fee=ZERO),
        now=now,
    )
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=bill.id, limit=1)[0]


def _dispute(database, do, payment_id):
    """The bank took 450 and a fee of 15."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment_id)
    amount = Money(45_000)
    took = DisputeMovementFacts(
        reference="txn_took", reporting_category="dispute", amount=-amount, fee=Money(1_500), moved_at=NOW
    )
    facts = DisputeFacts(
        reference="du_1",
        charge_reference=charge,
        told=DisputeEvent.DISPUTE,
        reason="fraudulent",
        amount=amount,
        due_at=NOW + timedelta(days=9),
        opened_at=NOW,
        movements=(took,),
    )
    do(record_dispute, facts=facts)


def _ask_for_two_parts(database, patient_id):
    """In a process of its own."""
    database.in_transaction(
        lambda tx: refund_patient(
            tx,
            patient_id=patient_id,
            amount=Money(50_000),
            refundable=Money(135_000),
            reason=RefundReason.CANCELLED,
            chosen=None,
            limit=LIMIT,
            actor=SYSTEM,
            now=NOW,
        )
    )
    return "done"
