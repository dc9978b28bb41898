"""Mandates: a payer's leave to debit a bank account."""

from __future__ import annotations

from typing import Any

from billing.sandbox.calls import Call, Route, reader
from billing.sandbox.errors import missing_parameter
from billing.sandbox.parameters import NOTHING, Form, choice, text, whole
from billing.sandbox.storage import Thing, new_reference


def mandate_for(call: Call, method: Thing, acceptance: Thing | None) -> Thing:
    """The one that is in force for an account, or a new one. Raises: ApiError when nobody accepted one."""
    kept = call.shelf.find(method.get("_mandate") or "", "mandate")
    if kept and kept["status"] == "active":
        return kept
    if acceptance is None:
        raise missing_parameter("mandate_data")
    mandate = call.shelf.add({
        "id": new_reference("mandate"),
        "object": "mandate",
        "customer_acceptance": _accepted(call, acceptance),
        "livemode": False,
        "multi_use": {},
        "payment_method": method["id"],
        "payment_method_details": {"type": "us_bank_account", "us_bank_account": {}},
        "status": "active",
        "type": "multi_use",
        "_created": call.now,
    })  # fmt: skip
    method["_mandate"] = mandate["id"]
    call.shelf.save(method)
    return mandate


def _accepted(call: Call, given: Thing) -> Thing:
    kind = given["type"]
    details = given.get(kind, {})
    if kind == "online":
        details = {"ip_address": details.get("ip_address"), "user_agent": details.get("user_agent")}
    return {"accepted_at": given.get("accepted_at", call.now), kind: details, "type": kind}


def online(address: str | None, agent: str | None) -> Thing:
    """What a payer accepts by going on, on a page that says so."""
    return {"type": "online", "online": {"ip_address": address, "user_agent": agent}}


def _nothing(raw: Any, _name: str) -> Thing:
    return {} if raw == "" else Form()(raw)


_ACCEPTANCE = Form(
    {
        "type": choice("online", "offline"),
        "accepted_at": whole(),
        "online": Form(
            {"ip_address": text(64), "user_agent": text(1000)},
            required=frozenset({"ip_address", "user_agent"}),
        ),
        "offline": _nothing,
    },
    required=frozenset({"type"}),
)
MANDATE_DATA = Form({"customer_acceptance": _ACCEPTANCE}, required=frozenset({"customer_acceptance"}))

ROUTES = [Route("GET", "/v1/mandates/<reference>", NOTHING, reader("mandate"))]
