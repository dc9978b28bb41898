"""What the API takes about PaymentIntents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.sandbox import charges
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.errors import ApiError, CardDeclined
from billing.sandbox.events import emit
from billing.sandbox.intents import (
    CAN_BE_CONFIRMED,
    amount,
    cancel_intent,
    check_deposits,
    confirm,
    in_wrong_state,
    new_intent,
    verified,
)
from billing.sandbox.mandates import MANDATE_DATA
from billing.sandbox.parameters import (
    EXPAND,
    PAGED,
    Form,
    Parser,
    address,
    changed_metadata,
    choice,
    currency,
    descriptor,
    flag,
    listed,
    metadata,
    metadata_change,
    no_longer,
    text,
    unsettable,
    whole,
)
from billing.sandbox.payment_methods import DATA, given_method, refuse_unfit
from billing.sandbox.storage import Condition, Thing


def _create(call: Call, params: Thing) -> Thing:
    for name in ("off_session", "error_on_requires_action", "mandate", "mandate_data", "return_url"):
        if params.get(name) and not params.get("confirm"):
            raise ApiError(f"{name} can only be passed with confirm=true.", param=name)
    _refuse_saving_off_session(params)
    refuse_descriptor_of_cards(params, params.get("allowed_payment_method_types", ["card"]))
    intent = new_intent(call, cents=params["amount"], params=params)
    if params.get("confirm"):
        _attempt(call, intent, params)
    else:
        _choose(call, intent, params)
        call.shelf.save(intent)
    return shown(call, intent, params.get("expand", ()))


def _refuse_saving_off_session(params: Thing) -> None:
    if params.get("off_session") and params.get("setup_future_usage"):
        message = "You cannot set both `off_session` and `setup_future_usage`."
        raise ApiError(message, param="setup_future_usage")


def refuse_descriptor_of_cards(params: Thing, kinds: list[str], *, within: str = "") -> None:
    """Where a card may pay, only the suffix is the clinic's to say. Raises: ApiError."""
    if params.get("statement_descriptor") and not {"card", "card_present"}.isdisjoint(kinds):
        message = (
            "The statement_descriptor parameter is not supported for the payment method type card. "
            "Use statement_descriptor_suffix instead."
        )
        raise ApiError(message, param=f"{within}[statement_descriptor]" if within else "statement_descriptor")


def _choose(call: Call, intent: Thing, params: Thing) -> None:
    """The method to confirm it with later."""
    method = given_method(call, params)
    if method is not None:
        refuse_unfit(method, intent["customer"], intent["payment_method_types"])
        intent.update(status="requires_confirmation", payment_method=method["id"])


