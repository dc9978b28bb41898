"""Refunds: never more than the charge took, and none while it is disputed."""

from __future__ import annotations

from billing.sandbox import balance
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import card_of
from billing.sandbox.disputes import blocks_refunds, undisputed
from billing.sandbox.errors import ApiError, missing_parameter
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
    whole,
)
from billing.sandbox.storage import Condition, Thing, new_reference

FAILURES = (
    "lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed", "declined",
    "insufficient_funds", "merchant_request", "unknown",
)  # fmt: skip
CARD_SECONDS, BANK_SECONDS = 60, 2 * balance.DAY
"""How long the end of a refund takes that does not succeed at once."""


def fail_refund(call: Call, reference: str, reason: str) -> Thing:
    """The bank sends a refund back, perhaps weeks later: the money returns to the balance.

    Raises: ApiError when there is no such refund, or it has failed before.
    """
    refund = lookup(call, "refund", reference, param="refund")
    if refund["status"] not in ("pending", "succeeded"):
        raise ApiError(f"A refund that is {refund['status']} cannot fail.", param="refund")
    _give_back(call, refund, "failed", reason)
    for kind in ("refund.updated", "refund.failed", "charge.refund.updated"):
        emit(call, kind, refund)
    return refund


def cancel_refund(call: Call, reference: str) -> Thing:
    """As from the dashboard. Raises: ApiError unless it is pending."""
    refund = lookup(call, "refund", reference, param="refund")
    if refund["status"] != "pending":
        raise ApiError(f"A refund that is {refund['status']} cannot be canceled.", param="refund")
    _give_back(call, refund, "canceled", "merchant_request")
    _announce(call, refund)
    return refund


def settle_refund(call: Call, reference: str) -> Thing:
    """Raises: ApiError unless it is pending."""
    refund = lookup(call, "refund", reference, param="refund")
    if refund["status"] != "pending":
        raise ApiError(f"A refund that is {refund['status']} is settled already.", param="refund")
    refund.update(status="succeeded", _due_at=None)
    refund.pop("pending_reason")
    call.shelf.save(refund)
    _announce(call, refund)
    return refund


def end_overdue(call: Call) -> None:
    """What becomes of refunds as time passes."""
    for refund in call.shelf.select("refund", [("_due_at", "<=", call.now)], oldest_first=True):
        if refund["_ends_as"] == "failed":
            fail_refund(call, refund["id"], "expired_or_canceled_card")
        else:
            settle_refund(call, refund["id"])


def _announce(call: Call, refund: Thing) -> None:
    for kind in ("refund.updated", "charge.refund.updated"):
        emit(call, kind, refund)


def _give_back(call: Call, refund: Thing, status: str, reason: str) -> None:
    """The money returns to the balance, and can be refunded again."""
    charge = lookup(call, "charge", refund["charge"])
    movement = balance.book(
        call, kind="refund_failure", source=refund["id"], amount=refund["amount"], available_on=call.now
    )
    refund.update(
        status=status, failure_reason=reason, failure_balance_transaction=movement["id"], _due_at=None
    )
    refund.pop("pending_reason", None)
    call.shelf.save(refund)
    _count_refunded(call, charge, -refund["amount"])


def _create(call: Call, params: Thing) -> Thing:
    charge = _refundable_charge(call, params)
    amount = _allowed_amount(call, charge, params.get("amount"))
    refund = _refund(call, charge, amount, params)
    by_bank = charge["payment_method_details"]["type"] == "us_bank_account"
    movement = balance.book(
        call,
        kind="payment_refund" if by_bank else "refund",
        source=refund["id"],
        amount=-amount,
        available_on=_available_on(call, charge),
    )
    refund["balance_transaction"] = movement["id"]
    _take_its_time(refund, charge["payment_method_details"])
    call.shelf.add(refund)
    _count_refunded(call, charge, amount)
    emit(call, "charge.refunded", charge)
    emit(call, "refund.created", refund)
    return shown(call, refund, params.get("expand", ()))


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


def _take_its_time(refund: Thing, paid_by: Thing) -> None:
    """Refunds to bank accounts, and to the two test cards made for it, end later."""
    ends_as: str | None
    if paid_by["type"] == "us_bank_account":
        ends_as, seconds = "succeeded", BANK_SECONDS
    else:
        ends_as, seconds = card_of(paid_by).refund, CARD_SECONDS
    if ends_as:
        refund.update(_due_at=refund["created"] + seconds, _ends_as=ends_as)
    if ends_as == "succeeded":
        refund.update(status="pending", pending_reason="processing")


def _refundable_charge(call: Call, params: Thing) -> Thing:
    charge = _named_charge(call, params)
    reference = charge["id"]
    if charge["status"] != "succeeded" or not charge["captured"]:
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
        raise ApiError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return lookup(call, "charge", intent["latest_charge"], param="payment_intent")


def _allowed_amount(call: Call, charge: Thing, wanted: int | None) -> int:
    """All that is left, unless an amount is given. Raises: ApiError."""
    left = undisputed(call, charge)
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded", param="charge")
    if wanted is not None and wanted > left:
        amounts = f"Refund amount ({_dollars(wanted)}) is greater than unrefunded amount on charge"
        message = f"{amounts} ({_dollars(left)})"
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
        "destination_details": _destination(charge["payment_method_details"]["type"]),
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip


def _destination(kind: str) -> Thing:
    if kind == "us_bank_account":
        return {"type": "us_bank_transfer", "us_bank_transfer": {"reference": None, "reference_status": None}}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": card, "type": "card"}


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    refund = lookup(call, "refund", reference, param="refund")
    refund["metadata"] = changed_metadata(refund["metadata"], params)
    call.shelf.save(refund)
    _announce(call, refund)
    return shown(call, refund, params.get("expand", ()))


def _cancel(call: Call, _params: Thing, *, reference: str) -> Thing:
    """The API cancels only what waits for the customer, which no card's refund does."""
    refund = lookup(call, "refund", reference, param="refund")
    raise ApiError(f"A refund that is {refund['status']} cannot be canceled through the API.", param="refund")


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
    Route("POST", "/v1/refunds/<reference>", Form({**EXPAND, "metadata": metadata_change()}), _update),
    Route("POST", "/v1/refunds/<reference>/cancel", NOTHING, _cancel),
    Route("GET", "/v1/refunds", Form({**PAGED, "charge": text(255), "payment_intent": text(255)}), _list),
]
