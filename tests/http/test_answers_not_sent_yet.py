"""An answer to a bank that was ordered while nothing ran to send it: days later it is sent, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.resolve import resolve
from billing.payments.queries.dispute_answers import list_answers
from tests.conftest import NOW
from tests.factories.sandbox import pay_on_card_page
from tests.http.test_disputes import opened

pytestmark = pytest.mark.processes
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CALLED = NOW + DAY + timedelta(hours=1)
"""When the worker runs again."""


@pytest.fixture
def paid(office, bill):
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    pay_on_card_page(page["url"])
    office.work()


@pytest.fixture
def dispute(office, paid):
    """A bank took $50.00 back."""
    opened(office, amount=5_000)
    return shown(office)


@pytest.fixture
def evidence(office, dispute):
    """It waits to be sent; its PDF is drawn."""
    return ordered(office, dispute)


def ordered(office, dispute):
    packet = office.post(f"/disputes/{dispute['id']}/evidence", {}, key="d").json()
    office.work()
    office.post(f"/disputes/{dispute['id']}/answers/{packet['id']}/submit", {}, key="s")
    return packet["id"]


def shown(office):
    (found,) = office.get("/disputes").json()["items"]
    return found


def state_of(office, answer_id):
    every = office.get(f"/disputes/{shown(office)['id']}/answers").json()["items"]
    return {each["id"]: each["state"] for each in every}[answer_id]


def sent(office):
    return [each for each in office.sandbox.requests("/v1/disputes") if each["method"] == "POST"]


def tasks(office):
    return {each["kind"] for each in office.get("/tasks?state=open").json()["items"]}


@pytest.mark.parametrize("work", [lambda office: office.work(), lambda office: resolve(office.room)])
def test_evidence_is_sent_when_the_worker_runs_again(office, evidence, clock_file, work):
    assert (state_of(office, evidence), sent(office)) == ("sending", [])
    clock_file.write_text(CALLED.isoformat())
    work(office)
    assert (state_of(office, evidence), len(sent(office)), tasks(office)) == ("sent", 1, set())
    assert shown(office)["state"] == "under_review"


def test_what_is_given_up_is_given_up_when_the_worker_runs_again(office, dispute, clock_file):
    answer = office.post(f"/disputes/{dispute['id']}/accept", {"amount_cents": 5_000}, key="a").json()
    clock_file.write_text(CALLED.isoformat())
    office.work()
    assert (state_of(office, answer["id"]), len(sent(office))) == ("sent", 1)
    assert "dispute-answer-refused" not in tasks(office)
    assert shown(office)["state"] == "lost"


def test_a_first_call_that_never_arrived_is_made_again_under_its_key_for_a_day(office, evidence, clock_file):
    office.sandbox.control("lose-response", path="/v1/disputes", when="before")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY - MINUTE).isoformat())
    assert resolve(office.room).unknown == 0
    assert state_of(office, evidence) == "sent"
    assert {each["idempotency_key"] for each in sent(office)} == {evidence}


def test_a_call_whose_answer_was_lost_is_looked_up_once_its_key_is_too_old(office, evidence, clock_file):
    office.sandbox.control("lose-response", path="/v1/disputes")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY + MINUTE).isoformat())
    assert resolve(office.room).unknown == 0
    assert (state_of(office, evidence), len(sent(office))) == ("sent", 1)


def test_a_call_that_the_processor_does_not_show_is_refused_once_its_key_is_too_old(
    office, evidence, clock_file
):
    office.sandbox.control("lose-response", path="/v1/disputes", when="before")
    clock_file.write_text(CALLED.isoformat())
    assert resolve(office.room).unknown == 1
    clock_file.write_text((CALLED + DAY + MINUTE).isoformat())
    assert (resolve(office.room).unknown, state_of(office, evidence)) == (1, "sending")
    clock_file.write_text((CALLED + DAY + 6 * MINUTE).isoformat())
    assert (resolve(office.room).unknown, state_of(office, evidence)) == (0, "refused")
    assert "dispute-answer-refused" in tasks(office)


def test_what_was_to_answer_an_inquiry_and_left_after_the_money_answers_the_dispute(office, paid, clock_file):
    asked = opened(office, amount=5_000, inquiry=True)
    answer = ordered(office, shown(office))
    office.sandbox.control("escalate-dispute", dispute=asked["id"])
    follow_dispute(office.room, reference=asked["id"])
    refused = office.post(f"/disputes/{shown(office)['id']}/evidence", {}, key="second")
    assert (refused.status_code, refused.json()["code"]) == (409, "dispute-answered"), refused.text
    clock_file.write_text(CALLED.isoformat())
    office.work()
    assert (state_of(office, answer), shown(office)["state"]) == ("sent", "under_review")
    assert tasks(office) == set()
    with office.database.reading() as read:
        (kept,) = list_answers(read, shown(office)["id"], SYSTEM)
    assert not kept.was_to_the_inquiry
