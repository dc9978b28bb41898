"""What the control API does to events on their way: held, reordered, doubled, late, dropped, sent again."""

from __future__ import annotations

import random

from billing.kernel.clock import system_clock
from billing.sandbox.actions import Action, planned_with
from billing.sandbox.calls import Call, lookup
from billing.sandbox.events import DELAY, DROPS, DUPLICATE, HOLD, queue
from billing.sandbox.parameters import Form, choice, flag, text, whole
from billing.sandbox.storage import Thing

MOST_DELAY_SECONDS = 3600


def _duplicate(call: Call, body: Thing) -> None:
    call.shelf.set_switch(DUPLICATE, body["on"])


def _delay(call: Call, body: Thing) -> None:
    call.shelf.set_switch(DELAY, body["seconds"])


def _drop(call: Call, body: Thing) -> None:
    """The next events, of one kind or of all (`*`), are never delivered unless they are sent again."""
    drop = {"type": body.get("type", "*"), "times": body.get("times", 1)}
    call.shelf.set_switch(DROPS, planned_with(call.shelf.switch(DROPS, default=[]), drop, body))


def _drop_waiting(call: Call, _body: Thing) -> Thing:
    dropped = call.shelf.database.execute("DELETE FROM delivery WHERE NOT delivered")
    return {"dropped": dropped.rowcount}


def _hold(call: Call, _body: Thing) -> None:
    call.shelf.set_switch(HOLD, True)


def _release(call: Call, body: Thing) -> None:
    """Everything that waits is due now, in the order asked for; `seed` fixes what `shuffled` means."""
    call.shelf.set_switch(HOLD, False)
    waiting = call.shelf.database.execute("SELECT place FROM delivery WHERE NOT delivered ORDER BY place")
    places = [row["place"] for row in waiting]
    if body.get("order") == "reversed":
        places.reverse()
    elif body.get("order") == "shuffled":
        random.Random(body.get("seed", 0)).shuffle(places)
    start = system_clock().timestamp() - 1
    for number, place in enumerate(places):
        call.shelf.database.execute(
            "UPDATE delivery SET due_at = ? WHERE place = ?", (start + number / 100_000, place)
        )


def _resend(call: Call, body: Thing) -> None:
    """Of any age: it is signed as it leaves, by the clock of that moment."""
    for _ in range(body.get("times", 1)):
        queue(call, lookup(call, "event", body["event"], param="event")["id"])


ACTIONS = {
    "duplicate-events": Action(Form({"on": flag()}, required=frozenset({"on"})), _duplicate),
    "delay-events": Action(
        Form({"seconds": whole(0, MOST_DELAY_SECONDS)}, required=frozenset({"seconds"})), _delay
    ),
    "drop-events": Action(Form({"type": text(100), "times": whole(0, 1000)}), _drop),
    "drop-waiting-events": Action(Form(), _drop_waiting),
    "hold-events": Action(Form(), _hold),
    "release-events": Action(
        Form({"order": choice("as_sent", "reversed", "shuffled"), "seed": whole()}), _release
    ),
    "resend-event": Action(
        Form({"event": text(255), "times": whole(1, 100)}, required=frozenset({"event"})), _resend
    ),
}
