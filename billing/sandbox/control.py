"""The control API and its page: what tests and demonstrations do to the processor."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from billing.sandbox import (
    balance,
    banks,
    cards,
    disputes,
    event_controls,
    mischief,
    money_controls,
    payment_controls,
    payouts,
    readers,
    refunds,
)
from billing.sandbox.bad_events import KINDS, event_to_abuse, send
from billing.sandbox.calls import Call
from billing.sandbox.card_page import strict
from billing.sandbox.errors import ApiError
from billing.sandbox.events import DELAY, DROPS, DUPLICATE, HOLD
from billing.sandbox.mischief import Gate, remembered
from billing.sandbox.parameters import Form, choice, nested, text, whole
from billing.sandbox.passage import pass_time
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Shelf, Store, Thing

ACTIONS = {**money_controls.ACTIONS, **payment_controls.ACTIONS, **event_controls.ACTIONS, **mischief.ACTIONS}
"""What changes the stored state. Apart from them: the gate, which holds a request in flight, the clock, and
events that must not be sent from inside a transaction.
"""

SWITCHES: dict[str, Any] = {
    DUPLICATE: False, HOLD: False, DELAY: 0, DROPS: [], payouts.SCHEDULE: "daily", mischief.LOSSES: [],
    mischief.ANSWERS: [], mischief.WORDS: [], mischief.REFUSALS: [],
}  # fmt: skip
"""Each with what it is until somebody sets it."""

SHOWN_REQUESTS, SHOWN_EVENTS = 50, 20
LARGEST_STEP = 100 * 366 * 24 * 3600


@dataclass(frozen=True)
class Desk:
    """What the control works on. `wake` is called when events may be waiting for delivery."""

    store: Store
    settings: Settings
    gate: Gate
    wake: Callable[[], None]

    def call(self, shelf: Shelf) -> Call:
        """At this moment, after what has happened by itself until now."""
        call = Call(shelf=shelf, now=int(self.settings.clock().timestamp()), base_url="")
        pass_time(call)
        return call


def make_blueprint(desk: Desk) -> Blueprint:
    controls = Blueprint("control", __name__, url_prefix="/_control")
    _add_views(controls, desk)
    _add_gate(controls, desk.gate)

    @controls.post("/advance-clock")
    def advance() -> Response:
        moved = _advance(desk.settings, ADVANCE(_body()))
        with desk.store.transaction() as shelf:
            desk.call(shelf)
        desk.wake()
        return _done({"now": moved.isoformat()})

    @controls.post("/send-bad-event")
    def send_bad() -> Response:
        body = BAD_EVENT(_body())
        with desk.store.transaction() as shelf:
            event = event_to_abuse(desk.call(shelf), body.get("event"))
        return _done(send(desk.settings, event, body["kind"]))

    @controls.post("/<name>")
    def act(name: str) -> Response:
        if name not in ACTIONS:
            raise ApiError(f"There is no control named {name}.", status=404)
        body = ACTIONS[name].form(_body())
        with desk.store.transaction() as shelf:
            result = ACTIONS[name].act(desk.call(shelf), body)
        desk.wake()
        return _done(result)

    controls.register_error_handler(ApiError, _refused)
    return controls


def _add_views(controls: Blueprint, desk: Desk) -> None:
    @controls.get("")
    def page() -> Response:
        with desk.store.transaction() as shelf:
            call = desk.call(shelf)
            shown = render_template(
                "control.html",
                state=_state(call, desk.settings),
                requests=remembered(shelf, "/")[-SHOWN_REQUESTS:][::-1],
                events=shelf.select("event", limit=SHOWN_EVENTS),
                charges=shelf.select("charge", [("status", "=", "succeeded")], limit=SHOWN_EVENTS),
                bad_kinds=_options(KINDS),
                reasons=_options(disputes.REASONS),
                refund_failures=_options(refunds.FAILURES),
                payout_failures=_options(payouts.FAILURES),
                debit_failures=_options(banks.FAILURES),
                declines=_options(dict.fromkeys((*cards.DECLINES, *banks.FAILURES, payment_controls.NEVER))),
                reader_failures=_options(readers.FAILURES),
                shown=_latest(shelf),
                done=request.args.get("done"),
            )
        return strict(make_response(shown))

    @controls.get("/state")
    def state() -> Thing:
        with desk.store.transaction() as shelf:
            return _state(desk.call(shelf), desk.settings)

    @controls.get("/requests")
    def requests() -> Thing:
        with desk.store.transaction() as shelf:
            return {"requests": remembered(shelf, request.args.get("path", "/"))}


def _add_gate(controls: Blueprint, gate: Gate) -> None:
    @controls.post("/hold-request")
    def hold() -> Response:
        gate.close(Form({"path": text(200)})(_body()).get("path", "/v1/"))
        return _done(None)

    @controls.post("/await-held-request")
    def await_held() -> Response:
        return _done({"held": gate.wait_for_arrival()})

    @controls.post("/release-request")
    def release() -> Response:
        gate.open()
        return _done(None)


BAD_EVENT = Form({"kind": choice(*KINDS), "event": text(255)}, required=frozenset({"kind"}))
_STEPS = ("seconds", "minutes", "hours", "days")
ADVANCE = Form({"to": text(40), **{step: whole(0, LARGEST_STEP) for step in _STEPS}})


def _advance(settings: Settings, body: Thing) -> datetime:
    """Write the clock's file. Raises: ApiError when there is none, or the instant is no later than now."""
    if settings.clock_file is None:
        raise ApiError("The system's clock cannot be advanced: set CLINIC_CLOCK to a file.")
    now = settings.clock()
    try:
        wanted = datetime.fromisoformat(body["to"]) if "to" in body else now
        moved = wanted.astimezone(UTC) + timedelta(**{step: body[step] for step in _STEPS if step in body})
    except (ValueError, OverflowError) as problem:
        raise ApiError(f"{body.get('to')!r} is no instant that the clock can show.", param="to") from problem
    if wanted.tzinfo is None or moved <= now:
        raise ApiError(f"Give an instant with its offset, later than {now.isoformat()}.", param="to")
    _write(settings.clock_file, moved.isoformat())
    return moved


