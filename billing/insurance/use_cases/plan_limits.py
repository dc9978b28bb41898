"""Superbills from before a limit of the patient's plan was recorded: a person decides about each."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.queries import present_superbills
from billing.insurance.records import WhichSuperbills
from billing.insurance.rules.plan_limits import why_not_told
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import plan_limits_of
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks

NOT_ALLOWED = "superbill-not-allowed"
"""The task: of a superbill that could not be issued any more."""


def review_superbills(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> None:
    """Ask about each present superbill of a patient that their limits forbid now; end what they allow."""
    limits = plan_limits_of(tx, patient_id)
    allowed = []
    for superbill in list(present_superbills(tx, SYSTEM, WhichSuperbills(patient_id=patient_id))):
        if why_not_told(limits, superbill.service_on):
            ask_again(tx, kind=NOT_ALLOWED, about=superbill, actor=actor, now=now)
        else:
            allowed.append(superbill.id)
    end_tasks(tx, kind=NOT_ALLOWED, subject_ids=allowed, actor=actor, now=now)
