"""Webhooks that the processor did not send, or not lately, over real HTTP: refused, and nothing is left."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from billing.payments.models.inbox import WebhookEventRow
from tests.conftest import NOW
from tests.factories import loopback
from tests.factories.sandbox import WEBHOOK_SECRET

pytestmark = pytest.mark.processes

KIND = "checkout.session.expired"
YEAR = 365 * 24 * 3600
TOO_LARGE = 256 * 1024 + 1


def an_event(*, livemode=False, filler="", event_id="evt_made_here", kind=KIND, object_id="cs_made_here"):
    event = {
        "object": "event",
        "id": event_id,
        "type": kind,
        "livemode": livemode,
        "created": int(NOW.timestamp()),
        "data": {"object": {"id": object_id, "object": "checkout.session", "filler": filler}},
    }
    return json.dumps(event).encode()


def deliver(office, payload, *, after=0, secret=WEBHOOK_SECRET, chunked=False):
    stamp = int(NOW.timestamp()) + after
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return loopback.post(
        f"{office.url}/webhooks/stripe",
        content=iter([payload]) if chunked else payload,
        headers={"Stripe-Signature": f"t={stamp},v1={digest}", "Content-Type": "application/json"},
    )


def test_what_is_signed_well_and_in_time_is_kept_once(office):
    for after in (-300, 0, 300):
        assert deliver(office, an_event(), after=after).status_code == 200
    assert office.kept(KIND) == ["evt_made_here"]


@pytest.mark.parametrize(
    ("payload", "signed"),
    [
        (an_event(), {"secret": "whsec_of_somebody_else"}),
        (an_event(), {"after": -301}),
        (an_event(), {"after": 301}),
        (an_event(), {"after": YEAR}),
        (an_event(livemode=True), {}),
        (b'{"object": "event"}', {}),
        (b"[1]", {}),
    ],
    ids=["forged", "stale", "early", "a year ahead", "live", "no event", "no object"],
)
def test_what_is_not_the_processors_is_refused_and_not_kept(office, payload, signed):
    answer = deliver(office, payload, **signed)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-signature")
    assert office.kept(KIND) == []


@pytest.mark.parametrize(
    "words",
    [
        {"event_id": "evt_" + "x" * 252},
        {"event_id": "evt_" + "x" * 77},
        {"event_id": "evt_\0"},
        {"event_id": ""},
        {"event_id": None},
        {"event_id": 7},
        {"kind": "x" * 500},
        {"kind": "checkout.session\0"},
        {"kind": ""},
        {"kind": ["x"]},
        {"object_id": "cs_" + "x" * 3997},
        {"object_id": "cs_\0"},
        {"object_id": "cs_\n"},
        {"object_id": None},
        {"object_id": {"id": "cs_made_here"}},
    ],
    ids=lambda words: f"{next(iter(words))} {str(next(iter(words.values())))[:6]!r}",
)
def test_words_that_no_id_or_kind_of_the_processors_has_are_refused_and_not_kept(office, words):
    """Signed well, since whoever signs may still err; it is seen before the database is asked."""
    answer = deliver(office, an_event(**words))
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "bad-signature"
    with office.database.reading() as read:
        assert read.session.scalar(select(func.count()).select_from(WebhookEventRow)) == 0


@pytest.mark.parametrize(
    "words", [{"event_id": "evt_" + "x" * 76}, {"kind": "x" * 60}, {"object_id": "cs_" + "x" * 252}]
)
def test_the_longest_words_that_there_is_room_for_are_kept(office, words):
    assert deliver(office, an_event(**words)).status_code == 200
    assert office.kept(words.get("kind", KIND)) == [words.get("event_id", "evt_made_here")]


def test_an_event_about_what_has_no_id_is_kept(office):
    event = json.loads(an_event())
    event["data"]["object"] = {"object": "balance"}
    assert deliver(office, json.dumps(event).encode()).status_code == 200
    assert office.kept(KIND) == ["evt_made_here"]


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_limit_is_refused_unread(office, chunked):
    answer = deliver(office, an_event(filler="x" * TOO_LARGE), chunked=chunked)
    assert answer.status_code == 413
    assert office.kept(KIND) == []


@pytest.mark.parametrize(
    ("signed", "said"), [({"after": YEAR}, ["webhook_out_of_time"]), ({"secret": "whsec_else"}, [])]
)
def test_a_clock_that_is_wrong_is_said_in_the_log(office, signed, said):
    with capture_logs() as logs:
        deliver(office, an_event(), **signed)
    assert [line["event"] for line in logs if line["event"].startswith("webhook_")] == said
