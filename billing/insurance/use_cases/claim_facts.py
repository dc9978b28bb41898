"""What a claim says: the facts as they stand now, and what the patient and their provider said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from billing.care.records import Session
from billing.insurance.errors import ClaimNotPossible
from billing.insurance.queries import body_of_superbill
from billing.insurance.queries.claims import facts_of_claim
from billing.insurance.queries.diagnoses import standing_diagnoses
from billing.insurance.records.claims import Claim, IssuedClaim
from billing.insurance.records.superbills import AS_BEFORE, Wishes
from billing.insurance.rules.claims import Filing, claim_of, day_of_service, wishes_of_claim
from billing.insurance.rules.plan_limits import why_not_told
from billing.insurance.rules.superbill import wished_otherwise, wishes_of
from billing.insurance.use_cases.facts import gather_facts
from billing.patients.queries import plan_limits_of
from billing.platform.data.database import Tx


def gather_claim(
    tx: Tx,
    session: Session,
    present: IssuedClaim | None,
    *,
    diagnoses: Sequence[str],
    wishes: Wishes,
    filing: Filing,
    now: datetime,
) -> Claim:
    """Without `diagnoses` those of the present claim, or else of a superbill of the visit or its plan.

    Who referred and who is paid are as the superbill says, if there is one; else as wished, or as before.
    Raises: ClaimNotPossible, DiagnosisNotChosen.
    """
    shown = body_of_superbill(tx, session.id)
    told = facts_of_claim(tx, present) if present else None
    chosen = tuple(diagnoses) or (told.diagnoses if told else standing_diagnoses(tx, session))
    parties, encounter = gather_facts(tx, session, diagnoses=chosen, refusal=ClaimNotPossible, now=now)
    if parties.policy is None:
        raise ClaimNotPossible(
            "No insurance is on file for the day of service. Enter the patient's card first."
        )
    before = wishes_of(shown) if shown else wishes_of_claim(told) if told else AS_BEFORE
    wished = wished_otherwise(before, wishes)
    if shown and wished != before:
        raise ClaimNotPossible(
            "The superbill says otherwise of who referred, or whom the plan pays. Issue it anew first."
        )
    facts = claim_of(parties, parties.policy, replace(encounter, wishes=wished), filing)
    if reason := why_not_told(plan_limits_of(tx, session.patient_id), day_of_service(facts)):
        raise ClaimNotPossible(reason)
    return facts
