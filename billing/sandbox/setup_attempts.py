"""Setup attempts: how each try to keep a payment method went."""

from __future__ import annotations

from billing.sandbox.calls import Call, Route, page
from billing.sandbox.parameters import PAGED, Form, text
from billing.sandbox.storage import Condition, Thing, new_reference

CARD_FIELDS = (
    "brand",
    "checks",
    "country",
    "exp_month",
    "exp_year",
    "fingerprint",
    "funding",
    "last4",
    "wallet",
)


def record_attempt(call: Call, setup: Thing, method: Thing, status: str, error: Thing | None = None) -> None:
    """One for each try, which goes on while the payer must act."""
    latest = call.shelf.find(setup["latest_attempt"] or "", "setup_attempt")
    if latest is not None and latest["status"] == "requires_action":
        latest.update(status=status, setup_error=error)
        call.shelf.save(latest)
        return
    attempt = call.shelf.add({
        "id": new_reference("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": call.now,
        "customer": setup["customer"],
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": _details(method),
        "setup_error": error,
        "setup_intent": setup["id"],
        "status": status,
        "usage": setup["usage"],
    })  # fmt: skip
    setup["latest_attempt"] = attempt["id"]


def _details(method: Thing) -> Thing:
    kind, known = method["type"], method[method["type"]]
    if kind != "card":
        return {"type": kind, kind: {}}
    card = {name: known[name] for name in CARD_FIELDS}
    return {"type": kind, kind: {**card, "network": known["brand"], "three_d_secure": None}}


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("setup_intent", "=", params["setup_intent"])]
    return page(call, "setup_attempt", params, url="/v1/setup_attempts", conditions=conditions)


ROUTES = [
    Route(
        "GET",
        "/v1/setup_attempts",
        Form({**PAGED, "setup_intent": text(255)}, required=frozenset({"setup_intent"})),
        _list,
    )
]
