"""SetupIntents: a payment method that is to be kept, and the payer's leave to use it later."""

from __future__ import annotations

from collections.abc import Mapping

from billing.sandbox import intents
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import Decline, card_of
from billing.sandbox.errors import ApiError, CardDeclined
from billing.sandbox.events import emit
from billing.sandbox.intent_calls import AUTOMATIC, OPTIONS, USAGE, VERIFY
from billing.sandbox.mandates import MANDATE_DATA, mandate_for
from billing.sandbox.parameters import (
    EXPAND,
    PAGED,
    Form,
    Parser,
    address,
    changed_metadata,
    choice,
    flag,
    listed,
    metadata,
    metadata_change,
    no_longer,
    text,
    unsettable,
)
from billing.sandbox.payment_methods import (
    DATA,
    TYPES,
    attach,
    given_method,
    refusal_to_save,
    refuse_unfit,
)
from billing.sandbox.setup_attempts import record_attempt
from billing.sandbox.storage import Condition, Thing, new_reference

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def new_setup(call: Call, params: Thing, *, managed: bool = False) -> Thing:
    """`managed`: by Checkout, so that nobody else may confirm it."""
    reference = new_reference("seti")
    kinds = params.get("allowed_payment_method_types")
    if params.get("customer"):
        lookup(call, "customer", params["customer"], param="customer")
    setup = call.shelf.add({
        "id": reference,
        "object": "setup_intent",
        "allowed_payment_method_types": kinds,
        "application": None,
        "automatic_payment_methods": intents.automatic(params),
        "cancellation_reason": None,
        "client_secret": f"{reference}_secret_{new_reference('x')[2:]}",
        "created": call.now,
        "customer": params.get("customer"),
        "description": params.get("description"),
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": params.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
            **params.get("payment_method_options", {}),
        },
        "payment_method_types": kinds or list(TYPES),
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
        "_managed": managed,
    })  # fmt: skip
    emit(call, "setup_intent.created", setup)
    return setup


def set_up(call: Call, setup: Thing, method: Thing, params: Thing) -> Decline | None:
    """Try to keep a payment method; why its bank refused, if it did. The payer may have to act first.

    Raises: ApiError when the method is not fit for it.
    """
    refuse_unfit(method, setup["customer"], setup["payment_method_types"])
    setup["_return_url"] = params.get("return_url")
    setup["payment_method"] = method["id"]
    decline = refusal_to_save(method)
    if decline:
        _fail(call, setup, method, {
            "code": decline.code, "message": decline.message, "type": "card_error",
            **({"decline_code": decline.decline_code} if decline.decline_code else {}),
        })  # fmt: skip
    elif method["type"] == "us_bank_account":
        acceptance = params.get("mandate_data", {}).get("customer_acceptance")
        setup["mandate"] = mandate_for(call, method, acceptance)["id"]
        if method["_verified"]:
            succeed(call, setup, method)
        else:
            _require(call, setup, method, intents.verification(call, setup))
    elif card_of(method).authenticates in ("always", "unless_set_up") and not method.get("_set_up"):
        _require(call, setup, method, intents.authentication(call, setup))
    else:
        succeed(call, setup, method)
    return decline


def succeed(call: Call, setup: Thing, method: Thing) -> None:
    """It is kept, for the customer if there is one."""
    method["_set_up"] = True
    if setup["customer"]:
        attach(call, method, lookup(call, "customer", setup["customer"]))
    call.shelf.save(method)
    record_attempt(call, setup, method, "succeeded")
    setup.update(status="succeeded", next_action=None, last_setup_error=None)
    call.shelf.save(setup)
    emit(call, "setup_intent.succeeded", setup)


def authenticated(call: Call, setup: Thing, *, succeeds: bool) -> None:
    """The payer did what the bank asked for, or could not. Raises: ApiError unless it was asked for."""
    if setup["status"] != "requires_action":
        raise intents.in_wrong_state("authenticate", setup)
    method = lookup(call, "payment_method", setup["payment_method"])
    if succeeds:
        succeed(call, setup, method)
        return
    _fail(call, setup, method, {
        "code": "setup_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication. Provide another one.",
        "type": "invalid_request_error",
    })  # fmt: skip


def cancel_setup(call: Call, setup: Thing, reason: str | None) -> None:
    """Raises: ApiError when it has succeeded or was canceled."""
    if setup["status"] not in OPEN:
        raise intents.in_wrong_state("cancel", setup)
    setup.update(status="canceled", cancellation_reason=reason, next_action=None)
    call.shelf.save(setup)
    emit(call, "setup_intent.canceled", setup)


def _fail(call: Call, setup: Thing, method: Thing, error: Thing) -> None:
    told = {**error, "payment_method": shown(call, method)}
    record_attempt(call, setup, method, "failed", told)
    setup.update(
        status="requires_payment_method", payment_method=None, next_action=None, last_setup_error=told
    )
    call.shelf.save(setup)
    emit(call, "setup_intent.setup_failed", setup)


def _require(call: Call, setup: Thing, method: Thing, action: Thing) -> None:
    record_attempt(call, setup, method, "requires_action")
    setup.update(status="requires_action", next_action=action, last_setup_error=None)
    call.shelf.save(setup)
    emit(call, "setup_intent.requires_action", setup)


