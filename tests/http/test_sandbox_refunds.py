"""What becomes of refunds at the stand-in, as the unchanged SDK sees them."""

import pytest
import stripe

from tests.factories.sandbox import sdk_client, start_sandbox
from tests.http.test_sandbox_api import NOON_TEXT
from tests.http.test_sandbox_disputes import paid

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, clock):
    clock.write_text(NOON_TEXT)
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox, clock):
    clock.write_text(NOON_TEXT)
    return sdk_client(sandbox)


def kinds_about(client, reference):
    events = client.events.list({"limit": 100}).data
    return [event.type for event in reversed(events) if event.data.object["id"] == reference]


def test_the_pending_card_refunds_a_minute_later(client, clock):
    refund = client.refunds.create({"charge": paid(client, card="pm_card_pendingRefund").id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    clock.write_text("2026-11-02T12:01:00+00:00")
    assert client.refunds.retrieve(refund.id).status == "succeeded"
    assert kinds_about(client, refund.id) == ["refund.created", "refund.updated", "charge.refund.updated"]


def test_the_failing_card_gives_a_refund_back_and_it_can_be_refunded_again(client, clock):
    charge = paid(client, card="pm_card_refundFail")
    refund = client.refunds.create({"charge": charge.id, "amount": 10_000})
    assert refund.status == "succeeded"
    clock.write_text("2026-11-02T12:01:00+00:00")
    failed = client.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    movement = failed.failure_balance_transaction
    assert (movement.type, movement.reporting_category) == ("refund_failure", "refund_failure")
    assert (movement.amount, movement.fee, movement.source) == (10_000, 0, refund.id)
    assert kinds_about(client, refund.id) == [
        "refund.created", "refund.updated", "refund.failed", "charge.refund.updated",
    ]  # fmt: skip
    assert client.charges.retrieve(charge.id).amount_refunded == 0
    assert client.refunds.create({"charge": charge.id}).amount == 45_000


def test_each_refund_tells_of_the_charge(client):
    charge = paid(client)
    client.refunds.create({"charge": charge.id, "amount": 40_000})
    client.refunds.create({"charge": charge.id})
    told = [
        (event.data.object["amount_refunded"], event.data.object["refunded"])
        for event in client.events.list({"type": "charge.refunded", "limit": 2}).data
    ]
    assert told == [(45_000, True), (40_000, False)]


def test_a_pending_refund_is_canceled_from_the_dashboard_and_by_nobody_else(client, sandbox):
    charge = paid(client, card="pm_card_pendingRefund")
    refund = client.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.cancel(refund.id)
    sandbox.control("cancel-refund", refund=refund.id)
    canceled = client.refunds.retrieve(refund.id)
    assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
    moved = client.balance_transactions.list({"source": refund.id}).data
    assert sum(movement.net for movement in moved) == 0
    with pytest.raises(AssertionError, match="canceled"):
        sandbox.control("fail-refund", refund=refund.id)


def test_a_refund_fails_a_month_later_and_only_once(client, sandbox, clock):
    refund = client.refunds.create({"charge": paid(client).id, "amount": 1_000})
    clock.write_text("2026-12-02T12:00:00+00:00")
    sandbox.control("fail-refund", refund=refund.id, reason="lost_or_stolen_card")
    assert client.refunds.retrieve(refund.id).failure_reason == "lost_or_stolen_card"
    with pytest.raises(AssertionError, match="failed"):
        sandbox.control("fail-refund", refund=refund.id)


def test_refunds_are_listed_by_what_they_gave_back(client):
    charge = paid(client)
    made = [client.refunds.create({"charge": charge.id, "amount": 100}).id for _ in range(3)]
    page = client.refunds.list({"charge": charge.id, "limit": 2})
    assert [refund.id for refund in page.auto_paging_iter()] == made[::-1]
    by_intent = client.refunds.list({"payment_intent": charge.payment_intent})
    assert len(by_intent.data) == 3


def test_a_refund_keeps_what_is_noted_on_it(client):
    refund = client.refunds.create({"charge": paid(client).id, "metadata": {"operation": "op_1"}})
    noted = client.refunds.update(refund.id, {"metadata": {"seen": "yes"}})
    assert noted.metadata.to_dict() == {"operation": "op_1", "seen": "yes"}
