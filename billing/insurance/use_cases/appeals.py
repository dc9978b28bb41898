"""Appeal letters: made of facts on file, frozen, never edited."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from billing.catalog.queries import find_site
from billing.insurance.errors import AppealNotPossible
from billing.insurance.queries.appeals import APPEAL, letter_of, proof_of_filing
from billing.insurance.queries.claim_answers import answers_to
from billing.insurance.queries.claims import facts_of_claim, find_claim
from billing.insurance.queries.other_payers import why_not_asked
from billing.insurance.records.claims import Frequency
from billing.insurance.records.denials import AppealLetter
from billing.insurance.rules.appeal import appeal_body, same_letter
from billing.insurance.rules.claim_answers import standing_answers
from billing.insurance.states import CLAIM_ANSWERED, CLAIM_HELD_UP
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import documents_about, freeze
from billing.platform.data.jobs import enqueue

RENDER_APPEAL = "render_appeal"
"""The job that draws a letter; its key is the document's id."""


def write_appeal(tx: Tx, *, claim_id: str, actor: Actor, now: datetime) -> AppealLetter:
    """The letter that asks the insurer to review its last answer to a claim.

    When nothing changed since the last letter, that one is the answer. The claim itself stays as it is: a
    person says that it was appealed once the letter is sent.
    Raises: NoSuchClaim, AppealNotPossible.
    """
    lock_patient(tx, find_claim(tx, claim_id, actor).patient_id)
    claim = find_claim(tx, claim_id, actor)
    answers = standing_answers(answers_to(tx, claim))
    is_open = claim.state in CLAIM_ANSWERED | CLAIM_HELD_UP and claim.frequency is not Frequency.VOID
    if not answers or not is_open:
        raise AppealNotPossible("Only an answer of the insurer can be appealed, while the claim is open.")
    if reason := why_not_asked(tx, claim):
        raise AppealNotPossible(reason)
    before = documents_about(tx, kind=APPEAL, subject_id=claim.id)
    body = appeal_body(
        claim,
        facts_of_claim(tx, claim),
        answers[-1],
        proof_of_filing(tx, claim),
        written_on=local_date(now, ZoneInfo(find_site(tx, claim.site_id).timezone)),
        version=len(before) + 1,
    )
    if before and same_letter(before[-1].body, body):
        return letter_of(claim, before[-1])
    document = freeze(tx, kind=APPEAL, subject_id=claim.id, version=len(before) + 1, body=body, now=now)
    enqueue(tx, kind=RENDER_APPEAL, key=document.id, due_at=now)
    record_audit(tx, actor=actor, action="claim.write-appeal", subject_id=claim.id, now=now)
    return letter_of(claim, document)
