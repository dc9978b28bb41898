"""What the control API does to requests: lose or force an answer, hold one, refuse words, remember all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from billing.sandbox.actions import Action, planned_with
from billing.sandbox.calls import Call
from billing.sandbox.errors import ApiError
from billing.sandbox.parameters import Form, choice, listed, text, whole
from billing.sandbox.storage import Shelf, Store, Thing

LOSSES, ANSWERS, WORDS, REFUSALS = "lost_responses", "forced_answers", "refused_words", "refused_requests"
LONGEST_HOLD_SECONDS = 30.0
REMEMBERED = 1000

FORCED = {
    409: ("idempotency_error", "idempotency_key_in_use", "Another request uses this idempotency key now."),
    429: ("invalid_request_error", "rate_limit", "Too many requests hit the API too quickly."),
    500: ("api_error", None, "An unknown error occurred."),
}
"""What each status that the control API can force says."""


def _lose_next(call: Call, body: Thing) -> None:
    """The next POSTs under this path get no answer, after they were performed, or instead of it."""
    loss = {
        "path": body.get("path", "/v1/"),
        "times": body.get("times", 1),
        "when": body.get("when", "after"),
    }
    call.shelf.set_switch(LOSSES, planned_with(call.shelf.switch(LOSSES, default=[]), loss, body))


def _force_next(call: Call, body: Thing) -> None:
    forced = {
        "path": body.get("path", "/v1/"),
        "times": body.get("times", 1),
        "status": int(body["status"]),
    }
    call.shelf.set_switch(ANSWERS, [*call.shelf.switch(ANSWERS, default=[]), forced])


def _refuse_words(call: Call, body: Thing) -> None:
    """Replaces the list, and forgets what was refused until now."""
    call.shelf.set_switch(WORDS, body.get("words", []))
    call.shelf.set_switch(REFUSALS, [])


ACTIONS = {
    "lose-response": Action(
        Form({"path": text(200), "times": whole(0, 1000), "when": choice("before", "after")}), _lose_next
    ),
    "force-answer": Action(
        Form(
            {"path": text(200), "times": whole(1, 1000), "status": choice(*map(str, FORCED))},
            required=frozenset({"status"}),
        ),
        _force_next,
    ),
    "refuse-words": Action(Form({"words": listed(text(100), 1000)}), _refuse_words),
}


def takes_loss(shelf: Shelf, *, method: str, path: str, when: str) -> bool:
    """Whether this answer is to be lost, `before` the request is performed or `after`; counts it."""
    if method != "POST":
        return False
    return _take(shelf, LOSSES, path, lambda loss: bool(loss["when"] == when)) is not None


def takes_forced_answer(shelf: Shelf, path: str) -> ApiError | None:
    """What this request is answered instead of being performed; counts it."""
    forced = _take(shelf, ANSWERS, path, lambda _: True)
    if forced is None:
        return None
    kind, code, message = FORCED[forced["status"]]
    return ApiError(message, status=forced["status"], kind=kind, code=code)


def _take(shelf: Shelf, name: str, path: str, suits: Callable[[Thing], bool]) -> Thing | None:
    planned: list[Thing] = shelf.switch(name, default=[])
    taken = next((plan for plan in planned if path.startswith(plan["path"]) and suits(plan)), None)
    if taken is not None:
        taken["times"] -= 1
        shelf.set_switch(name, [plan for plan in planned if plan["times"] > 0])
    return taken


def refused_word(shelf: Shelf, written: str) -> str | None:
    """The first of the words to refuse that a request's text holds, as it stands or URL-decoded."""
    words: list[str] = shelf.switch(WORDS, default=[])
    if not words:
        return None
    plain = f"{written}\n{unquote_plus(written)}".casefold()
    return next((word for word in words if word.casefold() in plain), None)


def refuse_from_the_start(store: Store, words: tuple[str, ...]) -> None:
    if words:
        with store.transaction() as shelf:
            shelf.set_switch(WORDS, list(words))


def remember_refusal(shelf: Shelf, *, method: str, path: str, word: str, now: int) -> None:
    refusal = {"method": method, "path": path, "word": word, "created": now}
    shelf.set_switch(REFUSALS, [*shelf.switch(REFUSALS, default=[]), refusal][-REMEMBERED:])


def remember(
    shelf: Shelf, *, method: str, path: str, params: Any, key: str | None, status: int, now: int
) -> None:
    shelf.database.execute(
        "INSERT INTO request_log (method, path, parameters, idempotency_key, status, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (method, path, json.dumps(_without_numbers(params)), key, status, now),
    )


def _without_numbers(params: Any) -> Any:
    """A card's or account's number is kept nowhere."""
    if not isinstance(params, dict):
        return params
    secret = ("number", "account_number", "cvc")
    return {name: "removed" if name in secret else _without_numbers(value) for name, value in params.items()}


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
