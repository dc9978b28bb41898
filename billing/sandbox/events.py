"""What happened, kept for 30 days, and handed to the webhook's queue."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from billing.kernel.clock import system_clock
from billing.sandbox.calls import Call, Route, lookup, page, shown
from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.parameters import NOTHING, PAGED, Form, choice, listed, text
from billing.sandbox.storage import Condition, Thing, new_reference

API_VERSION = "2026-10-28.endive"
RETENTION_SECONDS = 30 * 24 * 3600
DUPLICATE, HOLD = "duplicate_events", "hold_events"
DELAY, DROPS = "delay_events", "drop_events"
"""Switches: each event delivered twice; none delivered until released; seconds that each one waits; which
of the next ones are lost.
"""


def emit(call: Call, kind: str, thing: Thing, *, previous: Thing | None = None) -> Thing:
    """Record an event with the object as it is now, and queue its delivery. `previous` holds what the
    changed fields were.
    """
    changed = {} if previous is None else {"previous_attributes": previous}
    event = call.shelf.add({
        "id": new_reference("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": {"object": shown(call, thing), **changed},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": kind,
    })  # fmt: skip
    if not _is_dropped(call, kind):
        for _ in range(2 if call.shelf.switch(DUPLICATE, default=False) else 1):
            queue(call, event["id"], in_seconds=call.shelf.switch(DELAY, default=0))
    return event


def _is_dropped(call: Call, kind: str) -> bool:
    drops = call.shelf.switch(DROPS, default=[])
    drop = next((drop for drop in drops if fnmatchcase(kind, drop["type"])), None)
    if drop is None:
        return False
    drop["times"] -= 1
    call.shelf.set_switch(DROPS, [drop for drop in drops if drop["times"] > 0])
    return True


def queue(call: Call, event_id: str, *, in_seconds: int = 0) -> None:
    """Delivery waits in real time: the movable clock may stand still."""
    due_at = system_clock().timestamp() + in_seconds
    call.shelf.database.execute("INSERT INTO delivery (event_id, due_at) VALUES (?, ?)", (event_id, due_at))


def _retrieve(call: Call, params: Thing, *, reference: str) -> Thing:
    event = lookup(call, "event", reference)
    if event["created"] < call.now - RETENTION_SECONDS:
        raise no_such("event", reference)
    return shown(call, event, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("created", ">=", call.now - RETENTION_SECONDS)]
    if "type" in params and "types" in params:
        raise ApiError("You may pass either type or types, but not both.", param="types")
    if "type" in params:
        conditions.append(_kinds(params["type"]))
    if "types" in params:
        conditions.append(("type", "among", json.dumps(params["types"])))
    if "delivery_success" in params:
        conditions.append(("pending_webhooks", "=" if params["delivery_success"] == "true" else ">", 0))
    return page(call, "event", params, url="/v1/events", conditions=conditions)


def _kinds(kind: str) -> Condition:
    """`charge.*` and `*` are patterns."""
    return ("type", "GLOB", kind) if kind.endswith("*") else ("type", "=", kind)


_LIST = Form({
    **PAGED, "type": text(100), "types": listed(text(100), 20), "delivery_success": choice("true", "false"),
})  # fmt: skip

ROUTES = [
    Route("GET", "/v1/events/<reference>", NOTHING, _retrieve),
    Route("GET", "/v1/events", _LIST, _list),
]