def _write(file: Path, instant: str) -> None:
    """At once: whoever reads it meanwhile sees the old instant or the new."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(instant)
    os.replace(new, file)


def _state(call: Call, settings: Settings) -> Thing:
    waiting = call.shelf.database.execute("SELECT count(*) FROM delivery WHERE NOT delivered").fetchone()[0]
    return {
        "now": settings.clock().isoformat(),
        "clock_can_be_advanced": settings.clock_file is not None,
        "undelivered_events": waiting,
        **{name: call.shelf.switch(name, default=default) for name, default in SWITCHES.items()},
        "totals": balance.totals(call),
    }


def _latest(shelf: Shelf) -> list[tuple[str, list[Thing]]]:
    """What there is of each kind that the page's forms name, newest first."""
    kinds = {
        "Payments": "payment_intent", "Setups": "setup_intent", "Sessions": "checkout.session",
        "Customers": "customer", "Payment methods": "payment_method", "Refunds": "refund",
        "Disputes": "dispute", "Payouts": "payout", "Readers": "terminal.reader",
    }  # fmt: skip
    return [(words, shelf.select(kind, limit=SHOWN_EVENTS)) for words, kind in kinds.items()]


def _body() -> Thing:
    """From the page's forms, or JSON, as the same nested text. Raises: ApiError."""
    if request.is_json:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise ApiError('Send a JSON object, such as {"times": 1}.')
        return {name: _as_text(value) for name, value in body.items() if value != []}
    pairs = [(name, value.strip()) for name, value in request.form.items(multi=True) if value.strip()]
    if "words" in request.form:
        pairs = [(f"words[{place}]", word) for place, word in enumerate(request.form["words"].split())]
    return nested(pairs)


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return {str(place): _as_text(item) for place, item in enumerate(value)}
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _done(result: object) -> Response:
    if request.is_json:
        return make_response({"ok": True, "result": result})
    return make_response(redirect(f"/_control?done={request.path.rpartition('/')[2]}", 303))


def _options(names: Iterable[str]) -> list[tuple[str, str]]:
    """For a list to choose from: each value with its words."""
    return [(name, name.replace("_", " ")) for name in names]


def _refused(error: ApiError) -> Response:
    if request.method == "POST" and not request.is_json:
        words = error.body["error"]["message"]
        return strict(make_response(render_template("refused.html", words=words), error.status))
    return make_response(error.body, error.status)
