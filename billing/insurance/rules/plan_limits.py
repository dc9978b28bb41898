"""When a plan may not be asked to pay, or told: then a session has neither superbill nor claim."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from billing.invoices.records import PayerKind
from billing.patients.records import FederalProgram, PlanLimits

PLAN_NOT_TOLD = (
    "The patient asked that the health plan is not told of this care. Only the patient can take that back; "
    "then record it on their page."
)
CONTRACT_MISSING = (
    "Medicare would be asked to pay for this care, and no private contract with the patient from before that "
    "day is on file. Record the contract, or have the claim filed with Medicare."
)
PROGRAM_WOULD_PAY = (
    "A federal program would be asked to pay for this care: the patient's page says which. "
    "Neither a superbill nor a claim as other plans take it is made of it."
)
_BILLED_ELSEWHERE = (
    "{who} pays for this visit, and not the patient's health plan: it has neither superbill nor claim for "
    "that plan. Bill that payer. If its part was a mistake or is not authorized, end the part first."
)
_TAKING_ALL = {
    PayerKind.COMPENSATION: _BILLED_ELSEWHERE.format(who="Workers' compensation"),
    PayerKind.VA: _BILLED_ELSEWHERE.format(who="The VA"),
}


def why_billed_elsewhere(kinds: Collection[PayerKind]) -> str | None:
    """The reason when one of those who cover a visit takes all of it, or None."""
    return next((reason for kind, reason in _TAKING_ALL.items() if kind in kinds), None)


def why_not_told(limits: PlanLimits, served_on: date) -> str | None:
    """The reason, or None. That somebody is a veteran is none.

    Source: 42 CFR 405.405, 405.415 (private contracts); 45 CFR 164.522(a)(1)(vi).
    """
    if limits.is_kept_from_plan:
        return PLAN_NOT_TOLD
    others = set(limits.programs) - {FederalProgram.MEDICARE}
    if others:
        return PROGRAM_WOULD_PAY
    if limits.programs and not _has_contract(limits, served_on):
        return CONTRACT_MISSING
    return None


def _has_contract(limits: PlanLimits, served_on: date) -> bool:
    return limits.contract_on is not None and limits.contract_on <= served_on