def _create(call: Call, params: Thing) -> Thing:
    for name in ("mandate_data", "return_url"):
        if name in params and not params.get("confirm"):
            raise ApiError(f"{name} can only be passed with confirm=true.", param=name)
    setup = new_setup(call, params)
    if params.get("confirm"):
        _attempt(call, setup, params)
    else:
        _choose(call, setup, params)
        call.shelf.save(setup)
    return shown(call, setup, params.get("expand", ()))


def _choose(call: Call, setup: Thing, params: Thing) -> None:
    method = given_method(call, params)
    if method is not None:
        refuse_unfit(method, setup["customer"], setup["payment_method_types"])
        setup.update(status="requires_confirmation", payment_method=method["id"])


def _confirm(call: Call, params: Thing, *, reference: str) -> Thing:
    setup = lookup(call, "setup_intent", reference, param="intent")
    if setup["_managed"]:
        raise ApiError("You cannot confirm this SetupIntent: it is managed by Checkout.", param="intent")
    if setup["status"] not in OPEN:
        raise intents.in_wrong_state("confirm", setup)
    _attempt(call, setup, params)
    return shown(call, setup, params.get("expand", ()))


def _attempt(call: Call, setup: Thing, params: Thing) -> None:
    method = given_method(call, params, otherwise=setup["payment_method"])
    if method is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise ApiError(message, code="setup_intent_unexpected_state", param="payment_method")
    decline = set_up(call, setup, method, params)
    if decline:
        raise CardDeclined(
            code=decline.code,
            decline_code=decline.decline_code,
            message=decline.message,
            setup_intent=shown(call, setup),
            payment_method=shown(call, method),
        )


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    setup = lookup(call, "setup_intent", reference, param="intent")
    if setup["status"] not in OPEN and not params.keys() <= {"description", "metadata", "expand"}:
        raise intents.in_wrong_state("update", setup)
    if "customer" in params:
        setup["customer"] = lookup(call, "customer", params["customer"], param="customer")["id"]
    if "description" in params:
        setup["description"] = params["description"] or None
    _choose(call, setup, params)
    setup["metadata"] = changed_metadata(setup["metadata"], params)
    call.shelf.save(setup)
    return shown(call, setup, params.get("expand", ()))


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    setup = lookup(call, "setup_intent", reference, param="intent")
    if setup["_managed"]:
        raise ApiError("You cannot cancel this SetupIntent: expire its Checkout Session.", param="intent")
    cancel_setup(call, setup, params.get("cancellation_reason"))
    return shown(call, setup, params.get("expand", ()))


def _verify(call: Call, params: Thing, *, reference: str) -> Thing:
    setup = lookup(call, "setup_intent", reference, param="intent")
    method = call.shelf.find(setup["payment_method"] or "", "payment_method")
    intents.check_deposits(setup, method or {}, params)
    assert method, "deposits are sent to somebody's account"
    method["_verified"] = True
    succeed(call, setup, method)
    return shown(call, setup, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("customer", "payment_method") if name in params
    ]
    return page(call, "setup_intent", params, url="/v1/setup_intents", conditions=conditions)


_COMMON: Mapping[str, Parser] = {
    **EXPAND,
    "payment_method": text(255),
    "payment_method_data": DATA,
    "payment_method_options": OPTIONS,
    "allowed_payment_method_types": listed(choice(*TYPES)),
}
_CONFIRM: Mapping[str, Parser] = {**_COMMON, "mandate_data": MANDATE_DATA, "return_url": address()}
_CREATE = Form({
    **_CONFIRM,
    "automatic_payment_methods": AUTOMATIC,
    "confirm": flag(),
    "customer": text(255),
    "description": text(1000),
    "metadata": metadata(),
    "payment_method_types": no_longer("payment_method_types"),
    "usage": USAGE,
})  # fmt: skip
_UPDATE = Form({
    **_COMMON,
    "customer": text(255),
    "description": unsettable(1000),
    "metadata": metadata_change(),
    "payment_method_types": no_longer("payment_method_types"),
})  # fmt: skip

ROUTES = [
    Route("POST", "/v1/setup_intents", _CREATE, _create),
    Route(
        "GET",
        "/v1/setup_intents/<reference>",
        Form({**EXPAND, "client_secret": text(500)}),
        reader("setup_intent", param="intent"),
    ),
    Route(
        "GET", "/v1/setup_intents", Form({**PAGED, "customer": text(255), "payment_method": text(255)}), _list
    ),
    Route("POST", "/v1/setup_intents/<reference>", _UPDATE, _update),
    Route("POST", "/v1/setup_intents/<reference>/confirm", Form(_CONFIRM), _confirm),
    Route(
        "POST",
        "/v1/setup_intents/<reference>/cancel",
        Form(
            {
                **EXPAND,
                "cancellation_reason": choice("abandoned", "requested_by_customer", "duplicate"),
            }
        ),
        _cancel,
    ),
    Route("POST", "/v1/setup_intents/<reference>/verify_microdeposits", VERIFY, _verify),
]
