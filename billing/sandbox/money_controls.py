"""What the control API does to money: disputes opened and decided, payouts made and failed."""

from __future__ import annotations

from billing.sandbox.calls import Call, lookup, shown
from billing.sandbox.disputes import REASONS, decide_dispute, open_dispute
from billing.sandbox.parameters import Form, choice, flag, text, whole
from billing.sandbox.payouts import FAILURES, fail_payout, pay_out
from billing.sandbox.storage import Thing


def open_by_bank(call: Call, body: Thing) -> Thing:
    """A charge, or the one that paid an intent, is disputed."""
    dispute = open_dispute(
        call,
        _charge(call, body["charge"]),
        reason=body.get("reason", "general"),
        amount=body.get("amount"),
        inquiry=body.get("inquiry", False),
    )
    return shown(call, dispute)


def decide(call: Call, body: Thing) -> Thing:
    dispute = decide_dispute(
        call,
        lookup(call, "dispute", body["dispute"], param="dispute"),
        body["outcome"],
        reinstated=body.get("amount"),
        fee_returned=body.get("fee_returned", False),
    )
    return shown(call, dispute)


def pay_out_now(call: Call, _body: Thing) -> Thing | None:
    payout = pay_out(call)
    return shown(call, payout) if payout else None


def fail_by_bank(call: Call, body: Thing) -> Thing:
    payout = lookup(call, "payout", body["payout"], param="payout")
    return shown(call, fail_payout(call, payout, body.get("reason", "could_not_process")))


def _charge(call: Call, reference: str) -> Thing:
    intent = call.shelf.find(reference, "payment_intent")
    return lookup(call, "charge", (intent or {}).get("latest_charge") or reference, param="charge")


OPEN_DISPUTE = Form(
    {"charge": text(255), "reason": choice(*REASONS), "amount": whole(1), "inquiry": flag()},
    required=frozenset({"charge"}),
)
DECIDE_DISPUTE = Form(
    {"dispute": text(255), "outcome": choice("won", "lost"), "amount": whole(1), "fee_returned": flag()},
    required=frozenset({"dispute", "outcome"}),
)
FAIL_PAYOUT = Form({"payout": text(255), "reason": choice(*FAILURES)}, required=frozenset({"payout"}))
