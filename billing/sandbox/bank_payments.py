"""Debits of bank accounts: under way for days, then paid or failed.

Source: docs.stripe.com/payments/ach-direct-debit.
"""

from __future__ import annotations

from datetime import UTC, datetime

from billing.sandbox import balance, banks
from billing.sandbox.calls import Call, lookup
from billing.sandbox.cards import Decline
from billing.sandbox.charges import new_charge, outcome, refuse, succeed
from billing.sandbox.disputes import open_dispute
from billing.sandbox.errors import ApiError
from billing.sandbox.events import emit
from billing.sandbox.storage import Thing

DEBIT_SECONDS = 4 * balance.DAY


def begin_debit(call: Call, intent: Thing, method: Thing, mandate: Thing) -> Thing:
    """The charge is pending, and so is its movement of the balance."""
    ends_at = call.now + DEBIT_SECONDS
    account = banks.BY_LAST4[method["us_bank_account"]["last4"]]
    charge = new_charge(call, intent, method, None)
    charge.update(status="pending", paid=False)
    charge["payment_method_details"]["us_bank_account"].update(
        mandate=mandate["id"], expected_debit_date=datetime.fromtimestamp(ends_at, UTC).date().isoformat()
    )
    movement = balance.book(
        call,
        kind="payment",
        source=charge["id"],
        amount=charge["amount"],
        fee=balance.fee_of("us_bank_account", charge["amount"]),
        available_on=ends_at,
    )
    charge.update(balance_transaction=movement["id"], _due_at=ends_at if account.settles else None)
    call.shelf.add(charge)
    intent.update(
        status="processing", payment_method=method["id"], latest_charge=charge["id"],
        last_payment_error=None, next_action=None,
    )  # fmt: skip
    call.shelf.save(intent)
    emit(call, "payment_intent.processing", intent)
    emit(call, "charge.pending", charge)
    return charge


def end_debits(call: Call) -> list[Thing]:
    """Those whose time has come; answers their intents."""
    due = call.shelf.select(
        "charge", [("_due_at", "<=", call.now), ("status", "=", "pending")], oldest_first=True
    )
    return [end_debit(call, charge, _failure(call, charge)) for charge in due]


def end_debit(call: Call, charge: Thing, failure: str | None) -> Thing:
    """Paid, or failed with this code; answers the intent. Raises: ApiError unless it is pending."""
    if charge["status"] != "pending":
        raise ApiError(f"Charge {charge['id']} is {charge['status']}, not pending.", param="charge")
    intent = lookup(call, "payment_intent", charge["payment_intent"])
    charge["_due_at"] = None
    if failure:
        _fail(call, intent, charge, failure)
    else:
        _succeed(call, intent, charge)
    return intent


def _failure(call: Call, charge: Thing) -> str | None:
    method = lookup(call, "payment_method", charge["payment_method"])
    return method.get("_decline") or _account(charge).failure


def _account(charge: Thing) -> banks.Account:
    return banks.BY_LAST4[charge["payment_method_details"]["us_bank_account"]["last4"]]


def _succeed(call: Call, intent: Thing, charge: Thing) -> None:
    charge.update(status="succeeded", paid=True)
    call.shelf.save(charge)
    succeed(call, intent, charge, "charge.succeeded")
    dispute = _account(charge).dispute
    if dispute:
        open_dispute(call, charge, reason=dispute)


def _fail(call: Call, intent: Thing, charge: Thing, failure: str) -> None:
    """What was booked for it leaves the balance again, and the failure costs a fee."""
    decline = Decline(failure, None, banks.FAILURES[failure])
    movement = balance.book(
        call,
        kind="payment_failure_refund",
        source=charge["id"],
        amount=-charge["amount"],
        fee=balance.FAILED_DEBIT_FEE_CENTS,
        available_on=call.now,
    )
    charge.update(
        status="failed", amount_captured=0, captured=False, outcome=outcome(decline), failure_code=failure,
        failure_message=decline.message, failure_balance_transaction=movement["id"],
    )  # fmt: skip
    call.shelf.save(charge)
    method = lookup(call, "payment_method", charge["payment_method"])
    refuse(call, intent, charge, method, decline)
