"""Checkout Sessions: a page on which a payer pays one amount, or saves how to pay, until it expires."""

from __future__ import annotations

from billing.sandbox import intents, setups
from billing.sandbox.calls import Call, Route, listing, lookup, page, part_of_list, shown
from billing.sandbox.customers import new_customer
from billing.sandbox.errors import ApiError, missing_parameter
from billing.sandbox.events import emit
from billing.sandbox.intent_calls import OPTIONS, USAGE, refuse_descriptor_of_cards
from billing.sandbox.intents import cancel_intent, confirm, new_intent
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    address,
    changed_metadata,
    choice,
    currency,
    descriptor,
    listed,
    metadata,
    metadata_change,
    text,
    whole,
)
from billing.sandbox.payment_methods import TYPES
from billing.sandbox.session_items import ITEM, new_item, total_of
from billing.sandbox.setups import new_setup, set_up
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


def submit(call: Call, session: Thing, method: Thing, acceptance: Thing) -> str | None:
    """The payer's attempt on an open page: None when it went on, or why it was refused."""
    if session["mode"] == "setup":
        set_up(call, _setup(call, session), method, {"mandate_data": {"customer_acceptance": acceptance}})
    else:
        params = {"payment_method": method["id"], "mandate_data": {"customer_acceptance": acceptance}}
        confirm(call, _intent(call, session), params)
    return _conclude(call, session)


def is_authenticating(call: Call, session: Thing) -> bool:
    """Whether the payer's bank waits for them to say that it is they who pay."""
    return bool(session["status"] == "open" and _current(call, session)["status"] == "requires_action")


def authenticate(call: Call, session: Thing, *, succeeds: bool) -> str | None:
    if session["mode"] == "setup":
        setups.authenticated(call, _setup(call, session), succeeds=succeeds)
    else:
        intents.authenticated(call, _intent(call, session), succeeds=succeeds)
    return _conclude(call, session)


def follow_debit(call: Call, intent: Thing) -> None:
    """What became of a debit, told of the session that it was begun on."""
    for session in call.shelf.select("checkout.session", [("payment_intent", "=", intent["id"])]):
        paid = intent["status"] == "succeeded"
        session["payment_status"] = "paid" if paid else "unpaid"
        call.shelf.save(session)
        emit(call, f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session)


def _current(call: Call, session: Thing) -> Thing:
    """The intent of the last attempt, if there was one."""
    kind = "setup_intent" if session["mode"] == "setup" else "payment_intent"
    return call.shelf.find(session[kind] or "", kind) or {"status": None}


def _conclude(call: Call, session: Thing) -> str | None:
    """The page is done with once nothing more is wanted of the payer."""
    intent = _current(call, session)
    if intent["status"] == "requires_action":
        return None
    error = intent.get("last_payment_error") or intent.get("last_setup_error")
    if error:
        return str(error["message"])
    session.update(status="complete", customer=intent["customer"], url=None)
    if session["mode"] == "payment" and intent["status"] == "succeeded":
        session["payment_status"] = "paid"
    call.shelf.save(session)
    emit(call, "checkout.session.completed", session)
    if session["payment_status"] == "paid":
        emit(call, "charge.updated", lookup(call, "charge", intent["latest_charge"]))
    return None


def _intent(call: Call, session: Thing) -> Thing:
    """Made at the first attempt, as Checkout does."""
    if session["payment_intent"]:
        return lookup(call, "payment_intent", session["payment_intent"])
    customer = session["customer"]
    if customer is None and session["customer_creation"] == "always":
        customer = new_customer(call, {})["id"]
    params = {
        **session["_intent_data"],
        "allowed_payment_method_types": session["payment_method_types"],
        **({"customer": customer} if customer else {}),
    }
    intent = new_intent(call, cents=session["amount_total"], params=params, managed=True)
    session["payment_intent"] = intent["id"]
    call.shelf.save(session)
    return intent


def _setup(call: Call, session: Thing) -> Thing:
    return lookup(call, "setup_intent", session["setup_intent"])


def _close(call: Call, session: Thing) -> None:
    session.update(status="expired", url=None)
    call.shelf.save(session)
    if session["payment_intent"]:
        cancel_intent(call, lookup(call, "payment_intent", session["payment_intent"]), "automatic")
    if session["setup_intent"]:
        setups.cancel_setup(call, _setup(call, session), "abandoned")
    emit(call, "checkout.session.expired", session)


def _create(call: Call, params: Thing) -> Thing:
    _refuse_other_modes(params)
    total = total_of(params["line_items"]) if params["mode"] == "payment" else None
    expires_at = params.get("expires_at", call.now + LONGEST_SECONDS)
    if not call.now + SHORTEST_SECONDS <= expires_at <= call.now + LONGEST_SECONDS:
        message = (
            "The `expires_at` timestamp must be from 30 minutes to 24 hours from Checkout Session creation."
        )
        raise ApiError(message, param="expires_at")
    kinds = params.get("allowed_payment_method_types", ["card"])
    refuse_descriptor_of_cards(params.get("payment_intent_data", {}), kinds, within="payment_intent_data")
    if "customer" in params:
        lookup(call, "customer", params["customer"], param="customer")
    session = call.shelf.add(_session(call, params, total, expires_at))
    if params["mode"] == "setup":
        wanted = {name: params[name] for name in ("customer",) if name in params}
        wanted["allowed_payment_method_types"] = session["payment_method_types"]
        setup = new_setup(call, {**wanted, **params.get("setup_intent_data", {})}, managed=True)
        session["setup_intent"] = setup["id"]
        call.shelf.save(session)
    return shown(call, session, params.get("expand", ()))


