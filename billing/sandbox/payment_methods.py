"""Payment methods: cards and bank accounts, as they are remembered, attached to customers and detached."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.sandbox import banks, cards
from billing.sandbox.calls import Call, Route, lookup, page, shown
from billing.sandbox.errors import ApiError, CardDeclined, missing_parameter, no_such
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    changed_metadata,
    choice,
    metadata,
    metadata_change,
    text,
    unsettable,
    whole,
)
from billing.sandbox.storage import Condition, Thing, new_reference

TYPES = ("card", "us_bank_account")
NAMED_CARD_EXPIRES = (12, 2040)


def new_card(call: Call, card: cards.Card, expires: tuple[int, int], **more: Any) -> Thing:
    return keep(call, "card", cards.card_hash(card, expires), more)


def new_bank_account(
    call: Call, account: banks.Account, *, given: Thing | None = None, verified: bool, **more: Any
) -> Thing:
    """`given`: what its owner says of it."""
    details = {
        "account_holder_type": "individual",
        "account_type": "checking",
        **{name: value for name, value in (given or {}).items() if not name.endswith("_number")},
        "bank_name": banks.BANK_NAME,
        "financial_connections_account": None,
        "fingerprint": cards.fingerprint(account.number),
        "last4": account.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": banks.ROUTING_NUMBER,
        "status_details": {},
    }
    return keep(call, "us_bank_account", details, {"_verified": verified, **more})


def keep(call: Call, kind: str, details: Thing, more: Thing) -> Thing:
    return call.shelf.add({
        "id": new_reference("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "created": call.now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        kind: details,
        **more,
    })  # fmt: skip


def billing_details(given: Thing | None = None) -> Thing:
    return dict.fromkeys(("address", "email", "name", "phone", "tax_id")) | (given or {})


def stored_method(call: Call, name: str, *, param: str = "payment_method") -> Thing:
    """A stored payment method, or a new one for each use of a test name. Raises: ApiError, 404."""
    if name in cards.BY_NAME:
        return new_card(call, cards.BY_NAME[name], NAMED_CARD_EXPIRES)
    if name in banks.BY_NAME:
        return new_bank_account(call, banks.BY_NAME[name], verified=True)
    method = call.shelf.find(name, "payment_method")
    if method is None:
        raise no_such("PaymentMethod", name, param=param)
    return method


def given_method(call: Call, params: Thing, *, otherwise: str | None = None) -> Thing | None:
    """The one that a request names or describes, else the one that was chosen before."""
    if "payment_method_data" in params:
        if "payment_method" in params:
            raise ApiError("You may only specify one of payment_method and payment_method_data.")
        return described_method(call, params["payment_method_data"], within="payment_method_data")
    name = params.get("payment_method", otherwise)
    return None if name is None else stored_method(call, name)


def described_method(call: Call, params: Thing, *, within: str = "") -> Thing:
    """A new one from a published test number. Raises: ApiError for any other number."""
    kind = params["type"]
    param = f"{within}[{kind}]" if within else kind
    if kind == "card" and within:
        raise ApiError(f"Invalid {within}[type]: a card is made by its own call.", param=f"{within}[type]")
    if kind not in params or not params.keys().isdisjoint({*TYPES} - {kind}):
        raise missing_parameter(param)
    more = {
        "allow_redisplay": params.get("allow_redisplay", "unspecified"),
        "billing_details": billing_details(params.get("billing_details")),
        "metadata": params.get("metadata", {}),
    }
    if kind == "card":
        return _described_card(call, params["card"], more, param)
    return _described_account(call, params["us_bank_account"], more, param)


def _described_card(call: Call, given: Thing, more: Thing, param: str) -> Thing:
    if "token" in given:
        name = given["token"].replace("tok_", "pm_card_", 1)
        if name not in cards.BY_NAME:
            raise no_such("token", given["token"], param=f"{param}[token]")
        return new_card(call, cards.BY_NAME[name], NAMED_CARD_EXPIRES, **more)
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise missing_parameter(f"{param}[{name}]")
    card = find_card(given["number"], param="number")
    year = given["exp_year"] if given["exp_year"] > 99 else 2000 + given["exp_year"]
    _refuse_wrong_details(call, card, (given["exp_month"], year), given.get("cvc"))
    return new_card(call, card, (given["exp_month"], year), **more)


def _refuse_wrong_details(call: Call, card: cards.Card, expires: tuple[int, int], cvc: str | None) -> None:
    """Raises: CardDeclined. Source: docs.stripe.com/testing, invalid data."""
    today = datetime.fromtimestamp(call.now, UTC)
    month, year = expires
    if not 1 <= month <= 12 or (year == today.year and month < today.month):
        raise _wrong("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if not today.year <= year <= today.year + 50:
        raise _wrong("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    digits = 4 if card.brand == "amex" else 3
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, digits)):
        raise _wrong("invalid_cvc", "Your card's security code is invalid.", "cvc")


def _wrong(code: str, message: str, param: str) -> CardDeclined:
    return CardDeclined(code=code, decline_code=None, message=message, param=param)


def find_card(number: str, *, param: str) -> cards.Card:
    """Raises: CardDeclined when it is no card's number, or no published test card's."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isdigit() or not cards.passes_luhn(digits):
        raise CardDeclined(
            code="incorrect_number", decline_code=None, message="Your card number is incorrect.", param=param
        )
    if digits not in cards.BY_NUMBER:
        message = "Your card was declined. Your request was in test mode, but used a non test card."
        raise CardDeclined(code="card_declined", decline_code="test_mode_live_card", message=message)
    return cards.BY_NUMBER[digits]


