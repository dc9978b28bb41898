"""Charges: one for each attempt on a payment method, whether it took the money or not."""

from __future__ import annotations

from typing import Any

from billing.sandbox import balance
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import INQUIRED_LAST4, Decline, card_of, risk_of
from billing.sandbox.disputes import open_dispute
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    changed_metadata,
    metadata_change,
    text,
    unsettable,
)
from billing.sandbox.storage import Condition, Thing, new_reference

HOLD_SECONDS = 7 * balance.DAY
"""How long the bank keeps a card's money for a capture."""


def attempt(call: Call, intent: Thing, method: Thing, decline: Decline | None) -> Thing:
    """Charge an intent's amount to a card; the charge says how it went. Saves both."""
    charge = call.shelf.add(new_charge(call, intent, method, decline))
    intent["latest_charge"] = charge["id"]
    if decline:
        refuse(call, intent, charge, method, decline)
    elif intent["capture_method"] == "manual":
        _hold(call, intent, charge, method)
    else:
        _take(call, intent, charge, method)
    return charge


def _hold(call: Call, intent: Thing, charge: Thing, method: Thing) -> None:
    """Authorized, to be captured within a week."""
    charge.update(amount_captured=0, captured=False, _due_at=call.now + HOLD_SECONDS)
    charge["payment_method_details"][method["type"]]["capture_before"] = charge["_due_at"]
    call.shelf.save(charge)
    intent.update(
        status="requires_capture",
        payment_method=method["id"],
        amount_capturable=intent["amount"],
        last_payment_error=None,
        next_action=None,
    )
    call.shelf.save(intent)
    emit(call, "charge.succeeded", charge)
    emit(call, "payment_intent.amount_capturable_updated", intent)


def _take(call: Call, intent: Thing, charge: Thing, method: Thing) -> None:
    """The balance transaction follows the charge, as it does at the processor."""
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    succeed(call, intent, charge, "charge.succeeded")
    _book(call, charge)
    _dispute(call, charge)


def _dispute(call: Call, charge: Thing) -> None:
    """What the bank of a card that was made for it does with each payment."""
    card = card_of(charge["payment_method_details"])
    if card.dispute:
        open_dispute(call, charge, reason=card.dispute, inquiry=card.last4 == INQUIRED_LAST4)


def succeed(call: Call, intent: Thing, charge: Thing, kind: str) -> None:
    """What was charged is the clinic's; `kind` is the event that tells so of the charge."""
    intent.update(
        status="succeeded", amount_received=charge["amount_captured"], amount_capturable=0, processing=None
    )
    call.shelf.save(intent)
    emit(call, kind, charge)
    emit(call, "payment_intent.succeeded", intent)


def _book(call: Call, charge: Thing) -> None:
    amount = charge["amount_captured"]
    card = card_of(charge["payment_method_details"])
    movement = balance.book(
        call,
        kind="charge",
        source=charge["id"],
        amount=amount,
        fee=balance.fee_of(charge["payment_method_details"]["type"], amount),
        available_on=call.now if card.available_at_once else balance.settles_on(call.now),
    )
    charge["balance_transaction"] = movement["id"]
    call.shelf.save(charge)


def capture(call: Call, intent: Thing, amount: int) -> None:
    """Take this much of what is held; the rest is free again."""
    charge = lookup(call, "charge", intent["latest_charge"])
    charge.update(amount_captured=amount, captured=True, _due_at=None)
    _book(call, charge)
    succeed(call, intent, charge, "charge.captured")
    _dispute(call, charge)


def release(call: Call, charge: Thing, kind: str) -> None:
    """Nothing of what is held is taken. `kind` is the event that tells so."""
    charge.update(amount_refunded=charge["amount"], refunded=True, _due_at=None)
    call.shelf.save(charge)
    emit(call, kind, charge)


def refuse(call: Call, intent: Thing, charge: Thing, method: Thing, decline: Decline) -> None:
    error = {
        "charge": charge["id"],
        "code": decline.code,
        "message": decline.message,
        "payment_method": shown(call, method),
        "type": "card_error" if method["type"] != "us_bank_account" else "invalid_request_error",
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    intent.update(
        status="requires_payment_method", payment_method=None, last_payment_error=error, next_action=None,
        processing=None,
    )  # fmt: skip
    call.shelf.save(intent)
    emit(call, "charge.failed", charge)
    emit(call, "payment_intent.payment_failed", intent)


def new_charge(call: Call, intent: Thing, method: Thing, decline: Decline | None) -> Thing:
    amount = intent["amount"]
    return {
        "id": new_reference("py" if method["type"] == "us_bank_account" else "ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if decline else amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": None,
        "captured": decline is None,
        "created": call.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome(decline, risk_of(method)),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(intent, method),
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def outcome(decline: Decline | None, risk: str = "normal") -> Thing:
    if decline is None:
        return {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": risk,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    if decline.blocked:
        return {
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "risk_level": "highest",
            "seller_message": "The processor blocked this payment as too risky.",
            "type": "blocked",
        }
    return {
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "seller_message": "The bank did not take the payment.",
        "type": "issuer_declined",
    }


_BANK_FIELDS = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
_CARD_FIELDS = (
    "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4",
    "regulated_status", "wallet",
)  # fmt: skip


def _details(intent: Thing, method: Thing) -> Thing:
    kind = method["type"]
    known = method[kind]
    if kind == "card_present":
        details: dict[str, Any] = {**known, **method["_read"], "amount_authorized": intent["amount"]}
        details.pop("networks")
    elif kind == "us_bank_account":
        details = {name: known[name] for name in _BANK_FIELDS} | {"payment_reference": None}
    else:
        details = {
            **{name: known[name] for name in _CARD_FIELDS},
            "amount_authorized": intent["amount"],
            "installments": None,
            "mandate": None,
            "network": known["brand"],
            "three_d_secure": None,
        }
    return {kind: details, "type": kind}


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    charge = lookup(call, "charge", reference, param="charge")
    if "description" in params:
        charge["description"] = params["description"] or None
    charge["metadata"] = changed_metadata(charge["metadata"], params)
    call.shelf.save(charge)
    emit(call, "charge.updated", charge)
    return shown(call, charge, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("payment_intent", "customer") if name in params
    ]
    return page(call, "charge", params, url="/v1/charges", conditions=conditions)


_UPDATE = Form({**EXPAND, "description": unsettable(1000), "metadata": metadata_change()})

ROUTES = [
    Route("GET", "/v1/charges/<reference>", NOTHING, reader("charge")),
    Route("POST", "/v1/charges/<reference>", _UPDATE, _update),
    Route("GET", "/v1/charges", Form({**PAGED, "payment_intent": text(255), "customer": text(255)}), _list),
]