ONLY_PAYING = ("line_items", "payment_intent_data", "submit_type", "customer_creation")


def _refuse_other_modes(params: Thing) -> None:
    """Raises: ApiError when parameters of one mode are given for the other."""
    if params["mode"] == "payment":
        if "line_items" not in params:
            raise missing_parameter("line_items")
        if "setup_intent_data" in params:
            raise _wrong_mode("setup_intent_data", "payment")
    else:
        for name in ONLY_PAYING:
            if name in params:
                raise _wrong_mode(name, "setup")
        if not params.keys() & {"currency", "allowed_payment_method_types"}:
            raise missing_parameter("currency")
    if params.keys() >= {"customer", "customer_creation"}:
        message = "You may only specify one of these parameters: customer, customer_creation."
        raise ApiError(message, param="customer_creation")


def _wrong_mode(name: str, mode: str) -> ApiError:
    return ApiError(f"You can not pass `{name}` in `{mode}` mode.", param=name)


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
    "customer_details": None,
    "customer_email": None,
    "discounts": [],
    "invoice": None,
    "invoice_creation": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "subscription": None,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
}
"""What each session shows of the features that nobody here asks for."""


def _session(call: Call, params: Thing, total: int | None, expires_at: int) -> Thing:
    reference = new_reference("cs_test", 58)
    items = [new_item(call, item) for item in params.get("line_items", ())]
    pays = params["mode"] == "payment"
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
        "currency": params.get("currency", "usd" if pays else None),
        "customer": params.get("customer"),
        "customer_creation": params.get("customer_creation", "if_required") if pays else None,
        "expires_at": expires_at,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_method_options": params.get("payment_method_options", {}),
        "payment_method_types": intents.fitting_types(
            params.get("allowed_payment_method_types", ["card"]),
            params.get("payment_intent_data", {}).get("capture_method"),
        ),
        "payment_status": "unpaid" if pays else "no_payment_required",
        "setup_intent": None,
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "url": f"{call.base_url}/c/pay/{reference}",
        "_intent_data": params.get("payment_intent_data", {}),
        "_line_items": listing(f"/v1/checkout/sessions/{reference}/line_items", items),
    }


def _retrieve(call: Call, params: Thing, *, reference: str) -> Thing:
    return shown(call, find_session(call, reference), params.get("expand", ()))


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    session = find_session(call, reference)
    session["metadata"] = changed_metadata(session["metadata"], params)
    call.shelf.save(session)
    return shown(call, session, params.get("expand", ()))


def _list_items(call: Call, params: Thing, *, reference: str) -> Thing:
    return part_of_list(call, find_session(call, reference)["_line_items"], params)


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
        (name, "=", params[name]) for name in ("payment_intent", "customer", "status") if name in params
    ]
    return page(call, "checkout.session", params, url="/v1/checkout/sessions", conditions=conditions)


_INTENT_DATA = Form({
    "capture_method": choice("automatic", "automatic_async", "manual"),
    "description": text(1000),
    "metadata": metadata(),
    "setup_future_usage": USAGE,
    "statement_descriptor": descriptor(5),
    "statement_descriptor_suffix": descriptor(),
})  # fmt: skip
_CREATE = Form(
    {
        **EXPAND,
        "mode": choice("payment", "setup"),
        "currency": currency(),
        "customer": text(255),
        "customer_creation": choice("always", "if_required"),
        "setup_intent_data": Form({"description": text(1000), "metadata": metadata()}),
        "line_items": listed(ITEM),
        "success_url": address(),
        "cancel_url": address(),
        "client_reference_id": text(200),
        "metadata": metadata(),
        "expires_at": whole(),
        "allowed_payment_method_types": listed(choice(*TYPES)),
        "payment_method_options": OPTIONS,
        "payment_intent_data": _INTENT_DATA,
        "submit_type": choice("auto", "book", "donate", "pay"),
        "locale": choice("auto", "en"),
        "ui_mode": choice("hosted_page"),
    },
    required=frozenset({"mode", "success_url"}),
)
_LIST = Form(
    {
        **PAGED,
        "payment_intent": text(255),
        "customer": text(255),
        "status": choice("open", "complete", "expired"),
    }
)

ROUTES = [
    Route("POST", "/v1/checkout/sessions", _CREATE, _create),
    Route("GET", "/v1/checkout/sessions/<reference>", NOTHING, _retrieve),
    Route("GET", "/v1/checkout/sessions", _LIST, _list),
    Route(
        "POST", "/v1/checkout/sessions/<reference>", Form({**EXPAND, "metadata": metadata_change()}), _update
    ),
    Route(
        "GET",
        "/v1/checkout/sessions/<reference>/line_items",
        Form({name: parse for name, parse in PAGED.items() if name != "created"}),
        _list_items,
    ),
    Route("POST", "/v1/checkout/sessions/<reference>/expire", NOTHING, _expire),
]