def _described_account(call: Call, given: Thing, more: Thing, param: str) -> Thing:
    """Not verified yet. Raises: ApiError."""
    for name in ("account_number", "routing_number", "account_holder_type"):
        if name not in given:
            raise missing_parameter(f"{param}[{name}]")
    if not more["billing_details"]["name"]:
        raise missing_parameter("billing_details[name]")
    return new_bank_account(call, find_account(given, param=param), given=given, verified=False, **more)


def find_account(given: Thing, *, param: str) -> banks.Account:
    """Raises: ApiError when it is no published test account."""
    if given["routing_number"] != banks.ROUTING_NUMBER:
        message = f"Invalid routing number. The test routing number is {banks.ROUTING_NUMBER}."
        raise ApiError(message, code="routing_number_invalid", param=f"{param}[routing_number]")
    if given["account_number"] not in banks.BY_NUMBER:
        message = "You must use a test bank account number in test mode."
        raise ApiError(message, code="account_number_invalid", param=f"{param}[account_number]")
    return banks.BY_NUMBER[given["account_number"]]


def attach(call: Call, method: Thing, customer: Thing) -> None:
    """Keep it for the customer. Raises: ApiError when it is another's or used up; CardDeclined."""
    if method["customer"] == customer["id"]:
        return
    if method["customer"]:
        raise ApiError("The payment method you provided has already been attached to a customer.")
    if method.get("_used"):
        raise _used_up()
    if method["type"] == "us_bank_account" and not method["_verified"]:
        raise ApiError("This bank account must be verified before it can be attached to a customer.")
    decline = refusal_to_save(method)
    if decline:
        raise CardDeclined(code=decline.code, decline_code=decline.decline_code, message=decline.message)
    method["customer"] = customer["id"]
    call.shelf.save(method)
    emit(call, "payment_method.attached", method)


def detach(call: Call, method: Thing) -> None:
    """For good: it can be neither charged nor attached again."""
    before = method["customer"]
    method.update(customer=None, _used=True)
    call.shelf.save(method)
    emit(call, "payment_method.detached", method, previous={"customer": before})


def refusal_to_save(method: Thing) -> cards.Decline | None:
    """Why the bank does not let a card be saved."""
    if method["type"] != "card" or cards.card_of(method).attaches:
        return None
    return cards.card_of(method).decline


def refuse_unfit(method: Thing, customer: str | None, kinds: list[str]) -> None:
    """Raises: ApiError when it cannot be used for this customer's payment, or its type is not allowed."""
    if method["type"] not in kinds:
        message = (
            f"The PaymentMethod provided ({method['type']}) is not allowed for this intent. "
            f"Please attach a PaymentMethod of one of the following types: {', '.join(kinds)}."
        )
        raise ApiError(message, param="payment_method")
    if method.get("_used"):
        raise _used_up()
    if method["customer"] and method["customer"] != customer:
        message = (
            f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. "
            "Please include the Customer in the `customer` parameter."
        )
        raise ApiError(message, param="payment_method")


