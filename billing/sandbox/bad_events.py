"""Events that the clinic must refuse, or survive: each sent once, and its answer told."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from billing.sandbox.calls import Call, lookup, shown
from billing.sandbox.events import API_VERSION
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Thing, new_reference
from billing.sandbox.webhooks import ANSWER_SECONDS, PATH, sign

STALE_SECONDS = 3600
HUGE_BYTES = 3 * 1024 * 1024
CHUNK_BYTES = 64


@dataclass(frozen=True)
class Letter:
    """What is sent. A chunked one says no length."""

    body: bytes
    signature: str | None
    chunked: bool = False


def _forged(event: Thing, _secret: str, now: int) -> Letter:
    body = _written(event)
    return Letter(body, sign(body, "whsec_somebody_elses", now))


def _unsigned(event: Thing, _secret: str, _now: int) -> Letter:
    return Letter(_written(event), None)


def _altered(event: Thing, secret: str, now: int) -> Letter:
    body = _written(event)
    return Letter(body + b" ", sign(body, secret, now))


def _stale(event: Thing, secret: str, now: int) -> Letter:
    body = _written(event)
    return Letter(body, sign(body, secret, now - STALE_SECONDS))


def _huge(event: Thing, secret: str, now: int) -> Letter:
    body = _written({**event, "padding": "x" * HUGE_BYTES})
    return Letter(body, sign(body, secret, now))


def _chunked(event: Thing, secret: str, now: int) -> Letter:
    body = _written(event)
    return Letter(body, sign(body, secret, now), chunked=True)


def _wrong_mode(event: Thing, secret: str, now: int) -> Letter:
    body = _written({**event, "livemode": True})
    return Letter(body, sign(body, secret, now))


def _malformed(event: Thing, secret: str, now: int) -> Letter:
    body = _written(event)[:-2]
    return Letter(body, sign(body, secret, now))


KINDS: dict[str, Callable[[Thing, str, int], Letter]] = {
    "forged": _forged,
    "unsigned": _unsigned,
    "altered": _altered,
    "stale": _stale,
    "huge": _huge,
    "chunked": _chunked,
    "wrong-mode": _wrong_mode,
    "malformed": _malformed,
}
"""All but `forged`, `unsigned` and `altered` are signed with the right secret."""


def event_to_abuse(call: Call, reference: str | None) -> Thing:
    """The event named, or an invented one about a payment that does not exist."""
    if reference:
        return shown(call, lookup(call, "event", reference, param="event"))
    intent = {"id": new_reference("pi"), "object": "payment_intent", "amount": 100_000, "status": "succeeded"}
    return {
        "id": new_reference("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": {"object": intent},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "payment_intent.succeeded",
    }


def send(settings: Settings, event: Thing, kind: str) -> Thing:
    """Outside any transaction, as the clinic may ask the API before it answers."""
    letter = KINDS[kind](event, settings.webhook_secret, int(settings.clock().timestamp()))
    return {"event": event["id"], "kind": kind, "answer": _post(settings.public_url + PATH, letter)}


def _written(event: Thing) -> bytes:
    return json.dumps(event, indent=2).encode()


def _post(url: str, letter: Letter) -> str:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if letter.signature is not None:
        headers["Stripe-Signature"] = letter.signature
    body = _chunks(letter.body) if letter.chunked else letter.body
    try:
        connection.request("POST", parts.path, body, headers, encode_chunked=letter.chunked)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), CHUNK_BYTES):
        yield body[start : start + CHUNK_BYTES]
