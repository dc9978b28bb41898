"""What tells a plan, from before a limit of the patient's was recorded: a person decides about each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.insurance.queries import present_superbills
from billing.insurance.queries.claims import claims_that_tell
from billing.insurance.records import Paper, WhichSuperbills
from billing.insurance.rules.plan_limits import why_not_told
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import plan_limits_of
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks

NOT_ALLOWED, CLAIM_NOT_ALLOWED = "superbill-not-allowed", "claim-not-allowed"
"""The tasks: of a superbill, or a claim, that could not be issued any more."""


def review_told(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> None:
    """Ask about each present superbill and claim that the limits forbid now; end what they allow.

    The patient is held.
    """
    limits = plan_limits_of(tx, patient_id)
    superbills = list(present_superbills(tx, SYSTEM, WhichSuperbills(patient_id=patient_id)))
    claims = claims_that_tell(tx, patient_id)
    found: tuple[tuple[str, Sequence[Paper]], ...] = ((NOT_ALLOWED, superbills), (CLAIM_NOT_ALLOWED, claims))
    for kind, papers in found:
        for paper in papers:
            if why_not_told(limits, paper.service_on):
                ask_again(tx, kind=kind, about=paper, actor=actor, now=now)
            else:
                end_tasks(tx, kind=kind, subject_ids=[paper.id], actor=actor, now=now)
