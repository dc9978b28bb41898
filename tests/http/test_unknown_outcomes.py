"""What has no outcome is looked up after five minutes, after an hour, then daily; over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.resolve import resolve, resolve_due
from billing.payments.queries.checkouts import find_checkout
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.sandbox import pay_on_card_page

pytestmark = pytest.mark.processes

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def lost(office):
    """The processor is not there: whether it opened the page nobody here knows."""
    bill = billed(office.database, a_patient(office.database), only_first=1)
    office.sandbox.kill()
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").status_code == 503


def looks(office, clock_file, moments):
    """After which of these spans the worker's round asked the processor."""
    asked = []
    for moment in moments:
        clock_file.write_text((NOW + moment).isoformat())
        if resolve_due(office.room).checkouts:
            asked.append(moment)
    return asked


def test_an_outcome_is_looked_for_after_five_minutes_an_hour_and_then_daily(office, lost, clock_file):
    every_five_minutes = [5 * MINUTE * n for n in range(1, 40)]
    assert looks(office, clock_file, every_five_minutes) == [10 * MINUTE, HOUR]
    every_hour = [n * HOUR for n in range(5, 80)]
    assert looks(office, clock_file, every_hour) == [DAY + HOUR, 2 * DAY + HOUR, 3 * DAY + HOUR]


def test_a_person_who_cannot_wait_looks_at_once(office, lost, clock_file):
    clock_file.write_text((NOW + 10 * MINUTE).isoformat())
    assert (resolve_due(office.room).unknown, resolve_due(office.room).checkouts) == (1, 0)
    assert resolve(office.room).checkouts == 1


def test_the_moments_of_looking_outlive_the_worker(office, lost, clock_file):
    clock_file.write_text((NOW + 10 * MINUTE).isoformat())
    assert resolve_due(office.room).unknown == 1
    again = type(office.room)(office.database, office.room.gateway, office.room.clock)
    assert resolve_due(again).checkouts == 0


def test_what_may_have_been_sent_as_its_key_ran_out_is_not_closed_before_it_can_have_arrived(
    office, clock_file
):
    bill = billed(office.database, a_patient(office.database), only_first=1)
    office.sandbox.control("lose-response", path="/v1/checkout/sessions", when="before")
    lost = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1")
    assert lost.status_code == 503
    cash = {"amount_cents": 45_000}
    standing = office.post(f"/invoices/{bill.invoice.id}/cash-payments", cash, key="k2").json()["checkout_id"]
    clock_file.write_text((NOW + DAY + MINUTE).isoformat())
    early = office.post(f"/checkouts/{standing}/cancel")
    assert (early.status_code, early.json()["code"]) == (503, "processor-unavailable")
    assert resolve(office.room).unknown == 1
    assert office.get(f"/checkouts/{standing}").json()["state"] == "created"
    clock_file.write_text((NOW + DAY + 6 * MINUTE).isoformat())
    assert office.post(f"/checkouts/{standing}/cancel").json()["state"] == "expired"


def test_a_refund_does_not_fail_before_what_was_sent_last_can_have_arrived(office, clock_file):
    bill = billed(office.database, a_patient(office.database), only_first=1)
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    pay_on_card_page(page["url"])
    settle_checkout(office.room, reference=standing_reference(office, page["id"]))
    (payment,) = office.get("/payments").json()["items"]
    body = {"amount_cents": 4_000, "refundable_cents": 45_000, "reason": "cancelled"}
    office.sandbox.control("lose-response", path="/v1/refunds", when="before")
    asked = office.post(f"/payments/{payment['id']}/refunds", body, key="r1").json()
    office.work()
    clock_file.write_text((NOW + DAY + MINUTE).isoformat())
    assert resolve(office.room).unknown == 1
    assert office.get(f"/refunds/{asked['id']}").json()["state"] == "approved"
    clock_file.write_text((NOW + DAY + 6 * MINUTE).isoformat())
    assert resolve(office.room).unknown == 0
    assert office.get(f"/refunds/{asked['id']}").json()["state"] == "failed"


def standing_reference(office, checkout_id):
    with office.database.reading() as read:
        return find_checkout(read, checkout_id, SYSTEM).reference
