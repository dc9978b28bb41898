"""A refund that was approved while nothing ran to send it: days later it is sent, once, and not given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.payments.flows.resolve import resolve, resolve_due
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.sandbox import pay_on_card_page

pytestmark = pytest.mark.processes
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CALLED = NOW + DAY + timedelta(hours=1)
"""When the worker runs again."""


@pytest.fixture
def approved(office, bill):
    """$40.00 of a paid visit are to go back to the card; no worker runs."""
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    pay_on_card_page(page["url"])
    office.work()
    (payment,) = office.get("/payments").json()["items"]
    body = {"amount_cents": 4_000, "refundable_cents": 45_000, "reason": "cancelled"}
    return office.post(f"/payments/{payment['id']}/refunds", body, key="r1").json()["id"]


def state_of(office, refund_id):
    return office.get(f"/refunds/{refund_id}").json()["state"]


def sent(office):
    return [each for each in office.sandbox.requests("/v1/refunds") if each["method"] == "POST"]


def failed(office):
    return [each for each in office.get("/tasks").json()["items"] if each["kind"] == "refund-failed"]


@pytest.mark.parametrize("work", [lambda office: office.work(), lambda office: resolve(office.room)])
def test_it_is_sent_when_the_worker_runs_again(office, approved, clock_file, work):
    assert (state_of(office, approved), sent(office)) == ("approved", [])
    clock_file.write_text(CALLED.isoformat())
    work(office)
    assert (state_of(office, approved), len(sent(office)), failed(office)) == ("succeeded", 1, [])


def test_a_first_call_that_never_arrived_is_made_again_under_its_key_for_a_day(office, approved, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds", when="before")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY - MINUTE).isoformat())
    assert resolve(office.room).unknown == 0
    assert state_of(office, approved) == "succeeded"
    assert {each["idempotency_key"] for each in sent(office)} == {approved}


def test_one_that_was_called_late_is_called_again_an_hour_later(office, approved, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds", when="before")
    clock_file.write_text(CALLED.isoformat())
    assert resolve_due(office.room).unknown == 1
    clock_file.write_text((CALLED + 61 * MINUTE).isoformat())
    assert (resolve_due(office.room).refunds, state_of(office, approved)) == (1, "succeeded")


def test_one_that_was_called_before_calls_were_kept_is_looked_up_first(office, approved, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds")
    assert resolve(office.room).unknown == 0
    clock_file.write_text((NOW + 6 * MINUTE).isoformat())
    assert resolve(office.room).unknown == 1
    behind_the_back(office.database, "DELETE FROM state_change WHERE event = 'call'")
    clock_file.write_text(CALLED.isoformat())
    office.work()
    assert (state_of(office, approved), len(sent(office)), failed(office)) == ("succeeded", 1, [])


def test_a_call_whose_answer_was_lost_is_looked_up_once_its_key_is_too_old(office, approved, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY + MINUTE).isoformat())
    assert resolve(office.room).unknown == 0
    assert (state_of(office, approved), len(sent(office)), failed(office)) == ("succeeded", 1, [])


def test_a_call_that_the_processor_does_not_show_fails_once_its_key_is_too_old(office, approved, clock_file):
    office.sandbox.control("lose-response", path="/v1/refunds", when="before")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY + MINUTE).isoformat())
    assert (resolve(office.room).unknown, state_of(office, approved)) == (1, "approved")
    clock_file.write_text((CALLED + DAY + 6 * MINUTE).isoformat())
    assert (resolve(office.room).unknown, state_of(office, approved)) == (0, "failed")
    assert len(failed(office)) == 1