def _confirm(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    if intent["_managed"]:
        raise ApiError("You cannot confirm this PaymentIntent: it is managed by Checkout.", param="intent")
    if intent["status"] not in CAN_BE_CONFIRMED:
        raise in_wrong_state("confirm", intent)
    _refuse_saving_off_session({"setup_future_usage": intent["setup_future_usage"], **params})
    _attempt(call, intent, params)
    return shown(call, intent, params.get("expand", ()))


def _attempt(call: Call, intent: Thing, params: Thing) -> None:
    charge = confirm(call, intent, params)
    error = intent["last_payment_error"]
    if charge and error:
        raise CardDeclined(
            code=error["code"],
            decline_code=error.get("decline_code"),
            message=error["message"],
            charge=charge["id"],
            payment_intent=shown(call, intent),
            payment_method=error["payment_method"],
        )
    if charge and intent["status"] == "succeeded":
        emit(call, "charge.updated", charge)


UNSETTABLE = (
    "customer", "description", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix",
)  # fmt: skip
"""What a change may take away again, by an empty string."""


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    """Nothing but metadata and words, once it is under way."""
    intent = lookup(call, "payment_intent", reference, param="intent")
    free = {"description", "metadata", "expand", "statement_descriptor_suffix"}
    if intent["status"] not in CAN_BE_CONFIRMED and not params.keys() <= free:
        raise in_wrong_state("update", intent)
    if params.get("customer"):
        lookup(call, "customer", params["customer"], param="customer")
    for name in ("amount", "capture_method"):
        intent[name] = params.get(name, intent[name])
    for name in UNSETTABLE:
        if name in params:
            intent[name] = params[name] or None
    refuse_descriptor_of_cards(
        params, params.get("allowed_payment_method_types") or intent["payment_method_types"]
    )
    if "allowed_payment_method_types" in params:
        kinds = params["allowed_payment_method_types"]
        intent.update(allowed_payment_method_types=kinds, payment_method_types=kinds)
    _choose(call, intent, params)
    intent["metadata"] = changed_metadata(intent["metadata"], params)
    call.shelf.save(intent)
    return shown(call, intent, params.get("expand", ()))


def _capture(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    if intent["status"] != "requires_capture":
        raise in_wrong_state("capture", intent)
    cents: int = {"amount_to_capture": intent["amount_capturable"], **params}["amount_to_capture"]
    if cents > intent["amount_capturable"]:
        message = (
            f"The amount to capture ({cents}) is more than can be captured ({intent['amount_capturable']})."
        )
        raise ApiError(message, code="amount_too_large", param="amount_to_capture")
    intent["metadata"] = changed_metadata(intent["metadata"], params)
    intent["statement_descriptor_suffix"] = params.get(
        "statement_descriptor_suffix", intent["statement_descriptor_suffix"]
    )
    charges.capture(call, intent, cents)
    return shown(call, intent, params.get("expand", ()))


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    if intent["_managed"] and intent["status"] in CAN_BE_CONFIRMED:
        raise ApiError("You cannot cancel this PaymentIntent: expire its Checkout Session.", param="intent")
    cancel_intent(call, intent, params.get("cancellation_reason"))
    return shown(call, intent, params.get("expand", ()))


def _verify(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    method = call.shelf.find(intent["payment_method"] or "", "payment_method")
    check_deposits(intent, method or {}, params)
    verified(call, intent)
    return shown(call, intent, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("customer", "=", params["customer"])] if "customer" in params else []
    return page(call, "payment_intent", params, url="/v1/payment_intents", conditions=conditions)


AUTOMATIC = Form(
    {"enabled": flag(), "allow_redirects": choice("always", "never")}, required=frozenset({"enabled"})
)


def _off_session(raw: Any, name: str) -> bool:
    return bool(choice("true", "false", "one_off", "recurring")(raw, name) != "false")


USAGE = choice("on_session", "off_session")
_CAPTURE_METHOD = choice("automatic", "automatic_async", "manual")
_BANK_OPTIONS = Form({
    "financial_connections": Form({
        "permissions": listed(choice("balances", "ownership", "payment_method", "transactions")),
    }),
    "verification_method": choice("automatic", "instant", "microdeposits"),
})  # fmt: skip
OPTIONS = Form({
    "card": Form({"request_three_d_secure": choice("automatic", "any", "challenge")}),
    "us_bank_account": _BANK_OPTIONS,
})  # fmt: skip
"""Taken and shown again; they change nothing here."""

_METHOD: Mapping[str, Parser] = {
    **EXPAND,
    "payment_method": text(255),
    "payment_method_data": DATA,
    "payment_method_options": OPTIONS,
    "allowed_payment_method_types": listed(choice("card", "card_present", "us_bank_account")),
    "payment_method_types": no_longer("payment_method_types"),
}
_CONFIRMING: Mapping[str, Parser] = {
    "off_session": _off_session,
    "error_on_requires_action": flag(),
    "mandate": text(255),
    "mandate_data": MANDATE_DATA,
    "return_url": address(),
    "setup_future_usage": USAGE,
    "capture_method": _CAPTURE_METHOD,
}
_CREATE = Form(
    {
        **_METHOD,
        **_CONFIRMING,
        "amount": amount(),
        "automatic_payment_methods": AUTOMATIC,
        "currency": currency(),
        "confirm": flag(),
        "customer": text(255),
        "description": text(1000),
        "metadata": metadata(),
        "statement_descriptor": descriptor(5),
        "statement_descriptor_suffix": descriptor(),
    },
    required=frozenset({"amount", "currency"}),
)
_UPDATE = Form({
    **_METHOD,
    "amount": amount(),
    "capture_method": _CAPTURE_METHOD,
    "currency": currency(),
    "customer": text(255),
    "description": unsettable(1000),
    "metadata": metadata_change(),
    "setup_future_usage": lambda raw, name: "" if raw == "" else USAGE(raw, name),
    "statement_descriptor": lambda raw, name: "" if raw == "" else descriptor(5)(raw, name),
    "statement_descriptor_suffix": lambda raw, name: "" if raw == "" else descriptor()(raw, name),
})  # fmt: skip
_CAPTURE = Form({
    **EXPAND,
    "amount_to_capture": whole(1),
    "metadata": metadata_change(),
    "statement_descriptor_suffix": descriptor(),
})  # fmt: skip
VERIFY = Form({**EXPAND, "amounts": listed(whole(1, 99), 2), "descriptor_code": text(6)})
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")

ROUTES = [
    Route("POST", "/v1/payment_intents", _CREATE, _create),
    Route(
        "GET",
        "/v1/payment_intents/<reference>",
        Form({**EXPAND, "client_secret": text(500)}),
        reader("payment_intent", param="intent"),
    ),
    Route("GET", "/v1/payment_intents", Form({**PAGED, "customer": text(255)}), _list),
    Route("POST", "/v1/payment_intents/<reference>", _UPDATE, _update),
    Route("POST", "/v1/payment_intents/<reference>/confirm", Form({**_METHOD, **_CONFIRMING}), _confirm),
    Route("POST", "/v1/payment_intents/<reference>/capture", _CAPTURE, _capture),
    Route(
        "POST",
        "/v1/payment_intents/<reference>/cancel",
        Form({**EXPAND, "cancellation_reason": choice(*REASONS)}),
        _cancel,
    ),
    Route("POST", "/v1/payment_intents/<reference>/verify_microdeposits", VERIFY, _verify),
]
