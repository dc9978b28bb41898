"""The balance: what each movement brought, cost and left."""

from __future__ import annotations

from billing.kernel.money import share_cents
from billing.sandbox.calls import Call, Route, lookup, page, reader
from billing.sandbox.errors import ApiError
from billing.sandbox.parameters import NOTHING, PAGED, Form, currency, text
from billing.sandbox.storage import Condition, Thing, new_reference

DAY = 24 * 3600
SETTLING_DAYS = 2
FEES = {"card": (290, 30), "card_present": (270, 5), "us_bank_account": (80, 0)}
"""Basis points and cents: the published prices of a US charge on each type of payment method."""

MOST_BANK_FEE_CENTS, FAILED_DEBIT_FEE_CENTS = 500, 400

CATEGORIES = {
    "payment": "charge",
    "payment_failure_refund": "charge_failure",
    "payment_refund": "refund",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
}
"""Types whose reporting category has another name."""


def fee_of(kind: str, amount: int) -> int:
    """In cents, rounded half up, for a charge on this type of payment method."""
    basis_points, fixed = FEES[kind]
    fee = share_cents(amount, basis_points) + fixed
    return min(fee, MOST_BANK_FEE_CENTS) if kind == "us_bank_account" else fee


def settles_on(now: int) -> int:
    """Midnight UTC, two days on."""
    return (now // DAY + SETTLING_DAYS) * DAY


def book(
    call: Call,
    *,
    kind: str,
    source: str,
    amount: int,
    fee: int = 0,
    available_on: int,
    category: str | None = None,
) -> Thing:
    """Record a movement of the balance, in cents. `kind` is its type; `category` its reporting category,
    the one that the processor gives the type unless said.
    """
    return call.shelf.add({
        "id": new_reference("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": call.now,
        "currency": "usd",
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, "Dispute fee" if kind == "adjustment" else "Processing fees"),
        "net": amount - fee,
        "reporting_category": category or CATEGORIES.get(kind, kind),
        "source": source,
        "status": "pending",
        "type": kind,
        "_payout": None,
    })  # fmt: skip


def _fee_details(fee: int, description: str) -> list[Thing]:
    if not fee:
        return []
    return [{
        "amount": fee, "application": None, "currency": "usd", "description": description,
        "type": "stripe_fee",
    }]  # fmt: skip


def available(call: Call) -> int:
    """Cents that may be paid out."""
    movements = call.shelf.select("balance_transaction", [("available_on", "<=", call.now)])
    return sum(int(movement["net"]) for movement in movements)


def pending(call: Call) -> int:
    """Cents that are the clinic's and have not settled yet."""
    movements = call.shelf.select("balance_transaction", [("available_on", ">", call.now)])
    return sum(int(movement["net"]) for movement in movements)


def totals(call: Call) -> Thing:
    """All movements in cents by what they were for, to be held against a ledger.

    captured - charge_failures - refunded - disputed + reinstated - fees - paid_out = available + pending.
    """
    rows = call.shelf.database.execute(
        "SELECT json_extract(body, '$.reporting_category') AS category,"
        " sum(json_extract(body, '$.amount')) AS amount, sum(json_extract(body, '$.fee')) AS fee"
        " FROM thing WHERE kind = 'balance_transaction' GROUP BY category"
    ).fetchall()
    moved = {row["category"]: int(row["amount"]) for row in rows}
    return {
        "captured": moved.get("charge", 0),
        "charge_failures": -moved.get("charge_failure", 0),
        "refunded": -moved.get("refund", 0) - moved.get("refund_failure", 0),
        "disputed": -moved.get("dispute", 0),
        "reinstated": moved.get("dispute_reversal", 0),
        "fees": sum(int(row["fee"]) for row in rows),
        "paid_out": -moved.get("payout", 0) - moved.get("payout_reversal", 0),
        "available": available(call),
        "pending": pending(call),
    }


def _balance(call: Call, _params: Thing) -> Thing:
    return {
        "object": "balance",
        "available": [_amount(available(call))],
        "livemode": False,
        "pending": [_amount(pending(call))],
        "refund_and_dispute_prefunding": {"available": [_amount(0)], "pending": [_amount(0)]},
    }


def _amount(cents: int) -> Thing:
    return {"amount": cents, "currency": "usd", "source_types": {"card": cents}}


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("source", "type", "currency") if name in params
    ]
    if "payout" in params:
        payout = lookup(call, "payout", params["payout"], param="payout")
        if not payout["automatic"]:
            message = "Balance transaction history can only be filtered on automatic transfers, not manual."
            raise ApiError(message, param="payout")
        conditions.append(("_payout", "=", payout["id"]))
    return page(call, "balance_transaction", params, url="/v1/balance_transactions", conditions=conditions)


_LIST = Form({**PAGED, "source": text(255), "type": text(100), "payout": text(255), "currency": currency()})

ROUTES = [
    Route("GET", "/v1/balance", NOTHING, _balance),
    Route("GET", "/v1/balance_transactions/<reference>", NOTHING, reader("balance_transaction")),
    Route("GET", "/v1/balance_transactions", _LIST, _list),
]
