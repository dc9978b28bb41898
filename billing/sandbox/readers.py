"""Card readers at the desk: told to take a payment, shown a card by a test, told to stop.

Source: docs.stripe.com/terminal/payments/collect-card-payment?terminal-sdk-platform=server-driven.
"""

from __future__ import annotations

from collections.abc import Mapping

from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import BY_NUMBER, Card, Decline, decline_of, fingerprint
from billing.sandbox.errors import ApiError
from billing.sandbox.events import emit
from billing.sandbox.intents import in_wrong_state, pay
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    Parser,
    address,
    changed_metadata,
    choice,
    flag,
    metadata,
    metadata_change,
    text,
    unsettable,
    whole,
)
from billing.sandbox.payment_methods import NAMED_CARD_EXPIRES, find_card, keep, new_card
from billing.sandbox.storage import Condition, Thing, new_reference

REGISTRATION_CODES = {
    "simulated-wpe": "simulated_wisepos_e",
    "simulated-s700": "simulated_stripe_s700",
    "simulated-s710": "simulated_stripe_s710",
}
ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")
CONNECTION_ERROR = "connection_error"
FAILURES = {
    "customer_canceled": "The customer canceled the payment on the reader.",
    "terminal_reader_timeout": "The reader did not answer in time.",
    CONNECTION_ERROR: "The reader lost its connection while it was paying.",
}
"""Why a reader ends what it was told to do without a card."""


def fail_action(call: Call, device: Thing, code: str, message: str, api_error: Thing | None = None) -> None:
    """`api_error` is what the bank or the processor said; None when the reader itself gave up.

    Raises: ApiError when the reader does nothing.
    """
    action = _running(device)
    action.update(status="failed", api_error=api_error, failure_code=code, failure_message=message)
    call.shelf.save(device)
    emit(call, "terminal.reader.action_failed", device)


def _running(device: Thing) -> Thing:
    action: Thing | None = device["action"]
    if action is None or action["status"] != "in_progress":
        raise ApiError(f"Reader {device['id']} is not processing any payment.", param="reader")
    return action


def _create_location(call: Call, params: Thing) -> Thing:
    location = call.shelf.add({
        "id": new_reference("tml"),
        "object": "terminal.location",
        "address": {name: params["address"].get(name) for name in ADDRESS_PARTS},
        "display_name": params["display_name"],
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "_created": call.now,
    })  # fmt: skip
    return shown(call, location, params.get("expand", ()))


def _update_location(call: Call, params: Thing, *, reference: str) -> Thing:
    location = lookup(call, "terminal.location", reference, param="location")
    location["display_name"] = params.get("display_name", location["display_name"])
    location["address"] = {**location["address"], **params.get("address", {})}
    location["metadata"] = changed_metadata(location["metadata"], params)
    call.shelf.save(location)
    return shown(call, location, params.get("expand", ()))


def _delete_location(call: Call, _params: Thing, *, reference: str) -> Thing:
    lookup(call, "terminal.location", reference, param="location")
    if call.shelf.select("terminal.reader", [("location", "=", reference), ("deleted", "IS", None)]):
        raise ApiError("A location that has readers cannot be deleted.", param="location")
    return call.shelf.save({"id": reference, "object": "terminal.location", "deleted": True})


def _list_locations(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("deleted", "IS", None)]
    return page(call, "terminal.location", params, url="/v1/terminal/locations", conditions=conditions)


def _register(call: Call, params: Thing) -> Thing:
    device_type = REGISTRATION_CODES.get(params["registration_code"])
    if device_type is None:
        message = f"{params['registration_code']!r} registers no simulated reader."
        raise ApiError(message, param="registration_code")
    if "location" in params:
        lookup(call, "terminal.location", params["location"], param="location")
    reference = new_reference("tmr")
    device = call.shelf.add({
        "id": reference,
        "object": "terminal.reader",
        "action": None,
        "device_sw_version": "2.0.0",
        "device_type": device_type,
        "ip_address": "127.0.0.1",
        "label": params.get("label", reference),
        "last_seen_at": call.now * 1000,
        "livemode": False,
        "location": params.get("location"),
        "metadata": params.get("metadata", {}),
        "serial_number": f"simulated-{reference[-12:]}",
        "status": "online",
        "_created": call.now,
    })  # fmt: skip
    return shown(call, device, params.get("expand", ()))


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    device = lookup(call, "terminal.reader", reference, param="reader")
    if "label" in params:
        device["label"] = params["label"] or reference
    device["metadata"] = changed_metadata(device["metadata"], params)
    call.shelf.save(device)
    return shown(call, device, params.get("expand", ()))


