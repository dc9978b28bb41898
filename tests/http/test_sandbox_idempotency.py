"""The same key is the same request: replayed, refused, held apart, and kept through a restart."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.factories import loopback
from tests.factories.sandbox import start_sandbox

pytestmark = pytest.mark.processes

INTENT = {"amount": "1200", "currency": "usd"}


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture
def noon(clock):
    clock.write_text("2026-11-02T12:00:00+00:00")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, clock):
    clock.write_text("2026-11-02T12:00:00+00:00")
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    running.stop()


def post(sandbox, key, path="/v1/payment_intents", **body):
    return loopback.post(
        sandbox.url + path,
        data=body or INTENT,
        headers={"Authorization": f"Bearer {sandbox.secret_key}", "Idempotency-Key": key},
        timeout=40,
    )


def test_a_repeated_request_gets_the_first_answer(sandbox, noon):
    first, second = post(sandbox, "same"), post(sandbox, "same")
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert second.headers["Request-Id"] != first.headers["Request-Id"]


def test_other_parameters_are_told_of_before_they_are_looked_at(sandbox, noon):
    assert post(sandbox, "used").status_code == 200
    for other in ({**INTENT, "amount": "0"}, {**INTENT, "colour": "red"}, {"currency": "usd"}):
        answer = post(sandbox, "used", **other)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_a_request_that_was_refused_for_its_parameters_leaves_the_key_free(sandbox, noon):
    assert post(sandbox, "free", amount="0", currency="usd").status_code == 400
    assert post(sandbox, "free").status_code == 200


def test_a_decline_is_replayed_too(sandbox, noon):
    confirm = f"/v1/payment_intents/{post(sandbox, 'to decline').json()['id']}/confirm"
    first = post(sandbox, "decline", confirm, payment_method="pm_card_chargeDeclined")
    second = post(sandbox, "decline", confirm, payment_method="pm_card_chargeDeclined")
    assert (first.status_code, second.status_code) == (402, 402)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"


def test_other_parameters_under_the_same_key_are_refused(sandbox, noon):
    post(sandbox, "mismatch")
    other = post(sandbox, "mismatch", amount="1300", currency="usd")
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    elsewhere = post(sandbox, "mismatch", "/v1/refunds", charge="ch_1")
    assert (elsewhere.status_code, elsewhere.json()["error"]["type"]) == (400, "idempotency_error")


def test_a_request_that_fails_validation_does_not_take_its_key(sandbox, noon):
    assert post(sandbox, "second thoughts", amount="1200", colour="red").status_code == 400
    assert post(sandbox, "second thoughts").status_code == 200


def test_two_requests_at_once_are_one_and_a_conflict(sandbox, noon):
    sandbox.control("hold-request", path="/v1/payment_intents")
    with ThreadPoolExecutor(1) as elsewhere:
        first = elsewhere.submit(post, sandbox, "at once")
        assert sandbox.control("await-held-request")["held"]
        second = post(sandbox, "at once")
        sandbox.control("release-request")
        assert first.result().status_code == 200
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert post(sandbox, "at once").json() == first.result().json()


def test_a_key_lives_24_hours(sandbox, noon, clock):
    first = post(sandbox, "a day")
    clock.write_text("2026-11-03T11:59:59+00:00")
    assert post(sandbox, "a day").json()["id"] == first.json()["id"]
    clock.write_text("2026-11-03T12:00:00+00:00")
    assert post(sandbox, "a day").json()["id"] != first.json()["id"]


def test_a_lost_answer_was_performed_and_is_replayed(sandbox, noon):
    sandbox.control("lose-response", path="/v1/payment_intents")
    with pytest.raises(httpx.TransportError):
        post(sandbox, "lost")
    assert sandbox.requests("/v1/payment_intents")[-1]["status"] == 200
    again = post(sandbox, "lost")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_answers_outlive_a_restart_and_a_kill(sandbox, noon):
    first = post(sandbox, "restarted")
    sandbox.restart()
    assert post(sandbox, "restarted").content == first.content
    sandbox.kill()
    sandbox.start()
    assert post(sandbox, "restarted").content == first.content


def test_a_key_taken_when_the_process_was_killed_is_free_again(sandbox, noon):
    sandbox.control("hold-request", path="/v1/payment_intents")
    with ThreadPoolExecutor(1) as elsewhere:
        first = elsewhere.submit(post, sandbox, "killed")
        assert sandbox.control("await-held-request")["held"]
        sandbox.kill()
        assert isinstance(first.exception(), httpx.TransportError)
    sandbox.start()
    assert post(sandbox, "killed").status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_from_1_to_255_characters(sandbox, noon, key):
    assert post(sandbox, key).status_code == 400
