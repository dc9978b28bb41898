"""Disputes: a bank takes a payment back, the clinic answers, and the bank decides.

Source: docs.stripe.com/disputes and docs.stripe.com/testing#disputes.
"""

from __future__ import annotations

from billing.sandbox import balance
from billing.sandbox.calls import EVIDENCE_FILES, Call, Route, lookup, page, reader, shown
from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.events import emit
from billing.sandbox.parameters import (
    EXPAND,
    NOTHING,
    PAGED,
    Form,
    changed_metadata,
    flag,
    metadata_change,
    text,
    unsettable,
)
from billing.sandbox.storage import Condition, Thing, new_reference

FEE_CENTS = 1_500
ANSWER_DAYS = 9
REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated",
    "debit_not_authorized", "duplicate", "fraudulent", "general", "incorrect_account_details",
    "insufficient_funds", "noncompliant", "product_not_received", "product_unacceptable",
    "subscription_canceled", "unrecognized",
)  # fmt: skip
ANSWERABLE = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
"""Each status that evidence may be submitted in, and what it becomes."""

BLOCKING = ("needs_response", "under_review")
OPEN = (*BLOCKING, "warning_needs_response", "warning_under_review")
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
"""What the published test texts in `uncategorized_text` decide."""

LONG_TEXTS = (
    "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "duplicate_charge_explanation", "product_description", "refund_policy_disclosure",
    "refund_refusal_explanation", "uncategorized_text",
)  # fmt: skip
SHORT_TEXTS = (
    "billing_address", "customer_email_address", "customer_name", "customer_purchase_ip",
    "duplicate_charge_id", "service_date", "shipping_address", "shipping_carrier", "shipping_date",
    "shipping_tracking_number",
)  # fmt: skip


