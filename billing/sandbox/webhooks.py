"""Signed webhooks: a thread that delivers queued events until each was taken with a 2xx."""

from __future__ import annotations

import hmac
import http.client
import json
import logging
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from billing.kernel.clock import system_clock
from billing.sandbox.calls import Call, shown
from billing.sandbox.events import HOLD
from billing.sandbox.passage import pass_time
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Shelf, Store

PATH = "/webhooks/stripe"
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds of real time, not of the movable clock, which may stand still."""

ANSWER_SECONDS = 10.0
IDLE_SECONDS = 1.0
BATCH = 50

log = logging.getLogger("billing.sandbox.webhooks")


@dataclass(frozen=True)
class Delivery:
    place: int
    event_id: str
    attempts: int
    body: bytes


class Deliverer(threading.Thread):
    """Also closes pages whose time has come. `wake` after anything was queued."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(name="webhooks", daemon=True)
        self._store, self._settings = store, settings
        self._woken, self._stopping = threading.Event(), threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        self.join(ANSWER_SECONDS + 1)

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._work()
            except Exception:  # the queue outlives whatever one round met
                log.exception("a round of deliveries failed")
                pause = IDLE_SECONDS
            self._woken.wait(pause)
            self._woken.clear()

    def _work(self) -> float:
        """Deliver what is due; answers how many seconds to rest."""
        now = int(self._settings.clock().timestamp())
        with self._store.transaction() as shelf:
            pass_time(Call(shelf=shelf, now=now, base_url=""))
            due = _due(shelf)
        for delivery in due:
            if self._stopping.is_set():
                break
            self._deliver(delivery)
        with self._store.transaction() as shelf:
            return _rest(shelf)

    def _deliver(self, delivery: Delivery) -> None:
        stamp = int(self._settings.clock().timestamp())
        signature = sign(delivery.body, self._settings.webhook_secret, stamp)
        answer = post(self._settings.public_url + PATH, delivery.body, signature)
        with self._store.transaction() as shelf:
            if answer.isdigit() and 200 <= int(answer) < 300:
                _mark_delivered(shelf, delivery, answer)
            else:
                _put_off(shelf, delivery, answer)


def sign(body: bytes, secret: str, stamp: int) -> str:
    """The value of the signature header. Source: docs.stripe.com/webhooks/signature."""
    digest = hmac.digest(secret.encode(), b"%d." % stamp + body, "sha256").hex()
    return f"t={stamp},v1={digest}"


def post(url: str, body: bytes, signature: str) -> str:
    """Send once, without following redirects; answers the status, or why there was none."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    try:
        connection.request("POST", parts.path, body, headers)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _due(shelf: Shelf) -> list[Delivery]:
    if shelf.switch(HOLD, default=False):
        return []
    rows = shelf.database.execute(
        "SELECT place, event_id, attempts FROM delivery WHERE NOT delivered AND due_at <= ?"
        " ORDER BY due_at, place LIMIT ?",
        (system_clock().timestamp(), BATCH),
    ).fetchall()
    return [
        Delivery(row["place"], row["event_id"], row["attempts"], _body(shelf, row["event_id"]))
        for row in rows
    ]


def _body(shelf: Shelf, event_id: str) -> bytes:
    event = shelf.find(event_id, "event")
    assert event, "events are never deleted"
    return json.dumps(shown(Call(shelf=shelf, now=0, base_url=""), event), indent=2).encode()


def _rest(shelf: Shelf) -> float:
    if shelf.switch(HOLD, default=False):
        return IDLE_SECONDS
    row = shelf.database.execute("SELECT min(due_at) AS next FROM delivery WHERE NOT delivered").fetchone()
    if row["next"] is None:
        return IDLE_SECONDS
    return min(IDLE_SECONDS, max(0.0, float(row["next"]) - system_clock().timestamp()))


def _mark_delivered(shelf: Shelf, delivery: Delivery, answer: str) -> None:
    shelf.database.execute(
        "UPDATE delivery SET delivered = 1, attempts = attempts + 1, answer = ? WHERE place = ?",
        (answer, delivery.place),
    )
    event = shelf.find(delivery.event_id, "event")
    if event:
        event["pending_webhooks"] = 0
        shelf.save(event)


def _put_off(shelf: Shelf, delivery: Delivery, answer: str) -> None:
    pause = min(FIRST_PAUSE * 2.0 ** min(delivery.attempts, 10), LONGEST_PAUSE)
    shelf.database.execute(
        "UPDATE delivery SET due_at = ?, attempts = attempts + 1, answer = ? WHERE place = ?",
        (system_clock().timestamp() + pause, answer, delivery.place),
    )
