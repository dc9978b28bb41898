"""Payouts: what is available goes to the clinic's bank, and may come back."""

from __future__ import annotations

from dataclasses import replace

from billing.sandbox import balance, banks
from billing.sandbox.calls import Call, Route, lookup, page, reader, shown
from billing.sandbox.cards import fingerprint
from billing.sandbox.errors import ApiError
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    changed_metadata,
    choice,
    currency,
    metadata,
    metadata_change,
    span,
    text,
    whole,
)
from billing.sandbox.storage import Condition, Thing, new_reference

BANK = "ba_standin"
FAILURES = (
    "account_closed", "account_frozen", "bank_account_restricted", "could_not_process", "declined",
    "invalid_account_number", "no_account",
)  # fmt: skip
SCHEDULE, LAST_DAY = "payout_schedule", "last_payout_day"
"""Switches: `daily` or `manual`; the day, counted from 1970, that was last looked at."""


def pay_out(call: Call) -> Thing | None:
    """All that is available and was never in an automatic payout; None when nothing is owed to the clinic.

    A manual payout, and what a bank sent back, are among it: so it adds up to the available balance.
    """
    waiting = call.shelf.select(
        "balance_transaction", [("available_on", "<=", call.now), ("_payout", "IS", None)]
    )
    amount = sum(int(movement["net"]) for movement in waiting)
    if amount <= 0:
        return None
    payout = _leave(call, {"amount": amount}, automatic=True)
    for movement in (*waiting, lookup(call, "balance_transaction", payout["balance_transaction"])):
        movement["_payout"] = payout["id"]
        call.shelf.save(movement)
    return payout


def pay_out_daily(call: Call) -> None:
    """At each midnight (UTC) since the last time, what was available then; and payouts on their way go on."""
    today = call.now // balance.DAY
    last = call.shelf.switch(LAST_DAY, default=None)
    if last is None or today > last:
        call.shelf.set_switch(LAST_DAY, today)
    if last is not None and call.shelf.switch(SCHEDULE, default="daily") == "daily":
        for day in _days_with_money(call, last, today):
            pay_out(replace(call, now=day * balance.DAY))
    while moving := call.shelf.select("payout", [("_due_at", "<=", call.now)], oldest_first=True):
        for payout in moving:
            _go_on(replace(call, now=payout["_due_at"]), payout)


def _days_with_money(call: Call, last: int, today: int) -> list[int]:
    """The days after `last` at whose beginning something new is available."""
    if today <= last:
        return []
    waiting: list[Condition] = [("available_on", "<=", today * balance.DAY), ("_payout", "IS", None)]
    days = {-(-movement["available_on"] // balance.DAY)
            for movement in call.shelf.select("balance_transaction", waiting)}  # fmt: skip
    return sorted({max(day, last + 1) for day in days})


def _go_on(call: Call, payout: Thing) -> None:
    if payout["status"] == "in_transit":
        arrive(call, payout)
        return
    payout.update(status="in_transit", _due_at=call.now + balance.DAY)
    call.shelf.save(payout)
    emit(call, "payout.updated", payout)


def fail_payout(call: Call, payout: Thing, code: str) -> Thing:
    """The bank sends it back: the money is available again. Raises: ApiError when it has failed before."""
    if payout["status"] not in ("pending", "in_transit", "paid"):
        raise ApiError(f"A payout that is {payout['status']} cannot fail.")
    movement = balance.book(
        call, kind="payout_failure", source=payout["id"], amount=payout["amount"], available_on=call.now
    )
    payout.update(
        status="failed", failure_code=code, failure_balance_transaction=movement["id"],
        failure_message="The bank did not take the payout.", _due_at=None,
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
    payout["balance_transaction"] = movement["id"]
    call.shelf.add(payout)
    emit(call, "payout.created", payout)
    return payout


def arrive(call: Call, payout: Thing) -> None:
    payout.update(status="paid", _due_at=None)
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    call.shelf.save(payout)
    emit(call, "payout.paid", payout)
    if payout["automatic"]:
        emit(call, "payout.reconciliation_completed", payout)


def _payout(call: Call, params: Thing, *, automatic: bool) -> Thing:
    """An automatic one is on its way at once; a manual one leaves at midnight. Each takes a day."""
    midnight = (call.now // balance.DAY + 1) * balance.DAY
    return {
        "id": new_reference("po"),
        "object": "payout",
        "amount": params["amount"],
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": midnight if automatic else midnight + balance.DAY,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now,
        "currency": "usd",
        "description": params.get("description"),
        "destination": BANK,
        "_destination": _account(),
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
        "status": "in_transit" if automatic else "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        "_due_at": midnight,
    }


def _account() -> Thing:
    """The clinic's own, which payouts go to."""
    return {
        "id": BANK,
        "object": "bank_account",
        "account_holder_name": None,
        "account_holder_type": None,
        "account_type": None,
        "bank_name": banks.BANK_NAME,
        "country": "US",
        "currency": "usd",
        "fingerprint": fingerprint(BANK),
        "last4": "6789",
        "routing_number": banks.ROUTING_NUMBER,
        "status": "new",
    }


def _cancel(call: Call, params: Thing, *, reference: str) -> Thing:
    payout = lookup(call, "payout", reference, param="payout")
    if payout["status"] != "pending":
        raise ApiError(f"A payout that is {payout['status']} cannot be canceled.", param="payout")
    movement = balance.book(
        call, kind="payout_cancel", source=reference, amount=payout["amount"], available_on=call.now
    )
    payout.update(status="canceled", _due_at=None, failure_balance_transaction=movement["id"])
    call.shelf.save(payout)
    emit(call, "payout.canceled", payout)
    return shown(call, payout, params.get("expand", ()))


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    payout = lookup(call, "payout", reference, param="payout")
    payout["metadata"] = changed_metadata(payout["metadata"], params)
    call.shelf.save(payout)
    emit(call, "payout.updated", payout)
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
        "currency": currency(),
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
    Route("POST", "/v1/payouts/<reference>", Form({**EXPAND, "metadata": metadata_change()}), _update),
    Route("POST", "/v1/payouts/<reference>/cancel", NOTHING, _cancel),
]
