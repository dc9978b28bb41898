"""What the stand-in takes back, and what it refuses to guess, over HTTP."""

from __future__ import annotations

import pytest

from tests.factories import loopback
from tests.factories.sandbox import sdk_client, start_sandbox
from tests.http.test_sandbox_api import NOON_TEXT

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
    return sdk_client(sandbox)


def test_what_was_to_happen_to_the_next_ones_is_ended_by_none(sandbox, client):
    sandbox.control("lose-response", path="/v1/refunds", times=9)
    sandbox.control("lose-response", path="/v1/payment_intents", times=9, when="before")
    sandbox.control("lose-response", path="/v1/refunds", times=0)
    assert [each["path"] for each in sandbox.state()["lost_responses"]] == ["/v1/payment_intents"]
    sandbox.control("lose-response", times=0)
    assert sandbox.state()["lost_responses"] == []
    sandbox.control("drop-events", type="payout.*", times=9)
    sandbox.control("drop-events", times=1000)
    sandbox.control("drop-events", type="payout.*", times=0)
    assert [each["type"] for each in sandbox.state()["drop_events"]] == ["*"]
    sandbox.control("drop-events", times=0)
    assert sandbox.state()["drop_events"] == []
    assert client.payment_intents.create({"amount": 100, "currency": "usd"}).id


@pytest.mark.parametrize(
    "control", ["drop-events", "lose-response", "advance-clock", "hold-request", "send-bad-event"]
)
@pytest.mark.parametrize("body", ["[]", '"x"', "null", "{", "7", "[{}]"])
def test_a_control_that_is_given_no_object_says_so(sandbox, control, body):
    answer = loopback.post(
        f"{sandbox.url}/_control/{control}", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"email": "a@example.com"}', "application/json"),
        (b"email=a@example.com", "text/plain"),
        (b"email=a@example.com", None),
        (b"description=\xff\xfe", "application/x-www-form-urlencoded"),
        (b"description=%ff", "application/x-www-form-urlencoded"),
        (b"%ff=1", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_form_is_refused_and_nothing_is_made(sandbox, client, content, kind):
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"} | ({"Content-Type": kind} if kind else {})
    answer = loopback.post(f"{sandbox.url}/v1/customers", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert client.customers.list().data == []


def test_no_body_is_a_form_without_parameters(sandbox):
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}
    assert (
        loopback.post(f"{sandbox.url}/v1/customers?email=a@example.com", headers=headers).status_code == 200
    )
