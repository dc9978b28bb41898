"""Disputes at the stand-in, as the unchanged SDK sees them."""

import pytest
import stripe

from tests.factories.sandbox import start_sandbox
from tests.http.test_sandbox_api import NOON_TEXT, client_of

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text(NOON_TEXT)
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return client_of(sandbox)


def paid(client, cents=45_000, card="pm_card_visa"):
    intent = client.payment_intents.create(
        {"amount": cents, "currency": "usd", "payment_method": card, "confirm": True}
    )
    return client.charges.retrieve(intent.latest_charge)


def kinds_about(client, dispute):
    events = client.events.list({"type": "charge.dispute.*", "limit": 100}).data
    return [event.type for event in reversed(events) if event.data.object["id"] == dispute]


def movements(client, dispute):
    return [
        (movement.type, movement.reporting_category, movement.amount, movement.fee, movement.net)
        for movement in reversed(client.balance_transactions.list({"source": dispute}).data)
    ]


def test_a_dispute_takes_its_amount_and_a_fee_and_a_part_won_gives_that_part_back(client, sandbox):
    charge = paid(client)
    opened = sandbox.control("open-dispute", charge=charge.id, amount=30_000, reason="fraudulent")
    assert client.charges.retrieve(charge.id).disputed
    client.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "Attended."}, "submit": False})
    client.disputes.update(opened["id"], {"submit": True})
    assert client.disputes.retrieve(opened["id"]).status == "under_review"
    sandbox.control("decide-dispute", dispute=opened["id"], outcome="won", amount=12_000)
    assert client.disputes.retrieve(opened["id"]).status == "won"
    assert movements(client, opened["id"]) == [
        ("adjustment", "dispute", -30_000, 1_500, -31_500),
        ("adjustment", "dispute_reversal", 12_000, 0, 12_000),
    ]
    assert kinds_about(client, opened["id"]) == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated",
        "charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("card", "reason", "status"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
        ("pm_card_createDisputeInquiry", "general", "warning_needs_response"),
    ],
)
def test_the_published_cards_are_disputed(client, card, reason, status):
    charge = paid(client, card=card)
    (dispute,) = client.disputes.list({"charge": charge.id}).data
    assert (dispute.reason, dispute.status, dispute.amount) == (reason, status, 45_000)
    assert bool(dispute.balance_transactions) == (status == "needs_response")


def test_no_more_is_disputed_than_is_left(client, sandbox):
    charge = paid(client)
    client.refunds.create({"charge": charge.id, "amount": 40_000})
    with pytest.raises(AssertionError, match="5000 is left"):
        sandbox.control("open-dispute", charge=charge.id, amount=5_001)
    sandbox.control("open-dispute", charge=charge.id, amount=5_000)


def test_what_is_accepted_is_lost_and_cannot_be_answered_again(client, sandbox):
    opened = sandbox.control("open-dispute", charge=paid(client).id)
    assert client.disputes.close(opened["id"]).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        client.disputes.close(opened["id"])
    with pytest.raises(stripe.InvalidRequestError):
        client.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "Late."}})
    assert client.disputes.update(opened["id"], {"metadata": {"note": "kept"}}).metadata["note"] == "kept"
