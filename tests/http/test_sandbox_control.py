"""What the control API does to time, requests and events."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import stripe

from billing.sandbox.bad_events import KINDS
from tests.factories import loopback
from tests.factories.sandbox import sdk_client, start_sandbox
from tests.factories.webhooks import Listener
from tests.http.test_sandbox_api import NOON_TEXT

pytestmark = pytest.mark.processes


@pytest.fixture
def listener():
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def clock(tmp_path):
    file = tmp_path / "clock"
    file.write_text(NOON_TEXT)
    return file


@pytest.fixture
def sandbox(tmp_path, listener, clock):
    running = start_sandbox(tmp_path, listener.url, clock)
    yield running
    running.stop()


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


def intent(client, cents=1_000, **options):
    return client.payment_intents.create({"amount": cents, "currency": "usd"}, options)


def test_the_clock_is_advanced_for_everybody_and_never_back(sandbox, client, clock):
    assert sandbox.control("advance-clock", days=1, hours=2)["now"] == "2026-11-03T14:00:00+00:00"
    assert clock.read_text() == "2026-11-03T14:00:00+00:00"
    sandbox.control("advance-clock", to="2026-11-04T00:00:00-06:00")
    assert intent(client).created == 1_793_772_000
    with pytest.raises(AssertionError, match="later than"):
        sandbox.control("advance-clock", to="2026-11-03T00:00:00+00:00")
    for wrong in ({"to": "tomorrow"}, {"to": "2026-11-09T00:00:00"}, {}, {"days": "many"}):
        with pytest.raises(AssertionError):
            sandbox.control("advance-clock", **wrong)


def test_the_systems_clock_cannot_be_advanced(tmp_path, listener):
    running = start_sandbox(tmp_path / "other", listener.url)
    try:
        assert running.state()["clock_can_be_advanced"] is False
        with pytest.raises(AssertionError, match="CLINIC_CLOCK"):
            running.control("advance-clock", days=1)
    finally:
        running.stop()


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_an_answer_is_lost_before_or_after_its_effect(sandbox, client, when, made):
    sandbox.control("lose-response", path="/v1/payment_intents", when=when)
    with pytest.raises(stripe.APIConnectionError):
        intent(client, idempotency_key="op_1")
    assert len(client.payment_intents.list().data) == made
    again = intent(client, idempotency_key="op_1")
    assert [found.id for found in client.payment_intents.list().data] == [again.id]


@pytest.mark.parametrize(
    ("status", "error"),
    [(409, stripe.APIError), (429, stripe.RateLimitError), (500, stripe.APIError)],
)
def test_the_next_request_is_answered_with_an_error_and_not_performed(sandbox, client, status, error):
    sandbox.control("force-answer", path="/v1/payment_intents", status=status)
    sandbox.kill()
    sandbox.start()
    assert sandbox.state()["forced_answers"][0]["status"] == status
    client.balance.retrieve()
    with pytest.raises(error) as refused:
        intent(client, idempotency_key="op_1")
    assert refused.value.http_status == status
    assert client.payment_intents.list().data == []
    assert intent(client, idempotency_key="op_1").amount == 1_000


def test_words_are_refused_wherever_they_stand_and_shown(sandbox, client):
    sandbox.control("refuse-words", words=["Ketamine", "jane doe", "f33.1"])
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}
    body = {"amount": "1000", "currency": "usd"}
    attempts = [
        ("POST", "/v1/payment_intents", {"data": {**body, "metadata[note]": "KETAMINE"}}),
        ("POST", "/v1/payment_intents?x=Jane+Doe", {"data": body}),
        ("GET", "/v1/events?type=jane%20doe", {}),
        ("GET", "/v1/customers/%4betamine", {}),
        ("POST", "/v1/payment_intents", {"data": body, "headers": {"Idempotency-Key": "F33.1"}}),
    ]
    for method, path, more in attempts:
        answer = loopback.request(
            method, sandbox.url + path, **{**more, "headers": {**headers, **more.get("headers", {})}}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "forbidden_word")
    assert client.payment_intents.list().data == []
    sandbox.restart()
    words = [refusal["word"] for refusal in sandbox.state()["refused_requests"]]
    assert words == ["Ketamine", "jane doe", "jane doe", "Ketamine", "f33.1"]
    assert loopback.get(f"{sandbox.url}/_control").text.count("<td>jane doe</td>") == 2
    sandbox.control("refuse-words", words=[])
    assert sandbox.state()["refused_requests"] == []


def test_events_are_dropped_until_they_are_sent_again(sandbox, client, listener):
    sandbox.control("drop-events", type="payment_intent.*", times=2)
    lost, _ = intent(client), intent(client)
    kept, after = intent(client), intent(client)
    assert listener.next().event["data"]["object"]["id"] == kept.id
    assert listener.next().event["data"]["object"]["id"] == after.id  # so the one before it is noted as taken
    undelivered = client.events.list({"delivery_success": False}).data
    assert len([event for event in undelivered if event.data.object["id"] != after.id]) == 2
    (event,) = [event for event in undelivered if event.data.object["id"] == lost.id]
    sandbox.control("advance-clock", days=29)
    sandbox.control("resend-event", event=event.id, times=2)
    webhooks = [listener.next(), listener.next()]
    assert {webhook.event["id"] for webhook in webhooks} == {event.id}
    for webhook in webhooks:
        assert webhook.signature.startswith(f"t={1_793_620_800 + 29 * 24 * 3600},")


def test_an_event_of_another_year_can_still_be_sent(sandbox, client, listener):
    intent(client)
    event = listener.next().event["id"]
    sandbox.control("advance-clock", days=400)
    with pytest.raises(stripe.InvalidRequestError):
        client.events.retrieve(event)
    sandbox.control("resend-event", event=event)
    assert listener.next().event["id"] == event


def test_held_events_are_shuffled_delayed_and_dropped(sandbox, client, listener):
    sandbox.control("hold-events")
    made = [intent(client).id for _ in range(6)]
    sandbox.control("release-events", order="shuffled", seed=7)
    received = [listener.next().event["data"]["object"]["id"] for _ in range(6)]
    assert sorted(received) == sorted(made)
    assert received != made
    sandbox.control("delay-events", seconds=3600)
    late = intent(client).id
    assert sandbox.state()["undelivered_events"] == 1
    sandbox.control("release-events")
    assert listener.next().event["data"]["object"]["id"] == late
    intent(client)
    assert sandbox.control("drop-waiting-events") == {"dropped": 1}
    assert sandbox.state()["undelivered_events"] == 0


def test_every_bad_event_is_sent_as_it_is_called(tmp_path, clock):
    office = Office()
    running = start_sandbox(tmp_path / "other", office.url, clock)
    try:
        for kind in KINDS:
            assert running.control("send-bad-event", kind=kind)["answer"] == "400"
    finally:
        running.stop()
        office.close()
    sent = dict(zip(KINDS, office.received, strict=True))
    assert {kind: verdict(*letter, running.webhook_secret) for kind, letter in sent.items()} == {
        "forged": "signature", "unsigned": "signature", "altered": "signature", "stale": "stale",
        "huge": "huge", "chunked": "chunked", "wrong-mode": "live", "malformed": "malformed",
    }  # fmt: skip


def test_the_page_says_why_nothing_was_done(sandbox):
    answer = loopback.post(f"{sandbox.url}/_control/fail-refund", data={"refund": "re_nowhere"})
    assert answer.status_code == 404
    assert "No such refund" in answer.text
    assert 'href="/_control"' in answer.text


class Office:
    """Takes anything, chunked or not, and refuses it."""

    def __init__(self):
        self.received = []
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                office.received.append((self.headers, self.read()))
                self.send_response(400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def read(self):
                if self.headers["Content-Length"]:
                    return self.rfile.read(int(self.headers["Content-Length"]))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def verdict(headers, body, secret):
    """What is wrong with an event."""
    signature = headers["Stripe-Signature"] or ""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret)
    except stripe.SignatureVerificationError:
        return "signature"
    if headers["Transfer-Encoding"] == "chunked":
        return "chunked"
    if f"t={1_793_620_800}," not in signature:
        return "stale"
    if len(body) > 1_000_000:
        return "huge"
    try:
        return "live" if httpx.Response(200, content=body).json()["livemode"] else "good"
    except ValueError:
        return "malformed"
