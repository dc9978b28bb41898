"""Card money over real HTTP: the page, the webhook, the books, and what goes wrong in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.flows.resolve import resolve
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.refunds import find_refund
from tests.conftest import NOW
from tests.factories.invoices import billed
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page, sdk_client

pytestmark = pytest.mark.processes


def books(office: Office):
    with office.database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def pay(office: Office, bill, *, key="k1", card="4242424242424242"):
    """Start a checkout and pay on its page; the worker has not looked yet."""
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key=key)
    assert checkout.status_code == 201, checkout.text
    return checkout.json(), pay_on_card_page(checkout.json()["url"], card)


def until_kept(office: Office, kind: str, count: int = 1) -> None:
    """Webhooks come by themselves within a moment; each look is a fresh read."""
    waiting = threading.Event()
    for _ in range(400):
        if len(office.kept(kind)) >= count:
            return
        waiting.wait(0.05)
    raise AssertionError(f"no {kind} came")


PAID = {"1050": 45_000 - 1_335, "2100": -45_000, "6100": 1_335}


def test_a_card_pays_the_bill_and_its_fee_is_booked(office, bill):
    checkout, back = pay(office, bill)
    assert back.endswith("/pay/thanks")
    until_kept(office, "checkout.session.completed")
    office.work()
    assert books(office) == PAID
    assert office.get(f"/checkouts/{checkout['id']}").json()["state"] == "paid"
    assert office.get(f"/invoices/{bill.invoice.id}").json()["state"] == "paid"


def test_a_declined_card_moves_nothing_and_the_payer_tries_another(office, bill):
    checkout, back = pay(office, bill, card="4000000000000002")
    assert back is None
    office.work()
    assert books(office) == {}
    assert pay_on_card_page(checkout["url"])
    until_kept(office, "checkout.session.completed")
    office.work()
    assert books(office) == PAID


def test_twenty_clicks_at_once_are_one_page(office, bill):
    def click(number):
        return office.post(f"/invoices/{bill.invoice.id}/checkouts", key=f"click-{number}")

    with ThreadPoolExecutor(8) as clicks:
        answers = list(clicks.map(click, range(20)))
    pages = {answer.json()["url"] for answer in answers if answer.status_code == 201}
    assert len(pages) == 1
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len({request["idempotency_key"] for request in created_sessions(office)}) == 1


def created_sessions(office: Office):
    return [each for each in office.sandbox.requests("/v1/checkout/sessions") if each["method"] == "POST"]


def test_an_answer_that_was_lost_is_found_again_under_the_same_key(office, bill):
    office.sandbox.control("lose-response", path="/v1/checkout/sessions", times=1)
    lost = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1")
    assert (lost.status_code, lost.json()["code"]) == (503, "processor-unavailable")
    again = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1")
    assert again.status_code == 201
    keys = [request["idempotency_key"] for request in created_sessions(office)]
    assert keys == [again.json()["id"]] * 2


def test_an_answer_that_was_lost_a_day_ago_is_looked_up_not_sent_again(office, bill, clock_file):
    office.sandbox.control("lose-response", path="/v1/checkout/sessions", times=1)
    office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1")
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    assert resolve(office.room).unknown == 0
    assert len(created_sessions(office)) == 1
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k2").status_code == 201


def test_the_same_notice_however_often_and_in_any_order_pays_once(office, bill):
    office.sandbox.control("duplicate-events", on=True)
    pay(office, bill)
    until_kept(office, "checkout.session.completed")
    until_kept(office, "payment_intent.succeeded")
    office.work()
    for reference in {request["path"].split("/")[4] for request in reads_of_sessions(office)}:
        for kind in ("checkout.session.expired", "checkout.session.completed"):
            office.hear(kind, reference)
    assert books(office) == PAID


def reads_of_sessions(office: Office):
    return [each for each in office.sandbox.requests("/v1/checkout/sessions/cs_") if each["method"] == "GET"]


def test_while_a_card_page_stands_nothing_else_settles_or_voids_the_bill(office, bill):
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    for path, body in (("cash-payments", {"amount_cents": 2_500}), ("void", {"reason": "typo"})):
        refused = office.post(f"/invoices/{bill.invoice.id}/{path}", body, key=f"k-{path}")
        assert (refused.status_code, refused.json()["code"]) == (409, "checkout-stands")
        assert refused.json()["checkout_id"] == page["id"]
    office.post(f"/checkouts/{page['id']}/cancel")
    paid = office.post(f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": 2_500}, key="k2")
    assert paid.status_code == 201


def test_a_card_that_pays_a_bill_which_shrank_meanwhile_leaves_credit(office, bill):
    pay(office, bill)
    office.post(f"/sessions/{bill.session_ids[0]}/cancel")
    until_kept(office, "checkout.session.completed")
    office.work()
    assert books(office)["2200"] == -45_000
    with office.database.reading() as read:
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    assert (lot.source, lot.available) == ("overpayment", Money(45_000))


@pytest.fixture
def later_credit(office, bill):
    """Credit that comes to the patient while a card page of the bill stands open."""

    def hold(cents):
        other = billed(office.database, bill.patient, only_first=1)
        office.post(f"/invoices/{other.invoice.id}/cash-payments", {"amount_cents": cents}, key="other")
        assert office.post(f"/sessions/{other.session_ids[0]}/cancel").status_code == 200

    return hold


def test_a_page_is_closed_when_credit_came_and_the_rest_is_asked_on_a_new_one(office, bill, later_credit):
    first = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    later_credit(5_000)
    second = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k3").json()
    assert second["amount_cents"] == 40_000
    assert office.get(f"/checkouts/{first['id']}").json()["state"] == "expired"
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()["id"] == first["id"]


def test_a_page_is_closed_when_credit_pays_the_whole_bill(office, bill, later_credit):
    first = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    later_credit(45_000)
    for _ in range(2):
        second = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k3")
        assert second.status_code == 201
        told = {name: second.json()[name] for name in ("state", "amount_cents", "url")}
        assert told == {"state": "paid", "amount_cents": 0, "url": None}
    assert office.get(f"/checkouts/{first['id']}").json()["state"] == "expired"
    assert office.get(f"/invoices/{bill.invoice.id}").json()["state"] == "paid"


def test_one_checkout_that_cannot_be_told_does_not_keep_the_others_waiting(office, bill, clock_file):
    odd = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    other = billed(office.database, bill.patient, only_first=1)
    paid = office.post(f"/invoices/{other.invoice.id}/checkouts", key="k2").json()
    pay_on_card_page(paid["url"])
    with office.database.write_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE checkout SET reference = 'cs_odd' WHERE id = '{odd['id']}'")
    clock_file.write_text((NOW + timedelta(hours=2)).isoformat())
    assert resolve(office.room).unknown == 1
    assert office.get(f"/checkouts/{paid['id']}").json()["state"] == "paid"


def lose_sight_of(office, table, object_id):
    """As after a mix-up at the processor: what we hold as its reference leads nowhere."""
    with office.database.write_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET reference = 'gone' WHERE id = '{object_id}'")


def asked_about(office):
    tasks = office.get("/tasks?state=open").json()["items"]
    return [task["subject_id"] for task in tasks if task["kind"] == "outcome-unknown"]


def test_a_checkout_that_cannot_be_told_for_a_week_is_one_task_for_a_person(office, bill, clock_file):
    odd = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    lose_sight_of(office, "checkout", odd["id"])
    for days, tasks in ((6, []), (7, [odd["id"]]), (8, [odd["id"]])):
        clock_file.write_text((NOW + timedelta(days=days, minutes=1)).isoformat())
        assert resolve(office.room).unknown == 1
        assert asked_about(office) == tasks


def test_a_cancelled_page_takes_no_money(office, bill):
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert office.post(f"/checkouts/{checkout['id']}/cancel").json()["state"] == "expired"
    assert office.post(f"/checkouts/{checkout['id']}/cancel").json()["state"] == "expired"
    assert books(office) == {}


@pytest.fixture
def credit(office, bill):
    """A paid visit that was cancelled: its price is the patient's credit, the card can take it back."""
    pay(office, bill)
    until_kept(office, "checkout.session.completed")
    office.work()
    assert office.post(f"/sessions/{bill.session_ids[0]}/cancel").status_code == 200
    (lot,) = office.get(f"/patients/{bill.patient.id}/credits").json()["items"]
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    return lot["id"], payment["id"]


