"""Charges: one for each attempt on a card, whether it took the money or not."""

from __future__ import annotations

from typing import Any

from billing.sandbox import balance
from billing.sandbox.calls import Call, Route, page, reader
from billing.sandbox.cards import BY_LAST4, INQUIRED_LAST4, Decline, billing_details
from billing.sandbox.disputes import open_dispute
from billing.sandbox.events import emit
from billing.sandbox.parameters import NOTHING, PAGED, Form, text
from billing.sandbox.storage import Condition, Thing, new_reference


def attempt(call: Call, intent: Thing, method: Thing) -> Thing:
    """Charge an intent's amount to a card; the charge says how it went. Saves both."""
    decline = BY_LAST4[method["card"]["last4"]].decline
    charge = call.shelf.add(_charge(call, intent, method, decline))
    intent["latest_charge"] = charge["id"]
    if decline:
        _refused(call, intent, charge, method)
    else:
        _taken(call, intent, charge, method)
    return charge


def _taken(call: Call, intent: Thing, charge: Thing, method: Thing) -> None:
    """The balance transaction follows the charge, as it does at the processor."""
    intent.update(
        status="succeeded",
        payment_method=method["id"],
        amount_received=intent["amount"],
        last_payment_error=None,
    )
    call.shelf.save(intent)
    emit(call, "charge.succeeded", charge)
    emit(call, "payment_intent.succeeded", intent)
    movement = balance.book(
        call,
        kind="charge",
        source=charge["id"],
        amount=charge["amount"],
        fee=balance.card_fee(charge["amount"]),
        available_on=balance.settles_on(call.now),
    )
    charge["balance_transaction"] = movement["id"]
    call.shelf.save(charge)
    card = BY_LAST4[method["card"]["last4"]]
    if card.dispute:
        open_dispute(call, charge, reason=card.dispute, inquiry=card.last4 == INQUIRED_LAST4)


def _refused(call: Call, intent: Thing, charge: Thing, method: Thing) -> None:
    decline = BY_LAST4[method["card"]["last4"]].decline
    assert decline
    error = {"charge": charge["id"], "code": decline.code, "message": decline.message, "type": "card_error"}
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    call.shelf.save(intent)
    emit(call, "charge.failed", charge)
    emit(call, "payment_intent.payment_failed", intent)


def _charge(call: Call, intent: Thing, method: Thing, decline: Decline | None) -> Thing:
    amount = intent["amount"]
    return {
        "id": new_reference("ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if decline else amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing_details(),
        "calculated_statement_descriptor": None,
        "captured": decline is None,
        "created": call.now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(decline),
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
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _outcome(decline: Decline | None) -> Thing:
    if decline is None:
        return {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "seller_message": "The bank did not take the payment.",
        "type": "issuer_declined",
    }


def _details(intent: Thing, method: Thing) -> Thing:
    card: dict[str, Any] = {
        **method["card"],
        "amount_authorized": intent["amount"],
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "fingerprint": f"card{method['card']['last4']}{method['card']['brand']}",
        "installments": None,
        "mandate": None,
        "network": method["card"]["brand"],
        "three_d_secure": None,
        "wallet": None,
    }
    return {"card": card, "type": "card"}


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = []
    if "payment_intent" in params:
        conditions.append(("payment_intent", "=", params["payment_intent"]))
    return page(call, "charge", params, url="/v1/charges", conditions=conditions)


ROUTES = [
    Route("GET", "/v1/charges/<reference>", NOTHING, reader("charge")),
    Route("GET", "/v1/charges", Form({**PAGED, "payment_intent": text(255)}), _list),
]
