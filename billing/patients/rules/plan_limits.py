"""What stands between a patient's care and a health plan: which facts go together."""

from __future__ import annotations

from datetime import date

from billing.kernel.errors import Flaw
from billing.patients.errors import InvalidPlanLimits
from billing.patients.records import FederalProgram, PlanLimits


def check_plan_limits(limits: PlanLimits, *, today: date) -> None:
    """Raises: InvalidPlanLimits for a contract of nobody in Medicare, and for one of a day to come."""
    if limits.contract_on is None:
        return
    if FederalProgram.MEDICARE not in limits.programs:
        flaw = Flaw("/contract_on", "Tick Medicare too, or leave the day of the contract empty.")
        raise InvalidPlanLimits("A private contract is made with a patient of Medicare.", [flaw])
    if limits.contract_on > today:
        flaw = Flaw("/contract_on", "Give the day on which it was signed, today or before.")
        raise InvalidPlanLimits("A contract is on file once it is signed.", [flaw])
