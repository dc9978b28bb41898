"""Checkout Sessions: a page on which a payer pays one amount, until it expires."""

from __future__ import annotations

from billing.sandbox.calls import Call, Route, listing, lookup, page, shown
from billing.sandbox.cards import Card, payment_method
from billing.sandbox.charges import attempt
from billing.sandbox.errors import ApiError
from billing.sandbox.events import emit
from billing.sandbox.intents import LEAST_CENTS, MOST_CENTS, cancel_intent, new_intent
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    address,
    choice,
    listed,
    metadata,
    text,
    whole,
)
from billing.sandbox.storage import Condition, Thing, new_reference

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600


def expire_overdue(call: Call) -> None:
    """Close each open page whose time has come."""
    overdue: list[Condition] = [("status", "=", "open"), ("expires_at", "<=", call.now)]
    for session in call.shelf.select("checkout.session", overdue, oldest_first=True):
        _close(call, session)


def find_session(call: Call, reference: str) -> Thing:
    """As it stands now. Raises: ApiError, 404."""
    expire_overdue(call)
    return lookup(call, "checkout.session", reference)


def pay(call: Call, session: Thing, card: Card, expires: tuple[int, int]) -> str | None:
    """The payer's attempt on an open page: None when it was paid, or why it was declined."""
    intent = _intent(call, session)
    method = call.shelf.add(payment_method(card, now=call.now, expires=expires))
    charge = attempt(call, intent, method)
    if charge["status"] != "succeeded":
        return str(charge["failure_message"])
    session.update(status="complete", payment_status="paid", url=None)
    call.shelf.save(session)
    emit(call, "checkout.session.completed", session)
    emit(call, "charge.updated", charge)
    return None


def _intent(call: Call, session: Thing) -> Thing:
    """Made at the first attempt, as Checkout does."""
    if session["payment_intent"]:
        return lookup(call, "payment_intent", session["payment_intent"])
    intent = new_intent(call, cents=session["amount_total"], params=session["_intent_data"], managed=True)
    session["payment_intent"] = intent["id"]
    call.shelf.save(session)
    return intent


def _close(call: Call, session: Thing) -> None:
    session.update(status="expired", url=None)
    call.shelf.save(session)
    if session["payment_intent"]:
        cancel_intent(call, lookup(call, "payment_intent", session["payment_intent"]), "automatic")
    emit(call, "checkout.session.expired", session)


def _create(call: Call, params: Thing) -> Thing:
    total = _total(params["line_items"])
    expires_at = params.get("expires_at", call.now + LONGEST_SECONDS)
    if not call.now + SHORTEST_SECONDS <= expires_at <= call.now + LONGEST_SECONDS:
        message = (
            "The `expires_at` timestamp must be from 30 minutes to 24 hours from Checkout Session creation."
        )
        raise ApiError(message, param="expires_at")
    session = call.shelf.add(_session(call, params, total, expires_at))
    return shown(call, session, params.get("expand", ()))


def _total(items: list[Thing]) -> int:
    total: int = sum(item["quantity"] * item["price_data"]["unit_amount"] for item in items)
    if total < LEAST_CENTS:
        message = "The Checkout Session's total amount due must add up to at least $0.50 usd"
        raise ApiError(message, code="amount_too_small", param="line_items")
    if total > MOST_CENTS:
        message = "The Checkout Session's total amount due must add up to at most $999,999.99"
        raise ApiError(message, code="amount_too_large", param="line_items")
    return total


_UNUSED: Thing = {
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer": None,
    "customer_creation": "if_required",
    "customer_details": None,
    "customer_email": None,
    "discounts": [],
    "invoice": None,
    "invoice_creation": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_options": {},
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "subscription": None,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
}
"""What each session shows of the features that nobody here asks for."""


def _session(call: Call, params: Thing, total: int, expires_at: int) -> Thing:
    reference = new_reference("cs_test", 58)
    items = [_item(item) for item in params["line_items"]]
    return {
        **_UNUSED,
        "id": reference,
        "object": "checkout.session",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": call.now,
        "currency": "usd",
        "expires_at": expires_at,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "url": f"{call.base_url}/c/pay/{reference}",
        "_intent_data": params.get("payment_intent_data", {}),
        "_line_items": listing(f"/v1/checkout/sessions/{reference}/line_items", items),
    }


def _item(item: Thing) -> Thing:
    price = item["price_data"]
    total = item["quantity"] * price["unit_amount"]
    return {
        "id": new_reference("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": "usd",
        "description": price["product_data"]["name"],
        "price": None,
        "quantity": item["quantity"],
    }


def _retrieve(call: Call, params: Thing, *, reference: str) -> Thing:
    return shown(call, find_session(call, reference), params.get("expand", ()))


def _expire(call: Call, params: Thing, *, reference: str) -> Thing:
    session = find_session(call, reference)
    if session["status"] != "open":
        message = (
            f'Only Checkout Sessions with a status in ["open"] can be expired; this is {session["status"]}.'
        )
        raise ApiError(message, param="session")
    _close(call, session)
    return shown(call, session, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    expire_overdue(call)
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("payment_intent", "status") if name in params
    ]
    return page(call, "checkout.session", params, url="/v1/checkout/sessions", conditions=conditions)


_PRICE = Form(
    {
        "currency": choice("usd"),
        "unit_amount": whole(0, MOST_CENTS),
        "product_data": Form({"name": text(250), "description": text(1000)}, required=frozenset({"name"})),
    },
    required=frozenset({"currency", "unit_amount", "product_data"}),
)
_ITEM = Form(
    {"quantity": whole(1, 999_999), "price_data": _PRICE}, required=frozenset({"quantity", "price_data"})
)
_INTENT_DATA = Form({
    "description": text(1000), "metadata": metadata(), "statement_descriptor_suffix": text(22),
})  # fmt: skip
_CREATE = Form(
    {
        **EXPAND,
        "mode": choice("payment"),
        "line_items": listed(_ITEM),
        "success_url": address(),
        "cancel_url": address(),
        "client_reference_id": text(200),
        "metadata": metadata(),
        "expires_at": whole(),
        "allowed_payment_method_types": listed(choice("card")),
        "payment_intent_data": _INTENT_DATA,
        "submit_type": choice("auto", "book", "donate", "pay"),
        "locale": choice("auto", "en"),
    },
    required=frozenset({"mode", "line_items", "success_url"}),
)
_LIST = Form({**PAGED, "payment_intent": text(255), "status": choice("open", "complete", "expired")})

ROUTES = [
    Route("POST", "/v1/checkout/sessions", _CREATE, _create),
    Route("GET", "/v1/checkout/sessions/<reference>", NOTHING, _retrieve),
    Route("GET", "/v1/checkout/sessions", _LIST, _list),
    Route("POST", "/v1/checkout/sessions/<reference>/expire", NOTHING, _expire),
]