def _delete(call: Call, _params: Thing, *, reference: str) -> Thing:
    device = lookup(call, "terminal.reader", reference, param="reader")
    known = {name: device[name] for name in ("id", "object", "device_type", "serial_number")}
    return call.shelf.save({**known, "deleted": True})


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("deleted", "IS", None)]
    for name in ("device_type", "location", "serial_number", "status"):
        if name in params:
            conditions.append((name, "=", params[name]))
    return page(call, "terminal.reader", params, url="/v1/terminal/readers", conditions=conditions)


def _process(call: Call, params: Thing, *, reference: str) -> Thing:
    """The reader asks for a card; nothing is taken before it is shown one."""
    device = _ready(call, reference)
    intent = lookup(call, "payment_intent", params["payment_intent"], param="payment_intent")
    if "card_present" not in intent["payment_method_types"]:
        message = "A reader takes only PaymentIntents whose payment_method_types include card_present."
        raise ApiError(message, param="payment_intent")
    if intent["status"] != "requires_payment_method":
        raise in_wrong_state("process", intent, code="intent_invalid_state")
    details: Thing = {"payment_intent": intent["id"]}
    if "process_config" in params:
        known = ("enable_customer_cancellation", "return_url", "skip_tipping")
        details["process_config"] = {
            name: params["process_config"][name] for name in known if name in params["process_config"]
        }
    device["action"] = {
        "api_error": None,
        "failure_code": None,
        "failure_message": None,
        "process_payment_intent": details,
        "status": "in_progress",
        "type": "process_payment_intent",
    }
    call.shelf.save(device)
    return shown(call, device, params.get("expand", ()))


def _ready(call: Call, reference: str) -> Thing:
    """Raises: ApiError when it is away, or at work."""
    device = lookup(call, "terminal.reader", reference, param="reader")
    if device["status"] == "offline":
        message = "Reader is currently offline, please ensure the reader is powered on and connected."
        raise ApiError(message, code="terminal_reader_offline")
    if device["action"] and device["action"]["status"] == "in_progress":
        message = "Reader is currently busy processing another request, please try again."
        raise ApiError(message, code="terminal_reader_busy")
    return device


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    """What has not been paid stays to be paid."""
    device = lookup(call, "terminal.reader", reference, param="reader")
    if device["status"] == "offline":
        _ready(call, reference)
    device["action"] = None
    call.shelf.save(device)
    return shown(call, device, params.get("expand", ()))


def _present(call: Call, params: Thing, *, reference: str) -> Thing:
    """A test card at the reader; without a number, one that is paid."""
    device = lookup(call, "terminal.reader", reference, param="reader")
    number = params.get("card_present", {}).get("number")
    card = find_card(number, param="card_present[number]") if number else BY_NUMBER["4242424242424242"]
    show_card(call, device, card)
    return shown(call, device, params.get("expand", ()))


def show_card(call: Call, device: Thing, card: Card) -> None:
    """A reader that loses its connection in this moment does not learn what the bank said.

    Raises: ApiError when the reader does nothing.
    """
    action = _running(device)
    intent = lookup(call, "payment_intent", action["process_payment_intent"]["payment_intent"])
    if intent["status"] != "requires_payment_method":
        raise in_wrong_state("process", intent, code="intent_invalid_state")
    method = _method(call, card, device, intent)
    decline = decline_of(method)
    pay(call, intent, method, decline)
    if device.pop("_lost", False):
        fail_action(call, device, CONNECTION_ERROR, FAILURES[CONNECTION_ERROR])
    elif decline:
        fail_action(call, device, decline.code, decline.message, _told(decline))
    else:
        action["status"] = "succeeded"
        call.shelf.save(device)
        emit(call, "terminal.reader.action_succeeded", device)


def _told(decline: Decline) -> Thing:
    error = {"code": decline.code, "message": decline.message, "type": "card_error"}
    return {**error, "decline_code": decline.decline_code} if decline.decline_code else error


