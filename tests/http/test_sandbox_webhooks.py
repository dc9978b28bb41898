"""Events leave signed, again and again until they are taken, whatever is restarted meanwhile."""

import pytest
import stripe

from tests.factories import loopback
from tests.factories.sandbox import pay_on_card_page, start_sandbox
from tests.factories.webhooks import Listener

pytestmark = pytest.mark.processes

NOON = 1_793_620_800


@pytest.fixture
def listener():
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def clock(tmp_path):
    file = tmp_path / "clock"
    file.write_text("2026-11-02T12:00:00+00:00")
    return file


@pytest.fixture
def sandbox(tmp_path, listener, clock):
    running = start_sandbox(tmp_path, listener.url, clock)
    yield running
    running.stop()


def post(sandbox, path, **body):
    answer = loopback.post(
        sandbox.url + path, data=body, headers={"Authorization": f"Bearer {sandbox.secret_key}"}
    )
    return answer.json()


def new_intent(sandbox):
    """The smallest thing that makes an event: one `payment_intent.created`."""
    return post(sandbox, "/v1/payment_intents", amount="1000", currency="usd")["id"]


def new_session(sandbox):
    return post(sandbox, "/v1/checkout/sessions", **{
        "mode": "payment",
        "success_url": "http://127.0.0.1/paid?id={CHECKOUT_SESSION_ID}",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "45000",
        "line_items[0][price_data][product_data][name]": "Clinic services",
    })  # fmt: skip


def test_a_payment_is_announced_in_order_and_signed_by_the_clinics_clock(sandbox, listener):
    session = new_session(sandbox)
    assert pay_on_card_page(session["url"]) == f"http://127.0.0.1/paid?id={session['id']}"
    webhooks = [listener.next() for _ in range(5)]
    assert [webhook.event["type"] for webhook in webhooks] == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
        "checkout.session.completed", "charge.updated",
    ]  # fmt: skip
    for webhook in webhooks:
        assert webhook.path == "/webhooks/stripe"
        assert webhook.signature.startswith(f"t={NOON},v1=")
        assert stripe.WebhookSignature.verify_header(webhook.body, webhook.signature, sandbox.webhook_secret)
        assert webhook.event["created"] == NOON
        assert webhook.event["livemode"] is False
    completed = webhooks[3].event["data"]["object"]
    assert (completed["id"], completed["payment_status"]) == (session["id"], "paid")
    assert not [name for name in completed if name.startswith("_")]


def test_the_charge_is_announced_before_it_is_booked(sandbox, listener):
    pay_on_card_page(new_session(sandbox)["url"])
    assert listener.next_of("charge.succeeded")["data"]["object"]["balance_transaction"] is None
    assert listener.next_of("charge.updated")["data"]["object"]["balance_transaction"].startswith("txn_")


def test_a_webhook_is_sent_until_it_is_taken(sandbox, listener):
    listener.answers.extend([500, 302, 404])
    new_intent(sandbox)
    webhooks = [listener.next() for _ in range(4)]
    assert len({webhook.event["id"] for webhook in webhooks}) == 1
    new_intent(sandbox)
    assert listener.next().event["id"] != webhooks[0].event["id"]


def test_webhooks_wait_while_nobody_listens_and_survive_a_restart(sandbox, listener):
    port = listener.port
    sandbox.control("hold-events")
    first = new_intent(sandbox)
    sandbox.kill()
    sandbox.start()
    assert sandbox.state()["undelivered_events"] == 1
    listener.close()
    sandbox.control("release-events")
    later = Listener(port)
    try:
        assert later.next().event["data"]["object"]["id"] == first
    finally:
        later.close()


def test_events_can_be_sent_twice_again_and_in_reverse(sandbox, listener):
    sandbox.control("duplicate-events", on=True)
    new_intent(sandbox)
    first, second = listener.next(), listener.next()
    assert first.body == second.body
    sandbox.control("duplicate-events", on=False)
    sandbox.control("resend-event", event=first.event["id"])
    assert listener.next().event["id"] == first.event["id"]
    sandbox.control("hold-events")
    intents = [new_intent(sandbox) for _ in range(3)]
    sandbox.control("release-events", order="reversed")
    assert [listener.next().event["data"]["object"]["id"] for _ in range(3)] == intents[::-1]


def test_an_expired_session_is_announced_by_itself_when_the_clock_moves(sandbox, listener, clock):
    session = new_session(sandbox)
    clock.write_text("2026-11-03T12:00:00+00:00")
    expired = listener.next_of("checkout.session.expired")
    assert expired["data"]["object"]["id"] == session["id"]
    assert expired["request"]["id"] is None


def test_a_refund_and_its_failure_are_announced(sandbox, listener):
    pay_on_card_page(new_session(sandbox)["url"])
    charge = listener.next_of("charge.updated")["data"]["object"]["id"]
    refund = post(sandbox, "/v1/refunds", charge=charge, amount="100")
    assert listener.next_of("charge.refunded")["data"]["object"]["amount_refunded"] == 100
    assert listener.next_of("refund.created")["data"]["object"]["id"] == refund["id"]
    sandbox.control("fail-refund", refund=refund["id"])
    assert listener.next_of("refund.failed")["data"]["object"]["status"] == "failed"
