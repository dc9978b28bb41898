"""Papers from before it was known that the patient's plan may not be asked: a person decides about each."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.insurance.queries import present_superbills
from billing.insurance.queries.claims import claims_that_tell
from billing.insurance.queries.other_payers import why_not_asked
from billing.insurance.records import Paper, WhichSuperbills
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks

NOT_ALLOWED, CLAIM_NOT_ALLOWED = "superbill-not-allowed", "claim-not-allowed"
"""The tasks: of a superbill, or a claim, that could not be issued any more."""


def review_told(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> None:
    """Ask about each present superbill and claim that the plan may not be told now; end what it may.

    The patient is held.
    """
    for superbill in list(present_superbills(tx, SYSTEM, WhichSuperbills(patient_id=patient_id))):
        _review(tx, NOT_ALLOWED, superbill, actor, now)
    for claim in claims_that_tell(tx, patient_id):
        _review(tx, CLAIM_NOT_ALLOWED, claim, actor, now)


def review_payers(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """The same once compensation or the VA has a visit of the patient, or has it no more."""
    patient_id = find_session(tx, session_id, SYSTEM).patient_id
    review_told(tx, patient_id=patient_id, actor=actor, now=now)


def _review(tx: Tx, kind: str, paper: Paper, actor: Actor, now: datetime) -> None:
    if why_not_asked(tx, paper):
        ask_again(tx, kind=kind, about=paper, actor=actor, now=now)
    else:
        end_tasks(tx, kind=kind, subject_ids=[paper.id], actor=actor, now=now)