def _method(call: Call, card: Card, device: Thing, intent: Thing) -> Thing:
    month, year = NAMED_CARD_EXPIRES
    details = {
        "brand": card.brand,
        "brand_product": None,
        "cardholder_name": None,
        "country": "US",
        "description": None,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": fingerprint(card.number),
        "funding": card.funding,
        "issuer": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "offline": None,
        "preferred_locales": ["en"],
        "read_method": "contactless_emv",
    }
    read = {
        "generated_card": _generated_card(call, card, intent),
        "incremental_authorization_supported": False,
        "network": card.brand,
        "network_transaction_id": None,
        "overcapture_supported": False,
        "reader": device["id"],
        "receipt": _RECEIPT,
        **({"location": device["location"]} if device["location"] else {}),
    }
    return keep(call, "card_present", details, {"_read": read})


_RECEIPT = {
    "account_type": "credit",
    "application_cryptogram": "8F5A4C1B2D3E6071",
    "application_preferred_name": "Stripe Credit",
    "authorization_code": "123456",
    "authorization_response_code": "3030",
    "cardholder_verification_method": "approval",
    "dedicated_file_name": "A000000003101001",
    "terminal_verification_results": "0000000000",
    "transaction_status_information": "0000",
}


def _generated_card(call: Call, card: Card, intent: Thing) -> str | None:
    """What stands for the card in later payments, where those were agreed to."""
    if not (intent["setup_future_usage"] and intent["customer"]) or card.decline:
        return None
    method = new_card(call, card, NAMED_CARD_EXPIRES, customer=intent["customer"], _set_up=True)
    emit(call, "payment_method.attached", method)
    return str(method["id"])


_ADDRESS = {name: text(200) for name in ADDRESS_PARTS}
_LOCATION: Mapping[str, Parser] = {**EXPAND, "display_name": text(1000)}
_CONFIG = Form({
    "enable_customer_cancellation": flag(),
    "return_url": address(),
    "skip_tipping": flag(),
})  # fmt: skip
_NUMBER = Form({"number": text(23)})
_LIST_PAGES = {name: parse for name, parse in PAGED.items() if name != "created"}

ROUTES = [
    Route(
        "POST",
        "/v1/terminal/locations",
        Form(
            {**_LOCATION, "address": Form(_ADDRESS, required=frozenset({"country"})), "metadata": metadata()},
            required=frozenset({"display_name", "address"}),
        ),
        _create_location,
    ),
    Route("GET", "/v1/terminal/locations/<reference>", NOTHING, reader("terminal.location")),
    Route("GET", "/v1/terminal/locations", Form(_LIST_PAGES), _list_locations),
    Route(
        "POST",
        "/v1/terminal/locations/<reference>",
        Form({**_LOCATION, "address": Form(_ADDRESS), "metadata": metadata_change()}),
        _update_location,
    ),
    Route("DELETE", "/v1/terminal/locations/<reference>", Form(), _delete_location),
    Route(
        "POST",
        "/v1/terminal/readers",
        Form(
            {
                **EXPAND,
                "registration_code": text(100),
                "label": text(100),
                "location": text(255),
                "metadata": metadata(),
            },
            required=frozenset({"registration_code"}),
        ),
        _register,
    ),
    Route("GET", "/v1/terminal/readers/<reference>", NOTHING, reader("terminal.reader")),
    Route(
        "GET",
        "/v1/terminal/readers",
        Form(
            {
                **_LIST_PAGES,
                "device_type": text(100),
                "location": text(255),
                "serial_number": text(100),
                "status": choice("online", "offline"),
            }
        ),
        _list,
    ),
    Route(
        "POST",
        "/v1/terminal/readers/<reference>",
        Form({**EXPAND, "label": unsettable(100), "metadata": metadata_change()}),
        _update,
    ),
    Route("DELETE", "/v1/terminal/readers/<reference>", Form(), _delete),
    Route(
        "POST",
        "/v1/terminal/readers/<reference>/process_payment_intent",
        Form(
            {**EXPAND, "payment_intent": text(255), "process_config": _CONFIG},
            required=frozenset({"payment_intent"}),
        ),
        _process,
    ),
    Route("POST", "/v1/terminal/readers/<reference>/cancel_action", NOTHING, _cancel),
    Route(
        "POST",
        "/v1/test_helpers/terminal/readers/<reference>/present_payment_method",
        Form(
            {
                **EXPAND,
                "amount_tip": whole(0, 0),
                "type": choice("card_present"),
                "card_present": _NUMBER,
            }
        ),
        _present,
    ),
]