def _used_up() -> ApiError:
    return ApiError(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or "
        "was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you "
        "must attach it to a Customer first.",
        param="payment_method",
    )


def _create(call: Call, params: Thing) -> Thing:
    if "type" not in params:
        raise missing_parameter("type")
    return shown(call, described_method(call, params), params.get("expand", ()))


def _retrieve(call: Call, params: Thing, *, reference: str) -> Thing:
    return shown(call, stored_method(call, reference), params.get("expand", ()))


def _attach(call: Call, params: Thing, *, reference: str) -> Thing:
    customer = lookup(call, "customer", params["customer"], param="customer")
    method = stored_method(call, reference)
    attach(call, method, customer)
    return shown(call, method, params.get("expand", ()))


def _detach(call: Call, params: Thing, *, reference: str) -> Thing:
    method = lookup(call, "payment_method", reference, param="payment_method")
    if not method["customer"]:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise ApiError(message)
    detach(call, method)
    return shown(call, method, params.get("expand", ()))


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    method = lookup(call, "payment_method", reference, param="payment_method")
    if not method["customer"]:
        raise ApiError("You must save this PaymentMethod to a customer before you can update it.")
    before = shown(call, method)
    method["billing_details"] = billing_details(
        {**method["billing_details"], **params.get("billing_details", {})}
    )
    method["allow_redisplay"] = params.get("allow_redisplay", method["allow_redisplay"])
    if "card" in params and method["type"] == "card":
        method["card"] = {**method["card"], **params["card"]}
    method["metadata"] = changed_metadata(method["metadata"], params)
    call.shelf.save(method)
    previous = {name: value for name, value in before.items() if method[name] != value}
    emit(call, "payment_method.updated", method, previous=previous)
    return shown(call, method, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = []
    if "customer" in params:
        lookup(call, "customer", params["customer"], param="customer")
    for name in ("customer", "type"):
        if name in params:
            conditions.append((name, "=", params[name]))
    return page(call, "payment_method", params, url="/v1/payment_methods", conditions=conditions)


_ADDRESS = Form(
    {name: unsettable(500) for name in ("city", "country", "line1", "line2", "postal_code", "state")}
)
_BILLING = Form({"address": _ADDRESS, "email": text(512), "name": text(512), "phone": text(64)})
_EXPIRY = {"exp_month": whole(1, 12), "exp_year": whole(0, 2100)}
_CARD = Form({**_EXPIRY, "exp_month": whole(0, 99), "number": text(23), "cvc": text(4), "token": text(255)})
_ACCOUNT = Form({
    "account_holder_type": choice("company", "individual"),
    "account_number": text(17),
    "account_type": choice("checking", "savings"),
    "routing_number": text(9),
})  # fmt: skip
_REDISPLAY = choice("always", "limited", "unspecified")
DESCRIPTION = Form(
    {
        "type": choice(*TYPES),
        "allow_redisplay": _REDISPLAY,
        "billing_details": _BILLING,
        "card": _CARD,
        "metadata": metadata(),
        "us_bank_account": _ACCOUNT,
    },
    required=frozenset({"type"}),
)
DATA = Form(
    {name: parse for name, parse in DESCRIPTION.fields.items() if name != "card"}, DESCRIPTION.required
)
"""What an intent may be given instead of a payment method: never a card's number."""

_UPDATE = Form({
    **EXPAND,
    "allow_redisplay": _REDISPLAY,
    "billing_details": _BILLING,
    "card": Form(_EXPIRY),
    "metadata": metadata_change(),
})  # fmt: skip
_LIST = Form({
    **{name: parse for name, parse in PAGED.items() if name != "created"},
    "customer": text(255),
    "type": choice(*TYPES),
})  # fmt: skip

ROUTES = [
    Route("POST", "/v1/payment_methods", Form({**EXPAND, **DESCRIPTION.fields}), _create),
    Route("GET", "/v1/payment_methods/<reference>", NOTHING, _retrieve),
    Route("GET", "/v1/payment_methods", _LIST, _list),
    Route("POST", "/v1/payment_methods/<reference>", _UPDATE, _update),
    Route(
        "POST",
        "/v1/payment_methods/<reference>/attach",
        Form({**EXPAND, "customer": text(255)}, required=frozenset({"customer"})),
        _attach,
    ),
    Route("POST", "/v1/payment_methods/<reference>/detach", NOTHING, _detach),
]
