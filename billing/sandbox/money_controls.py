"""What the control API does to money: disputes opened and decided, payouts made and failed."""

from __future__ import annotations

from billing.sandbox.actions import Action
from billing.sandbox.calls import Call, lookup, shown
from billing.sandbox.disputes import REASONS, decide_dispute, escalate_dispute, open_dispute
from billing.sandbox.errors import ApiError
from billing.sandbox.parameters import Form, choice, flag, text, whole
from billing.sandbox.payouts import FAILURES, SCHEDULE, arrive, fail_payout, pay_out
from billing.sandbox.refunds import FAILURES as REFUND_FAILURES
from billing.sandbox.refunds import cancel_refund, fail_refund, settle_refund
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
    if body["outcome"] == "lost" and (body.get("amount") or body.get("fee_returned")):
        raise ApiError("Of a lost dispute nothing is given back: leave cents and fee out.", param="amount")
    dispute = decide_dispute(
        call,
        lookup(call, "dispute", body["dispute"], param="dispute"),
        body["outcome"],
        reinstated=body.get("amount"),
        fee_returned=body.get("fee_returned", False),
    )
    return shown(call, dispute)


def escalate(call: Call, body: Thing) -> Thing:
    dispute = lookup(call, "dispute", body["dispute"], param="dispute")
    return shown(call, escalate_dispute(call, dispute))


def pay_out_now(call: Call, body: Thing) -> Thing | None:
    """The automatic payout, before its time; it arrives at once unless `arrives` is false."""
    payout = pay_out(call)
    if payout is None:
        return None
    if body.get("arrives", True):
        arrive(call, payout)
    return shown(call, payout)


def schedule_payouts(call: Call, body: Thing) -> None:
    call.shelf.set_switch(SCHEDULE, body["schedule"])


def fail_sent_refund(call: Call, body: Thing) -> Thing:
    return shown(call, fail_refund(call, body["refund"], body.get("reason", "unknown")))


def settle_sent_refund(call: Call, body: Thing) -> Thing:
    return shown(call, settle_refund(call, body["refund"]))


def cancel_sent_refund(call: Call, body: Thing) -> Thing:
    return shown(call, cancel_refund(call, body["refund"]))


def fail_by_bank(call: Call, body: Thing) -> Thing:
    payout = lookup(call, "payout", body["payout"], param="payout")
    return shown(call, fail_payout(call, payout, body.get("reason", "could_not_process")))


def _charge(call: Call, reference: str) -> Thing:
    intent = call.shelf.find(reference, "payment_intent")
    return lookup(call, "charge", (intent or {}).get("latest_charge") or reference, param="charge")


_ONE_REFUND = Form({"refund": text(255)}, required=frozenset({"refund"}))
ACTIONS = {
    "open-dispute": Action(
        Form(
            {"charge": text(255), "reason": choice(*REASONS), "amount": whole(1), "inquiry": flag()},
            required=frozenset({"charge"}),
        ),
        open_by_bank,
    ),
    "decide-dispute": Action(
        Form(
            {
                "dispute": text(255),
                "outcome": choice("won", "lost"),
                "amount": whole(1),
                "fee_returned": flag(),
            },
            required=frozenset({"dispute", "outcome"}),
        ),
        decide,
    ),
    "escalate-dispute": Action(Form({"dispute": text(255)}, required=frozenset({"dispute"})), escalate),
    "pay-out": Action(Form({"arrives": flag()}), pay_out_now),
    "payout-schedule": Action(
        Form({"schedule": choice("daily", "manual")}, required=frozenset({"schedule"})), schedule_payouts
    ),
    "fail-payout": Action(
        Form({"payout": text(255), "reason": choice(*FAILURES)}, required=frozenset({"payout"})), fail_by_bank
    ),
    "fail-refund": Action(
        Form({"refund": text(255), "reason": choice(*REFUND_FAILURES)}, required=frozenset({"refund"})),
        fail_sent_refund,
    ),
    "settle-refund": Action(_ONE_REFUND, settle_sent_refund),
    "cancel-refund": Action(_ONE_REFUND, cancel_sent_refund),
}
