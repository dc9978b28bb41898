"""Refunds: never more than the charge took, and none while it is disputed."""

from __future__ import annotations

from billing.sandbox import balance
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.disputes import blocks_refunds, undisputed
from billing.sandbox.errors import ApiError, missing_parameter
from billing.sandbox.events import emit
from billing.sandbox.parameters import EXPAND, NOTHING, PAGED, Form, choice, metadata, text, whole
from billing.sandbox.storage import Condition, Thing, new_reference

FAILURES = ("lost_or_stolen_card", "expired_or_canceled_card", "unknown")


def fail_refund(call: Call, reference: str, reason: str) -> Thing:
    """The bank sends a refund back, perhaps weeks later: the money returns to the balance.

    Raises: ApiError when there is no such refund, or it has failed before.
    """
    refund = lookup(call, "refund", reference)
    if refund["status"] not in ("pending", "succeeded"):
        raise ApiError(f"A refund that is {refund['status']} cannot fail.")
    charge = lookup(call, "charge", refund["charge"])
    movement = balance.book(
        call, kind="refund_failure", source=reference, amount=refund["amount"], available_on=call.now
    )
    refund.update(status="failed", failure_reason=reason, failure_balance_transaction=movement["id"])
    call.shelf.save(refund)
    _count_refunded(call, charge, -refund["amount"])
    for kind in ("refund.updated", "refund.failed", "charge.refund.updated"):
        emit(call, kind, refund)
    return refund


def _create(call: Call, params: Thing) -> Thing:
    charge = _refundable_charge(call, params)
    amount = _allowed_amount(call, charge, params.get("amount"))
    refund = _refund(call, charge, amount, params)
    movement = balance.book(
        call, kind="refund", source=refund["id"], amount=-amount, available_on=_available_on(call, charge)
    )
    refund["balance_transaction"] = movement["id"]
    call.shelf.add(refund)
    _count_refunded(call, charge, amount)
    emit(call, "charge.refunded", charge)
    emit(call, "refund.created", refund)
    return shown(call, refund, params.get("expand", ()))


def _refundable_charge(call: Call, params: Thing) -> Thing:
    charge = _named_charge(call, params)
    reference = charge["id"]
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {reference} has not been paid; it cannot be refunded.", param="charge")
    if blocks_refunds(call, charge):
        message = f"Charge {reference} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed", param="charge")
    return charge


def _named_charge(call: Call, params: Thing) -> Thing:
    if len(params.keys() & {"charge", "payment_intent"}) != 1:
        raise missing_parameter("charge")
    if "charge" in params:
        return lookup(call, "charge", params["charge"], param="charge")
    intent = lookup(call, "payment_intent", params["payment_intent"], param="payment_intent")
    if intent["latest_charge"] is None:
        raise ApiError(f"PaymentIntent {intent['id']} has no charge to refund.", param="payment_intent")
    return lookup(call, "charge", intent["latest_charge"], param="payment_intent")


def _allowed_amount(call: Call, charge: Thing, wanted: int | None) -> int:
    """All that is left, unless an amount is given. Raises: ApiError."""
    left = undisputed(call, charge)
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded", param="charge")
    if wanted is not None and wanted > left:
        message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
        raise ApiError(message, param="amount")
    return left if wanted is None else wanted


def _available_on(call: Call, charge: Thing) -> int:
    """A refund leaves with the charge that has not settled yet, else at once."""
    booked = lookup(call, "balance_transaction", charge["balance_transaction"])
    return max(call.now, int(booked["available_on"]))


def _count_refunded(call: Call, charge: Thing, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.shelf.save(charge)


def _refund(call: Call, charge: Thing, amount: int, params: Thing) -> Thing:
    return {
        "id": new_reference("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                     "type": "refund"},
            "type": "card",
        },
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("charge", "payment_intent") if name in params
    ]
    return page(call, "refund", params, url="/v1/refunds", conditions=conditions)


_CREATE = Form({
    **EXPAND,
    "charge": text(255),
    "payment_intent": text(255),
    "amount": whole(1),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata(),
})  # fmt: skip

ROUTES = [
    Route("POST", "/v1/refunds", _CREATE, _create),
    Route("GET", "/v1/refunds/<reference>", NOTHING, reader("refund")),
    Route("GET", "/v1/refunds", Form({**PAGED, "charge": text(255), "payment_intent": text(255)}), _list),
]