def refund(office, credit, cents, *, key="r1", available=45_000):
    lot_id, payment_id = credit
    body = {"amount_cents": cents, "payment_id": payment_id, "available_cents": available}
    return office.post(f"/credits/{lot_id}/refunds", body, key=key)


def test_a_refund_goes_back_to_the_card_once(office, credit):
    asked, again = refund(office, credit, 45_000), refund(office, credit, 45_000)
    assert (asked.status_code, asked.json()) == (201, again.json())
    changed = refund(office, credit, 1, key="r2")
    assert (changed.json()["code"], changed.json()["available_cents"]) == ("refundable-changed", 0)
    assert refund(office, credit, 1, key="r3", available=0).json()["code"] == "more-than-available"
    office.work()
    assert office.get(f"/refunds/{asked.json()['id']}").json()["state"] == "succeeded"
    assert books(office) == {"1050": -1_335, "6100": 1_335}


def test_a_refund_whose_answer_was_lost_is_made_once(office, credit, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds", times=1)
    asked = refund(office, credit, 10_000).json()
    office.work()
    clock_file.write_text((NOW + timedelta(minutes=6)).isoformat())
    assert resolve(office.room).unknown == 0
    assert office.get(f"/refunds/{asked['id']}").json()["state"] == "succeeded"
    sent = [each for each in office.sandbox.requests("/v1/refunds") if each["method"] == "POST"]
    assert {each["idempotency_key"] for each in sent} == {asked["id"]}
    assert books(office)["2200"] == -35_000


def test_a_refund_whose_answer_was_lost_a_day_ago_is_looked_up_not_sent_again(office, credit, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds", times=1)
    asked = refund(office, credit, 10_000).json()
    office.work()
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    assert resolve(office.room).unknown == 0
    assert office.get(f"/refunds/{asked['id']}").json()["state"] == "succeeded"
    sent = [each for each in office.sandbox.requests("/v1/refunds") if each["method"] == "POST"]
    assert [each["idempotency_key"] for each in sent] == [asked["id"]]


def test_a_refund_that_cannot_be_told_for_a_week_is_one_task_for_a_person(office, credit, clock_file):
    asked = refund(office, credit, 10_000).json()
    office.sandbox.control("lose-response", path="/v1/refunds", times=1)
    office.work()
    lose_sight_of(office, "refund", asked["id"])
    with office.database.write_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE refund SET state = 'sent' WHERE id = '{asked['id']}'")
    for days, tasks in ((6, []), (7, [asked["id"]]), (8, [asked["id"]])):
        clock_file.write_text((NOW + timedelta(days=days, minutes=6)).isoformat())
        assert resolve(office.room).unknown == 1
        assert asked_about(office) == tasks


def test_a_refund_that_fails_weeks_later_is_the_patients_credit_again(office, credit):
    asked = refund(office, credit, 45_000).json()
    office.work()
    with office.database.reading() as read:
        reference = find_refund(read, asked["id"], SYSTEM).reference
    office.sandbox.control("fail-refund", refund=reference, reason="expired_or_canceled_card")
    until_kept(office, "refund.failed")
    office.work()
    assert office.get(f"/refunds/{asked['id']}").json()["state"] == "failed"
    (task,) = office.get("/tasks?state=open").json()["items"]
    assert (task["kind"], task["subject_id"]) == ("refund-failed", asked["id"])
    assert books(office)["2200"] == -45_000
    assert refund(office, credit, 45_000, key="r2").status_code == 201


def test_two_clerks_who_give_back_one_payment_at_once_are_one_refund(office, bill):
    pay(office, bill)
    until_kept(office, "checkout.session.completed")
    office.work()
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    shown = office.get(f"/payments/{payment['id']}/refundable").json()
    assert shown["sources"] == [{"kind": "to_come", "id": bill.session_ids[0], "amount_cents": 45_000}]
    body = {"amount_cents": 15_000, "refundable_cents": shown["refundable_cents"], "reason": "cancelled"}

    def click(number):
        return office.post(f"/payments/{payment['id']}/refunds", body, key=f"clerk-{number}")

    with ThreadPoolExecutor(2) as clerks:
        answers = sorted(clerks.map(click, range(2)), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [201, 409]
    refused = answers[1].json()
    assert (refused["code"], refused["refundable_cents"]) == ("refundable-changed", 30_000)
    office.work()
    assert office.get(f"/refunds/{answers[0].json()['id']}").json()["state"] == "succeeded"
    assert books(office)["2100"] == -30_000


def test_a_planned_refund_is_one_call_for_the_card_and_one_check(office, bill):
    pay(office, bill)
    until_kept(office, "checkout.session.completed")
    office.work()
    next_bill = billed(office.database, bill.patient, only_first=1).invoice
    office.post(f"/invoices/{next_bill.id}/cash-payments", {"amount_cents": 45_000}, key="cash")
    plan = office.get(f"/patients/{bill.patient.id}/refund-plan?amount_cents=50000").json()
    assert [(part["method"], part["amount_cents"]) for part in plan["parts"]] == [
        ("card", 45_000),
        ("check", 5_000),
    ]
    body = {"amount_cents": 50_000, "refundable_cents": plan["refundable_cents"], "reason": "cancelled"}
    for _ in range(2):
        asked = office.post(f"/patients/{bill.patient.id}/refunds", body, key="r1").json()["refunds"]
        office.work()
    states = [office.get(f"/refunds/{each['id']}").json()["state"] for each in asked]
    assert states == ["succeeded", "approved"]
    assert [each.amount for each in sdk_client(office.sandbox).refunds.list().data] == [45_000]
    assert books(office)["2210"] == -5_000


def test_the_processor_learns_nothing_of_the_patient(office, credit):
    refund(office, credit, 100)
    office.work()
    told = str(office.sandbox.requests("/")).lower()
    for word in ("maria", "sample", "ketamine", "infusion", "depression", "f32"):
        assert word not in told
