"""What the control page can do to requests: lose an answer, hold one back, refuse words, remember all."""

from __future__ import annotations

import json
import threading
from typing import Any

from billing.sandbox.storage import Shelf

LOSSES, WORDS = "lost_responses", "forbidden_words"
LONGEST_HOLD_SECONDS = 30.0
REMEMBERED = 1000


def lose_next(shelf: Shelf, *, path: str, times: int) -> None:
    """The next answers to POSTs under this path are lost, after the requests were performed."""
    shelf.set_switch(LOSSES, [*shelf.switch(LOSSES, default=[]), {"path": path, "times": times}])


def takes_loss(shelf: Shelf, *, method: str, path: str) -> bool:
    """Whether this answer is to be lost; counts it."""
    losses = shelf.switch(LOSSES, default=[])
    loss = next((loss for loss in losses if method == "POST" and path.startswith(loss["path"])), None)
    if loss is None:
        return False
    loss["times"] -= 1
    shelf.set_switch(LOSSES, [loss for loss in losses if loss["times"] > 0])
    return True


def forbidden_word(shelf: Shelf, text: str) -> str | None:
    """The first of the forbidden words that a request's text holds."""
    lowered = text.casefold()
    words: list[str] = shelf.switch(WORDS, default=[])
    return next((word for word in words if word.casefold() in lowered), None)


def remember(
    shelf: Shelf, *, method: str, path: str, params: Any, key: str | None, status: int, now: int
) -> None:
    shelf.database.execute(
        "INSERT INTO request_log (method, path, parameters, idempotency_key, status, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (method, path, json.dumps(params), key, status, now),
    )


def remembered(shelf: Shelf, path: str) -> list[dict[str, Any]]:
    """The requests under a path, oldest first."""
    rows = shelf.database.execute(
        "SELECT * FROM request_log WHERE path GLOB ? ORDER BY place DESC LIMIT ?", (f"{path}*", REMEMBERED)
    ).fetchall()
    return [{**dict(row), "parameters": json.loads(row["parameters"])} for row in reversed(rows)]


class Gate:
    """Holds one request back, after its idempotency key was taken and before it is performed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._path: str | None = None
        self._arrived = False

    def close(self, path: str) -> None:
        with self._changed:
            self._path, self._arrived = path, False

    def open(self) -> None:
        with self._changed:
            self._path, self._arrived = None, False
            self._changed.notify_all()

    def wait_for_arrival(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._arrived, LONGEST_HOLD_SECONDS)

    def pass_through(self, path: str) -> None:
        with self._changed:
            if self._path is None or self._arrived or not path.startswith(self._path):
                return
            self._arrived = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._path is None, LONGEST_HOLD_SECONDS)
