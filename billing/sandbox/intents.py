"""PaymentIntents: an amount to be paid, through as many attempts as it takes."""

from __future__ import annotations

from typing import Any

from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import BY_NAME, payment_method
from billing.sandbox.charges import attempt
from billing.sandbox.errors import ApiError, CardDeclined, no_such
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    Parser,
    choice,
    flag,
    listed,
    metadata,
    text,
    whole,
)
from billing.sandbox.storage import Thing, new_reference

LEAST_CENTS, MOST_CENTS = 50, 99_999_999
NAMED_CARD_EXPIRES = (12, 2040)
CAN_BE_CONFIRMED = ("requires_payment_method", "requires_confirmation")


def amount() -> Parser:
    """Cents, from $0.50 to eight digits. Source: docs.stripe.com/currencies."""

    def parse(raw: Any, name: str) -> int:
        cents = int(whole(-(2**53))(raw, name))
        if cents < LEAST_CENTS:
            raise ApiError("Amount must be at least $0.50 usd", code="amount_too_small", param=name)
        if cents > MOST_CENTS:
            raise ApiError("Amount must be no more than $999,999.99", code="amount_too_large", param=name)
        return cents

    return parse


def new_intent(call: Call, *, cents: int, params: Thing, managed: bool = False) -> Thing:
    """`managed`: by Checkout, so that nobody else may confirm it."""
    reference = new_reference("pi")
    intent = call.shelf.add({
        "id": reference,
        "object": "payment_intent",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount": cents,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{reference}_secret_{new_reference('x')[2:]}",
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": "usd",
        "customer": None,
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        "_managed": managed,
    })  # fmt: skip
    emit(call, "payment_intent.created", intent)
    return intent


def cancel_intent(call: Call, intent: Thing, reason: str | None) -> Thing:
    """Raises: ApiError when it has been paid or canceled."""
    if intent["status"] not in CAN_BE_CONFIRMED:
        raise _in_wrong_state("cancel", intent)
    intent.update(status="canceled", canceled_at=call.now, cancellation_reason=reason)
    call.shelf.save(intent)
    emit(call, "payment_intent.canceled", intent)
    return intent


def _create(call: Call, params: Thing) -> Thing:
    if params.get("off_session") and not params.get("confirm"):
        raise ApiError("off_session can only be passed with confirm=true.", param="off_session")
    intent = new_intent(call, cents=params["amount"], params=params)
    if "payment_method" in params:
        intent.update(
            status="requires_confirmation", payment_method=_method(call, params["payment_method"])["id"]
        )
        call.shelf.save(intent)
    if params.get("confirm"):
        _attempt(call, intent, params)
    return shown(call, intent, params.get("expand", ()))


def _confirm(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    if intent["_managed"]:
        raise ApiError("You cannot confirm this PaymentIntent: it is managed by Checkout.", param="intent")
    if intent["status"] not in CAN_BE_CONFIRMED:
        raise _in_wrong_state("confirm", intent)
    _attempt(call, intent, params)
    return shown(call, intent, params.get("expand", ()))


def _attempt(call: Call, intent: Thing, params: Thing) -> None:
    name = params.get("payment_method", intent["payment_method"])
    if name is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise ApiError(message, code="payment_intent_unexpected_state", param="payment_method")
    charge = attempt(call, intent, _method(call, name))
    error = intent["last_payment_error"]
    if error:
        raise CardDeclined(
            code=error["code"],
            decline_code=error.get("decline_code"),
            message=error["message"],
            charge=charge["id"],
            intent=shown(call, intent),
        )


def _method(call: Call, name: str) -> Thing:
    """A stored payment method, or a new one for each use of a test card's name."""
    if name in BY_NAME:
        return call.shelf.add(payment_method(BY_NAME[name], now=call.now, expires=NAMED_CARD_EXPIRES))
    method = call.shelf.find(name, "payment_method")
    if method is None:
        raise no_such("PaymentMethod", name, param="payment_method")
    return method


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    intent = lookup(call, "payment_intent", reference, param="intent")
    if intent["_managed"]:
        raise ApiError("You cannot cancel this PaymentIntent: expire its Checkout Session.", param="intent")
    cancel_intent(call, intent, params.get("cancellation_reason"))
    return shown(call, intent, params.get("expand", ()))


def _in_wrong_state(verb: str, intent: Thing) -> ApiError:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return ApiError(message, code="payment_intent_unexpected_state", more={"payment_intent": intent["id"]})


def _list(call: Call, params: Thing) -> Thing:
    return page(call, "payment_intent", params, url="/v1/payment_intents")


_CREATE = Form(
    {
        **EXPAND,
        "amount": amount(),
        "currency": choice("usd"),
        "allowed_payment_method_types": listed(choice("card")),
        "payment_method": text(255),
        "confirm": flag(),
        "off_session": flag(),
        "description": text(1000),
        "metadata": metadata(),
        "statement_descriptor_suffix": text(22),
    },
    required=frozenset({"amount", "currency"}),
)
_CONFIRM = Form({**EXPAND, "payment_method": text(255), "off_session": flag()})
_REASONS = choice("duplicate", "fraudulent", "requested_by_customer", "abandoned")

ROUTES = [
    Route("POST", "/v1/payment_intents", _CREATE, _create),
    Route("GET", "/v1/payment_intents/<reference>", NOTHING, reader("payment_intent")),
    Route("GET", "/v1/payment_intents", Form(PAGED), _list),
    Route("POST", "/v1/payment_intents/<reference>/confirm", _CONFIRM, _confirm),
    Route(
        "POST",
        "/v1/payment_intents/<reference>/cancel",
        Form({**EXPAND, "cancellation_reason": _REASONS}),
        _cancel,
    ),
    Route("GET", "/v1/payment_methods/<reference>", NOTHING, reader("payment_method")),
]
