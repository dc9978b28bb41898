"""Customers: who payment methods are kept for. Nothing here asks for their name."""

from __future__ import annotations

from collections.abc import Mapping

from billing.sandbox.calls import Call, Route, lookup, page, shown
from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    Parser,
    changed_metadata,
    choice,
    listed,
    mail_address,
    metadata,
    metadata_change,
    text,
    unsettable,
)
from billing.sandbox.payment_methods import attach, detach, stored_method
from billing.sandbox.storage import Condition, Thing, new_reference

TEXTS = ("description", "email", "name", "phone")
ADDRESS = Form(
    {name: unsettable(500) for name in ("city", "country", "line1", "line2", "postal_code", "state")}
)


def _create(call: Call, params: Thing) -> Thing:
    customer = new_customer(call, params)
    settings = params.get("invoice_settings")
    if "payment_method" in params:
        method = stored_method(call, params["payment_method"])
        attach(call, method, customer)
        if settings and settings["default_payment_method"] == params["payment_method"]:
            # A test name stands for a new method at each call: both mean the same one here.
            settings = {"default_payment_method": method["id"]}
    if settings:
        _choose_default(call, customer, settings)
        call.shelf.save(customer)
    return shown(call, customer, params.get("expand", ()))


def new_customer(call: Call, params: Thing) -> Thing:
    customer = call.shelf.add(_customer(call, params))
    emit(call, "customer.created", customer)
    return customer


def _customer(call: Call, params: Thing) -> Thing:
    return {
        "id": new_reference("cus", 14),
        "object": "customer",
        "address": _address(params.get("address")),
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": new_reference("x", 8)[2:].upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "next_invoice_sequence": 1,
        "preferred_locales": params.get("preferred_locales", []),
        "shipping": None,
        "tax_exempt": params.get("tax_exempt", "none"),
        "test_clock": None,
        **{name: params.get(name) or None for name in TEXTS},
    }  # fmt: skip


def _address(given: Thing | None) -> Thing | None:
    return {name: given.get(name) or None for name in ADDRESS.fields} if given else None


def _choose_default(call: Call, customer: Thing, settings: Thing) -> None:
    name = settings["default_payment_method"]
    if name:
        method = lookup(call, "payment_method", name, param="invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            message = f"The customer does not have a payment method with the ID {name}."
            raise ApiError(message, code="resource_missing", param="invoice_settings[default_payment_method]")
    customer["invoice_settings"]["default_payment_method"] = name or None


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    customer = lookup(call, "customer", reference, param="customer")
    before = shown(call, customer)
    for name in (*TEXTS, "tax_exempt", "preferred_locales"):
        if name in params:
            customer[name] = params[name] or None
    if "address" in params:
        customer["address"] = _address(params["address"])
    if "invoice_settings" in params:
        customer["invoice_settings"] = dict(customer["invoice_settings"])
        _choose_default(call, customer, params["invoice_settings"])
    customer["metadata"] = changed_metadata(customer["metadata"], params)
    call.shelf.save(customer)
    previous = {name: value for name, value in before.items() if customer[name] != value}
    emit(call, "customer.updated", customer, previous=previous)
    return shown(call, customer, params.get("expand", ()))


def _delete(call: Call, _params: Thing, *, reference: str) -> Thing:
    """For good: what was attached is detached, and no payment can name the customer again."""
    customer = lookup(call, "customer", reference, param="customer")
    for method in call.shelf.select("payment_method", [("customer", "=", reference)]):
        detach(call, method)
    emit(call, "customer.deleted", customer)
    gone = {"id": reference, "object": "customer", "deleted": True}
    call.shelf.save(gone)
    return gone


def _retrieve(call: Call, params: Thing, *, reference: str) -> Thing:
    """A deleted customer is still told of."""
    customer = call.shelf.find(reference, "customer")
    if customer is None:
        raise no_such("customer", reference)
    return customer if customer.get("deleted") else shown(call, customer, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("deleted", "IS", None)]
    if "email" in params:
        conditions.append(("email", "=", params["email"]))
    return page(call, "customer", params, url="/v1/customers", conditions=conditions)


def _methods(call: Call, params: Thing, *, reference: str) -> Thing:
    lookup(call, "customer", reference, param="customer")
    conditions: list[Condition] = [("customer", "=", reference)]
    if "type" in params:
        conditions.append(("type", "=", params["type"]))
    url = f"/v1/customers/{reference}/payment_methods"
    return page(call, "payment_method", params, url=url, conditions=conditions)


def _method(call: Call, params: Thing, *, reference: str, method: str) -> Thing:
    found = lookup(call, "payment_method", method, param="payment_method")
    if found["customer"] != reference:
        raise no_such("payment method", method, param="payment_method")
    return shown(call, found, params.get("expand", ()))


_COMMON: Mapping[str, Parser] = {
    **EXPAND,
    "invoice_settings": Form(
        {"default_payment_method": unsettable(255)}, required=frozenset({"default_payment_method"})
    ),
    "preferred_locales": listed(text(10), 5),
    "tax_exempt": choice("none", "exempt", "reverse"),
}
_CREATE = Form({
    **_COMMON,
    **{name: text(512) for name in TEXTS},
    "email": mail_address(),
    "address": ADDRESS,
    "metadata": metadata(),
    "payment_method": text(255),
})  # fmt: skip
_UPDATE = Form({
    **_COMMON,
    **{name: unsettable(512) for name in TEXTS},
    "email": mail_address(),
    "address": lambda raw, name: None if raw == "" else ADDRESS(raw, name),
    "metadata": metadata_change(),
})  # fmt: skip
_PAGED_METHODS = {name: parse for name, parse in PAGED.items() if name != "created"}

ROUTES = [
    Route("POST", "/v1/customers", _CREATE, _create),
    Route("GET", "/v1/customers/<reference>", NOTHING, _retrieve),
    Route("GET", "/v1/customers", Form({**PAGED, "email": text(512)}), _list),
    Route("POST", "/v1/customers/<reference>", _UPDATE, _update),
    Route("DELETE", "/v1/customers/<reference>", Form(), _delete),
    Route(
        "GET",
        "/v1/customers/<reference>/payment_methods",
        Form({**_PAGED_METHODS, "type": choice("card", "us_bank_account")}),
        _methods,
    ),
    Route("GET", "/v1/customers/<reference>/payment_methods/<method>", NOTHING, _method),
]
