"""When a plan may not be asked to pay, or told: then a session has neither superbill nor claim."""

from __future__ import annotations

from datetime import date

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
