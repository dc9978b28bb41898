"""Disputes at the stand-in, as the unchanged SDK sees them."""

import io

import pytest
import stripe

from tests.factories.sandbox import sdk_client, start_sandbox
from tests.http.test_sandbox_api import NOON_TEXT

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


@pytest.mark.parametrize("more", [{"amount": 12_000}, {"fee_returned": True}])
def test_of_a_lost_dispute_nothing_can_be_said_to_be_given_back(client, sandbox, more):
    opened = sandbox.control("open-dispute", charge=paid(client).id, reason="fraudulent")
    with pytest.raises(AssertionError, match="Of a lost dispute nothing is given back"):
        sandbox.control("decide-dispute", dispute=opened["id"], outcome="lost", **more)
    assert client.disputes.retrieve(opened["id"]).status == "needs_response"


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


def test_a_published_text_decides(client):
    charge = paid(client, card="pm_card_createDispute")
    (dispute,) = client.disputes.list({"charge": charge.id}).data
    answered = client.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert answered.status == "won"
    assert sum(movement[2] for movement in movements(client, dispute.id)) == 0


def test_evidence_names_files_that_were_uploaded(client, sandbox):
    opened = sandbox.control("open-dispute", charge=paid(client).id)
    packet = io.BytesIO(b"%PDF-1.7 " + b"x" * 1_000_000)
    packet.name = "packet.pdf"
    file = client.files.create({"purpose": "dispute_evidence", "file": packet})
    assert (file.type, file.size, file.filename) == ("pdf", 1_000_009, "packet.pdf")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.disputes.update(opened["id"], {"evidence": {"receipt": "file_nowhere"}})
    assert unknown.value.code == "resource_missing"
    evidence = {"uncategorized_file": file.id, "service_date": "2026-10-01"}
    answered = client.disputes.update(opened["id"], {"evidence": evidence})
    assert answered.status == "under_review"
    assert (answered.evidence.uncategorized_file, answered.evidence_details.submission_count) == (file.id, 1)


def test_an_answer_that_comes_too_late_is_refused(client, sandbox, clock):
    opened = sandbox.control("open-dispute", charge=paid(client).id)
    clock.write_text("2026-11-11T12:00:01+00:00")
    with pytest.raises(stripe.InvalidRequestError, match="time to answer"):
        client.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "Late."}})


def test_an_inquiry_lets_refunds_through_until_it_takes_the_money(client, sandbox):
    charge = paid(client)
    opened = sandbox.control("open-dispute", charge=charge.id, inquiry=True, amount=40_000)
    client.refunds.create({"charge": charge.id, "amount": 5_000})
    sandbox.control("escalate-dispute", dispute=opened["id"])
    with pytest.raises(stripe.InvalidRequestError) as disputed:
        client.refunds.create({"charge": charge.id, "amount": 1})
    assert disputed.value.code == "charge_disputed"
    assert movements(client, opened["id"]) == [("adjustment", "dispute", -40_000, 1_500, -41_500)]


def test_what_was_won_can_be_refunded_and_disputed_again(client, sandbox):
    charge = paid(client)
    opened = sandbox.control("open-dispute", charge=charge.id)
    sandbox.control("decide-dispute", dispute=opened["id"], outcome="won", fee_returned=True)
    assert movements(client, opened["id"])[1] == ("adjustment", "dispute_reversal", 45_000, -1_500, 46_500)
    client.refunds.create({"charge": charge.id, "amount": 45_000})


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


def test_what_was_held_is_disputed_once_it_is_captured(client):
    held = client.payment_intents.create({
        "amount": 10_000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True,
        "capture_method": "manual",
    })  # fmt: skip
    assert client.disputes.list({"payment_intent": held.id}).data == []
    client.payment_intents.capture(held.id, {"amount_to_capture": 6_000})
    (dispute,) = client.disputes.list({"payment_intent": held.id}).data
    assert (dispute.amount, dispute.reason) == (6_000, "fraudulent")


def test_a_bank_takes_no_more_than_the_whole_charge_whatever_went_back(client, sandbox):
    charge = paid(client)
    client.refunds.create({"charge": charge.id, "amount": 40_000})
    with pytest.raises(AssertionError, match="45000 is left"):
        sandbox.control("open-dispute", charge=charge.id, amount=45_001)
    whole = sandbox.control("open-dispute", charge=charge.id, amount=45_000)
    assert movements(client, whole["id"]) == [("adjustment", "dispute", -45_000, 1_500, -46_500)]
    with pytest.raises(AssertionError, match="0 is left"):
        sandbox.control("open-dispute", charge=charge.id, amount=1)


def test_without_an_amount_a_dispute_is_of_what_is_left(client, sandbox):
    charge = paid(client)
    client.refunds.create({"charge": charge.id, "amount": 40_000})
    assert sandbox.control("open-dispute", charge=charge.id)["amount"] == 5_000


def test_an_inquiry_takes_the_whole_charge_though_a_part_went_back_meanwhile(client, sandbox):
    charge = paid(client)
    opened = sandbox.control("open-dispute", charge=charge.id, inquiry=True)
    client.refunds.create({"charge": charge.id, "amount": 5_000})
    sandbox.control("escalate-dispute", dispute=opened["id"])
    assert movements(client, opened["id"]) == [("adjustment", "dispute", -45_000, 1_500, -46_500)]


def test_what_is_accepted_is_lost_and_cannot_be_answered_again(client, sandbox):
    opened = sandbox.control("open-dispute", charge=paid(client).id)
    assert client.disputes.close(opened["id"]).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        client.disputes.close(opened["id"])
    with pytest.raises(stripe.InvalidRequestError):
        client.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "Late."}})
    assert client.disputes.update(opened["id"], {"metadata": {"note": "kept"}}).metadata["note"] == "kept"
