"""The control API and its page: what tests and demonstrations do to the processor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from billing.kernel.clock import Clock, system_clock
from billing.sandbox import money_controls
from billing.sandbox.calls import Call, lookup
from billing.sandbox.card_page import strict
from billing.sandbox.errors import ApiError
from billing.sandbox.events import DUPLICATE, HOLD, queue
from billing.sandbox.mischief import LOSSES, WORDS, Gate, lose_next, remembered
from billing.sandbox.parameters import Form, choice, flag, listed, nested, text, whole
from billing.sandbox.refunds import FAILURES, fail_refund
from billing.sandbox.storage import Shelf, Store, Thing

Act = Callable[[Call, Thing], object]


@dataclass(frozen=True)
class Action:
    form: Form
    act: Act


def _lose(call: Call, body: Thing) -> None:
    lose_next(call.shelf, path=body.get("path", "/v1/"), times=body.get("times", 1))


def _duplicate(call: Call, body: Thing) -> None:
    call.shelf.set_switch(DUPLICATE, body["on"])


def _hold(call: Call, _body: Thing) -> None:
    call.shelf.set_switch(HOLD, True)


def _release(call: Call, body: Thing) -> None:
    """Everything that waits is due now, in the order asked for."""
    call.shelf.set_switch(HOLD, False)
    waiting = call.shelf.database.execute("SELECT place FROM delivery WHERE NOT delivered ORDER BY place")
    places = [row["place"] for row in waiting]
    if body.get("order") == "reversed":
        places.reverse()
    start = system_clock().timestamp() - 1
    for number, place in enumerate(places):
        call.shelf.database.execute(
            "UPDATE delivery SET due_at = ? WHERE place = ?", (start + number / 100_000, place)
        )


def _resend(call: Call, body: Thing) -> None:
    queue(call, lookup(call, "event", body["event"], param="event")["id"])


def _fail_refund(call: Call, body: Thing) -> Thing:
    return fail_refund(call, body["refund"], body.get("reason", "unknown"))


def _forbid(call: Call, body: Thing) -> None:
    call.shelf.set_switch(WORDS, body.get("words", []))


ACTIONS = {
    "lose-response": Action(Form({"path": text(200), "times": whole(1, 1000)}), _lose),
    "duplicate-events": Action(Form({"on": flag()}, required=frozenset({"on"})), _duplicate),
    "hold-events": Action(Form(), _hold),
    "release-events": Action(Form({"order": choice("as_sent", "reversed")}), _release),
    "resend-event": Action(Form({"event": text(255)}, required=frozenset({"event"})), _resend),
    "fail-refund": Action(
        Form({"refund": text(255), "reason": choice(*FAILURES)}, required=frozenset({"refund"})), _fail_refund
    ),
    "open-dispute": Action(money_controls.OPEN_DISPUTE, money_controls.open_by_bank),
    "decide-dispute": Action(money_controls.DECIDE_DISPUTE, money_controls.decide),
    "pay-out": Action(Form(), money_controls.pay_out_now),
    "fail-payout": Action(money_controls.FAIL_PAYOUT, money_controls.fail_by_bank),
    "forbid-words": Action(Form({"words": listed(text(100), 1000)}), _forbid),
}
"""What changes the stored state; the gate, which holds a request in flight, is apart."""


def make_blueprint(store: Store, clock: Clock, gate: Gate, wake: Callable[[], None]) -> Blueprint:
    controls = Blueprint("control", __name__, url_prefix="/_control")

    @controls.get("")
    def page() -> Response:
        with store.transaction() as shelf:
            state = _state(shelf)
            asked = remembered(shelf, "/")[-50:][::-1]
        return strict(make_response(render_template("control.html", state=state, requests=asked)))

    @controls.get("/state")
    def state() -> Thing:
        with store.transaction() as shelf:
            return _state(shelf)

    @controls.get("/requests")
    def requests() -> Thing:
        with store.transaction() as shelf:
            return {"requests": remembered(shelf, request.args.get("path", "/"))}

    @controls.post("/<name>")
    def act(name: str) -> Response:
        if name not in ACTIONS:
            raise ApiError(f"There is no control named {name}.", status=404)
        body = ACTIONS[name].form(_body())
        with store.transaction() as shelf:
            call = Call(shelf=shelf, now=int(clock().timestamp()), base_url="")
            result = ACTIONS[name].act(call, body)
        wake()
        return _done(result)

    _add_gate(controls, gate)
    controls.register_error_handler(ApiError, _refused)
    return controls


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


def _state(shelf: Shelf) -> Thing:
    waiting = shelf.database.execute("SELECT count(*) FROM delivery WHERE NOT delivered").fetchone()[0]
    return {
        "undelivered_events": waiting,
        "duplicate_events": shelf.switch(DUPLICATE, default=False),
        "hold_events": shelf.switch(HOLD, default=False),
        "lost_responses": shelf.switch(LOSSES, default=[]),
        "forbidden_words": shelf.switch(WORDS, default=[]),
    }


def _body() -> Thing:
    """From the page's forms, or JSON, as the same nested text."""
    if request.is_json:
        return {name: _as_text(value) for name, value in request.get_json().items() if value != []}
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
    return make_response(redirect("/_control", 303))


def _refused(error: ApiError) -> Response:
    return make_response(error.body, error.status)