def open_dispute(
    call: Call, charge: Thing, *, reason: str, amount: int | None = None, inquiry: bool = False
) -> Thing:
    """Take `amount` cents (all that is left of the charge unless given) back; an inquiry takes nothing.

    Raises: ApiError when the charge was not paid, or other disputes left less than the amount of it.
    """
    most = disputable(call, charge)
    wanted = undisputed(call, charge) if amount is None else amount
    if charge["status"] != "succeeded" or not 0 < wanted <= most:
        raise ApiError(f"{wanted} of charge {charge['id']} cannot be disputed: {most} is left.")
    dispute = call.shelf.add(_dispute(call, charge, amount=wanted, reason=reason, inquiry=inquiry))
    charge["disputed"] = True
    call.shelf.save(charge)
    emit(call, "charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(call, dispute)
    return dispute


def decide_dispute(
    call: Call, dispute: Thing, verdict: str, *, reinstated: int | None = None, fee_returned: bool = False
) -> Thing:
    """`won` gives back `reinstated` cents, all of it unless given. Raises: ApiError when it is decided."""
    if dispute["status"] not in OPEN:
        raise ApiError(f"Dispute {dispute['id']} is already closed ({dispute['status']}).")
    inquiry = dispute["status"].startswith("warning")
    back = dispute["amount"] if reinstated is None else reinstated
    if not 0 < back <= dispute["amount"]:
        raise ApiError(f"From 1 to {dispute['amount']} cents can be reinstated.", param="amount")
    dispute["status"] = "warning_closed" if inquiry else verdict
    dispute["is_charge_refundable"] = inquiry or verdict == "won"
    call.shelf.save(dispute)
    if verdict == "won" and not inquiry:
        dispute["_reinstated"] = back
        fee = -FEE_CENTS if fee_returned else 0
        _move(call, dispute, back, fee=fee, category="dispute_reversal")
        emit(call, "charge.dispute.funds_reinstated", dispute)
    emit(call, "charge.dispute.closed", dispute)
    return dispute


def escalate_dispute(call: Call, dispute: Thing) -> Thing:
    """An inquiry becomes a dispute that takes the money. Raises: ApiError when there is no such inquiry, or
    other disputes left less than its amount of the charge.
    """
    if dispute["status"] not in ("warning_needs_response", "warning_under_review"):
        raise ApiError(f"Dispute {dispute['id']} is no open inquiry ({dispute['status']}).", param="dispute")
    most = disputable(call, lookup(call, "charge", dispute["charge"]))
    if dispute["amount"] > most:
        raise ApiError(f"{dispute['amount']} cannot be disputed: {most} is left.", param="dispute")
    dispute.update(status="needs_response", is_charge_refundable=False)
    if "payment_method_details" in dispute:
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    emit(call, "charge.dispute.updated", dispute)
    _withdraw(call, dispute)
    return dispute


def undisputed(call: Call, charge: Thing) -> int:
    """Cents of a charge that neither a refund nor a dispute has taken."""
    taken = sum(
        dispute["amount"] - dispute["_reinstated"]
        for dispute in disputes_of(call, charge)
        if dispute["status"] in (*BLOCKING, "won", "lost")
    )
    return int(charge["amount_captured"] - charge["amount_refunded"] - taken)


def disputable(call: Call, charge: Thing) -> int:
    """Cents of a charge that a bank may take yet: it does not ask what went back to the payer meanwhile."""
    return undisputed(call, charge) + int(charge["amount_refunded"])


def blocks_refunds(call: Call, charge: Thing) -> bool:
    """While a dispute is open, and after one that took all that was left."""
    disputes = disputes_of(call, charge)
    if any(dispute["status"] in BLOCKING for dispute in disputes):
        return True
    return undisputed(call, charge) <= 0 and any(dispute["status"] == "lost" for dispute in disputes)


def disputes_of(call: Call, charge: Thing) -> list[Thing]:
    return call.shelf.select("dispute", [("charge", "=", charge["id"])])


def _withdraw(call: Call, dispute: Thing) -> None:
    _move(call, dispute, -dispute["amount"], fee=FEE_CENTS, category="dispute")
    emit(call, "charge.dispute.funds_withdrawn", dispute)


def _move(call: Call, dispute: Thing, amount: int, *, fee: int, category: str) -> None:
    movement = balance.book(
        call, kind="adjustment", category=category, source=dispute["id"], amount=amount, fee=fee,
        available_on=call.now,
    )  # fmt: skip
    dispute["balance_transactions"].append(movement)
    call.shelf.save(dispute)


def _dispute(call: Call, charge: Thing, *, amount: int, reason: str, inquiry: bool) -> Thing:
    return {
        "id": new_reference("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {
            **dict.fromkeys((*EVIDENCE_FILES, *LONG_TEXTS, *SHORT_TEXTS)),
            "enhanced_evidence": {},
        },
        "evidence_details": {
            "due_by": call.now + ANSWER_DAYS * balance.DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        **_paid_by(charge["payment_method_details"], inquiry=inquiry),
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
        "_reinstated": 0,
    }


def _paid_by(details: Thing, *, inquiry: bool) -> Thing:
    """Told of cards only."""
    kind = details["type"]
    if kind == "us_bank_account":
        return {}
    card = {
        "brand": details[kind]["brand"],
        "case_type": "inquiry" if inquiry else "chargeback",
        "network_reason_code": None,
    }
    return {"payment_method_details": {"card": card, "type": "card"}}


def _update(call: Call, params: Thing, *, reference: str) -> Thing:
    """Evidence is submitted at once unless `submit` is false; what was staged so, by asking for it."""
    dispute = lookup(call, "dispute", reference, param="dispute")
    submits = params.get("submit", "evidence" in params)
    if submits or "evidence" in params:
        _refuse_late_answer(call, dispute)
        _refuse_unknown_files(call, params.get("evidence", {}))
        _add_evidence(dispute, params.get("evidence", {}))
    if submits:
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = ANSWERABLE[dispute["status"]]
    dispute["metadata"] = changed_metadata(dispute["metadata"], params)
    call.shelf.save(dispute)
    emit(call, "charge.dispute.updated", dispute)
    verdict = VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "")
    if submits and verdict:
        decide_dispute(call, dispute, verdict)
    return shown(call, dispute, params.get("expand", ()))


def _refuse_late_answer(call: Call, dispute: Thing) -> None:
    if dispute["status"] not in ANSWERABLE:
        raise ApiError("This dispute is already closed or under review.", param="evidence")
    if call.now > dispute["evidence_details"]["due_by"]:
        raise ApiError("The time to answer this dispute is over.", param="evidence")


def _refuse_unknown_files(call: Call, given: Thing) -> None:
    for name in EVIDENCE_FILES:
        file = given.get(name)
        if file and call.shelf.find(file, "file") is None:
            raise no_such("file upload", file, param=f"evidence[{name}]")


def _add_evidence(dispute: Thing, given: Thing) -> None:
    evidence = dispute["evidence"]
    evidence.update({name: value or None for name, value in given.items()})
    has_evidence = any(evidence[name] for name in (*EVIDENCE_FILES, *LONG_TEXTS, *SHORT_TEXTS))
    dispute["evidence_details"]["has_evidence"] = has_evidence


def _close(call: Call, params: Thing, *, reference: str) -> Thing:
    """Accept it: it is lost."""
    dispute = lookup(call, "dispute", reference, param="dispute")
    if dispute["status"] not in ANSWERABLE:
        raise ApiError("This dispute is already closed.", param="dispute")
    return shown(call, decide_dispute(call, dispute, "lost"), params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [
        (name, "=", params[name]) for name in ("charge", "payment_intent") if name in params
    ]
    return page(call, "dispute", params, url="/v1/disputes", conditions=conditions)


_EVIDENCE = Form({
    **{name: unsettable(20_000) for name in LONG_TEXTS},
    **{name: unsettable(5_000) for name in (*SHORT_TEXTS, *EVIDENCE_FILES)},
})  # fmt: skip

ROUTES = [
    Route("GET", "/v1/disputes/<reference>", NOTHING, reader("dispute")),
    Route("GET", "/v1/disputes", Form({**PAGED, "charge": text(255), "payment_intent": text(255)}), _list),
    Route(
        "POST",
        "/v1/disputes/<reference>",
        Form({**EXPAND, "evidence": _EVIDENCE, "metadata": metadata_change(), "submit": flag()}),
        _update,
    ),
    Route("POST", "/v1/disputes/<reference>/close", NOTHING, _close),
]
