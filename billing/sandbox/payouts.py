"""Payouts: what is available goes to the clinic's bank, and may come back."""

from __future__ import annotations

from billing.sandbox import balance
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.errors import ApiError
from billing.sandbox.events import emit
from billing.sandbox.parameters import EXPAND, NOTHING, PAGED, Form, choice, metadata, span, text, whole
from billing.sandbox.storage import Condition, Thing, new_reference

BANK = "ba_standin"
FAILURES = ("account_closed", "could_not_process", "no_account")


def pay_out(call: Call) -> Thing | None:
    """All that is available, as the automatic payout of a day; None when nothing is owed to the clinic."""
    waiting = [
        movement for movement in call.shelf.select("balance_transaction", [("available_on", "<=", call.now)])
        if movement.get("_payout") is None and movement["type"] not in ("payout", "payout_failure")
    ]  # fmt: skip
    amount = min(sum(movement["net"] for movement in waiting), balance.available(call))
    if amount <= 0 or amount != sum(movement["net"] for movement in waiting):
        return None
    payout = _leave(call, {"amount": amount}, automatic=True)
    for movement in waiting:
        movement["_payout"] = payout["id"]
        call.shelf.save(movement)
    arrive(call, payout)
    return payout


def fail_payout(call: Call, payout: Thing, code: str) -> Thing:
    """The bank sends it back: the money is available again. Raises: ApiError when it has failed before."""
    if payout["status"] not in ("pending", "in_transit", "paid"):
        raise ApiError(f"A payout that is {payout['status']} cannot fail.")
    movement = balance.book(
        call, kind="payout_failure", source=payout["id"], amount=payout["amount"], available_on=call.now
    )
    payout.update(
        status="failed", failure_code=code, failure_balance_transaction=movement["id"],
        failure_message="The bank did not take the payout.",
    )  # fmt: skip
    call.shelf.save(payout)
    emit(call, "payout.failed", payout)
    return payout


def _create(call: Call, params: Thing) -> Thing:
    if params["amount"] > balance.available(call):
        message = "You have insufficient funds in your Stripe account for this transfer."
        raise ApiError(message, code="balance_insufficient", param="amount")
    return shown(call, _leave(call, params, automatic=False), params.get("expand", ()))


def _leave(call: Call, params: Thing, *, automatic: bool) -> Thing:
    payout = _payout(call, params, automatic=automatic)
    movement = balance.book(
        call, kind="payout", source=payout["id"], amount=-payout["amount"], available_on=call.now
    )
    movement["_payout"] = payout["id"]
    call.shelf.save(movement)
    payout["balance_transaction"] = movement["id"]
    call.shelf.add(payout)
    emit(call, "payout.created", payout)
    return payout


def arrive(call: Call, payout: Thing) -> None:
    payout.update(status="paid", reconciliation_status="completed")
    call.shelf.save(payout)
    emit(call, "payout.paid", payout)
    emit(call, "payout.reconciliation_completed", payout)


def _payout(call: Call, params: Thing, *, automatic: bool) -> Thing:
    return {
        "id": new_reference("po"),
        "object": "payout",
        "amount": params["amount"],
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": call.now // balance.DAY * balance.DAY,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now,
        "currency": "usd",
        "description": params.get("description"),
        "destination": BANK,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    payout = lookup(call, "payout", reference, param="payout")
    if payout["status"] != "pending":
        raise ApiError(f"A payout that is {payout['status']} cannot be canceled.", param="payout")
    movement = balance.book(
        call, kind="payout_cancel", source=reference, amount=payout["amount"], available_on=call.now
    )
    payout.update(status="canceled", failure_balance_transaction=movement["id"])
    call.shelf.save(payout)
    emit(call, "payout.canceled", payout)
    return shown(call, payout, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("status", "destination") if name in params
    ]
    conditions += [("arrival_date", operator, at) for operator, at in params.get("arrival_date", ())]
    return page(call, "payout", params, url="/v1/payouts", conditions=conditions)


_CREATE = Form(
    {
        **EXPAND,
        "amount": whole(1),
        "currency": choice("usd"),
        "description": text(1000),
        "metadata": metadata(),
        "method": choice("standard"),
        "statement_descriptor": text(22),
    },
    required=frozenset({"amount", "currency"}),
)
_LIST = Form({
    **PAGED,
    "arrival_date": span(),
    "destination": text(255),
    "status": choice("pending", "in_transit", "paid", "failed", "canceled"),
})  # fmt: skip

ROUTES = [
    Route("POST", "/v1/payouts", _CREATE, _create),
    Route("GET", "/v1/payouts/<reference>", NOTHING, reader("payout")),
    Route("GET", "/v1/payouts", _LIST, _list),
    Route("POST", "/v1/payouts/<reference>/cancel", NOTHING, _cancel),
]
