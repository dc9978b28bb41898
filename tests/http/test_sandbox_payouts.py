"""Payouts at the stand-in: daily by themselves, by hand, and sent back."""

import pytest
import stripe

from tests.factories.sandbox import sdk_client, start_sandbox
from tests.http.test_sandbox_api import NOON_TEXT
from tests.http.test_sandbox_disputes import paid

pytestmark = pytest.mark.processes


@pytest.fixture
def clock(tmp_path):
    file = tmp_path / "clock"
    file.write_text(NOON_TEXT)
    return file


@pytest.fixture
def sandbox(tmp_path, clock):
    running = start_sandbox(tmp_path, "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


def available(client):
    return client.balance.retrieve().available[0].amount


def kinds_about(client, reference):
    events = client.events.list({"type": "payout.*", "limit": 100}).data
    return [event.type for event in reversed(events) if event.data.object["id"] == reference]


def test_what_bypasses_pending_is_available_at_once_and_paid_out_the_same_night(client, clock):
    wanted = {"amount": 10_000, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True}
    made = client.payment_intents.create({**wanted, "expand": ["latest_charge.balance_transaction"]})
    movement = made.latest_charge.balance_transaction
    assert (movement.net, movement.status, movement.available_on) == (9_680, "available", movement.created)
    balance = client.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (9_680, 0)
    clock.write_text("2026-11-03T00:00:00+00:00")
    assert [payout.amount for payout in client.payouts.list().data] == [9_680]


def test_each_midnight_pays_out_what_settled(client, clock):
    first = paid(client, 10_000)
    clock.write_text("2026-11-03T12:00:00+00:00")
    paid(client, 20_000)
    client.refunds.create({"charge": first.id, "amount": 1_000})
    clock.write_text("2026-11-04T11:00:00+00:00")
    (payout,) = client.payouts.list().data
    assert (payout.amount, payout.automatic, payout.status) == (10_000 - 320 - 1_000, True, "in_transit")
    assert payout.created == 1_793_750_400
    assert payout.arrival_date == payout.created + 24 * 3600
    clock.write_text("2026-11-09T00:00:00+00:00")
    second, paid_before = client.payouts.list().data
    assert (second.amount, paid_before.id) == (20_000 - 610, payout.id)
    assert [each.status for each in (second, paid_before)] == ["paid", "paid"]
    assert kinds_about(client, payout.id) == [
        "payout.created", "payout.paid", "payout.reconciliation_completed",
    ]  # fmt: skip
    inside = client.balance_transactions.list({"payout": payout.id}).data
    assert sorted(movement.type for movement in inside) == ["charge", "payout", "refund"]
    assert sum(movement.net for movement in inside) == 0
    assert available(client) == 0


def test_a_manual_payout_takes_no_more_than_is_available(client, sandbox, clock):
    sandbox.control("payout-schedule", schedule="manual")
    paid(client, 10_000)
    with pytest.raises(stripe.InvalidRequestError) as pending:
        client.payouts.create({"amount": 1, "currency": "usd"})
    assert pending.value.code == "balance_insufficient"
    clock.write_text("2026-11-05T12:00:00+00:00")
    payout = client.payouts.create({"amount": 9_000, "currency": "usd", "metadata": {"why": "rent"}})
    assert (payout.status, payout.automatic, available(client)) == ("pending", False, 680)
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic"):
        client.balance_transactions.list({"payout": payout.id})
    clock.write_text("2026-11-07T00:00:00+00:00")
    assert client.payouts.retrieve(payout.id).status == "paid"
    assert kinds_about(client, payout.id) == ["payout.created", "payout.updated", "payout.paid"]


def test_a_canceled_payout_gives_the_money_back(client, sandbox, clock):
    sandbox.control("payout-schedule", schedule="manual")
    paid(client, 10_000)
    clock.write_text("2026-11-05T12:00:00+00:00")
    payout = client.payouts.create({"amount": 9_000, "currency": "usd"})
    assert client.payouts.cancel(payout.id).status == "canceled"
    assert available(client) == 9_680
    with pytest.raises(stripe.InvalidRequestError):
        client.payouts.cancel(payout.id)


def test_a_failed_payout_is_available_again_and_leaves_with_the_next(client, sandbox, clock):
    paid(client, 10_000)
    clock.write_text("2026-11-04T12:00:00+00:00")
    (payout,) = client.payouts.list().data
    sandbox.control("fail-payout", payout=payout.id, reason="account_closed")
    failed = client.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    movement = failed.failure_balance_transaction
    assert (movement.type, movement.reporting_category, movement.net) == (
        "payout_failure", "payout_reversal", 9_680,
    )  # fmt: skip
    assert kinds_about(client, payout.id)[-1] == "payout.failed"
    assert available(client) == 9_680
    again = sandbox.control("pay-out")
    assert (again["amount"], again["status"]) == (9_680, "paid")
    inside = client.balance_transactions.list({"payout": again["id"]}).data
    assert sorted(movement.type for movement in inside) == ["payout", "payout_failure"]


def test_nothing_is_paid_out_while_disputes_took_more_than_is_there(client, sandbox, clock):
    charge = paid(client, 10_000)
    clock.write_text("2026-11-05T12:00:00+00:00")
    assert len(client.payouts.list().data) == 1
    sandbox.control("open-dispute", charge=charge.id)
    assert available(client) == -11_500
    assert sandbox.control("pay-out") is None
    clock.write_text("2026-11-09T12:00:00+00:00")
    assert len(client.payouts.list().data) == 1


def test_balance_transactions_are_filtered_as_the_processor_does(client, clock):
    charge = paid(client, 10_000)
    clock.write_text("2026-11-03T12:00:00+00:00")
    refund = client.refunds.create({"charge": charge.id, "amount": 500})
    clock.write_text("2026-11-04T12:00:00+00:00")

    def found(**filters):
        return [moved.source for moved in client.balance_transactions.list(filters).auto_paging_iter()]

    (payout,) = client.payouts.list().data
    assert found() == [payout.id, refund.id, charge.id]
    assert found(type="refund") == found(source=refund.id) == [refund.id]
    assert found(created={"gte": charge.created + 1, "lt": payout.created}) == [refund.id]
    assert found(created=charge.created) == [charge.id]
    assert found(limit=1) == [payout.id, refund.id, charge.id]
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        found(payout="po_nowhere")
    assert unknown.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError):
        found(currency="eur")


def test_payouts_survive_a_kill_and_days_in_which_nothing_ran(client, sandbox, clock):
    paid(client, 10_000)
    sandbox.kill()
    clock.write_text("2026-11-20T12:00:00+00:00")
    sandbox.start()
    (payout,) = client.payouts.list().data
    assert (payout.amount, payout.created, payout.status) == (9_680, 1_793_750_400, "paid")
    assert sandbox.state()["totals"]["paid_out"] == 9_680
