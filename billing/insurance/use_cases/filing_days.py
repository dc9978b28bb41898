"""Within how many days a plan takes a claim, and so until when; learned, as often, while the claim waits."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from billing.insurance.errors import ClaimNotPossible
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file, find_claim
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.rules.claims import file_by
from billing.kernel.permissions import Actor
from billing.patients.queries import policy_on
from billing.patients.records import PolicyTerms
from billing.patients.use_cases import add_policy, lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def enter_filing_days(tx: Tx, *, claim_id: str, days: int, actor: Actor, now: datetime) -> IssuedClaim:
    """Keep them with the insurance, and give the claim its last day, counted from the visit's.

    The insurance is entered again from its same day, so that what was known before can be seen.
    Raises: NoSuchClaim, ClaimNotPossible.
    """
    claim = find_claim(tx, claim_id, actor)
    lock_patient(tx, claim.patient_id)
    policy = policy_on(tx, claim.patient_id, claim.service_on)
    if policy is None:
        raise ClaimNotPossible("No insurance of the patient is on file for that day: enter it first.")
    if policy.filing_days != days:
        terms = {each.name: getattr(policy, each.name) for each in fields(PolicyTerms)}
        add_policy(
            tx,
            patient_id=claim.patient_id,
            terms=PolicyTerms(**{**terms, "filing_days": days}),
            effective_from=policy.effective_from,
            ends_on=policy.ends_on,
            actor=actor,
            now=now,
        )
    return set_deadline(tx, claim_id=claim.id, actor=actor, now=now)


def set_deadline(tx: Tx, *, claim_id: str, actor: Actor, now: datetime) -> IssuedClaim:
    """The claim, with the last day on which the plan is known to take it by now."""
    row = tx.session.get_one(ClaimRow, claim_id)
    last = file_by(row.service_on, policy_on(tx, row.patient_id, row.service_on))
    if row.file_by != last:
        row.file_by = last
        record_audit(tx, actor=actor, action="claim.deadline", subject_id=claim_id, now=now)
        tx.session.flush()
    return claim_on_file(row)
