"""What an insurer's posted answers do to the claims that were filed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.insurance.models import ClaimRow
from billing.insurance.queries.claim_answers import (
    answers_to,
    closed_claims_answered,
    filed_sessions_answered,
    was_posted_before,
)
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.records.claims import ClaimAnswer, Frequency, IssuedClaim
from billing.insurance.rules.answers import REVERSAL
from billing.insurance.rules.claim_answers import move_by_answers, standing_answers
from billing.insurance.states import CLAIM_ENDS, CLAIM_HELD_UP, CLAIM_UNSENT, ClaimEvent
from billing.insurance.use_cases.claim_moves import CLOSED_CLAIM_ANSWERED, move_claim
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again


def answer_claims(tx: Tx, *, remittance_id: str, actor: Actor, now: datetime) -> None:
    """Move the claims that a payment is about to where their posted answers take them, the patients held.

    Told when it was posted, and again when it is undone: what counts is what stands as posted now. Only what
    came since a claim was filed is its answer.
    """
    for session_id in filed_sessions_answered(tx, remittance_id):
        claim = _with_insurer(tx, session_id)
        event = _event(tx, claim, remittance_id) if claim else None
        if claim and event:
            move_claim(tx, claim_id=claim.id, event=event, actor=actor, now=now)
    _tell_of_closed(tx, remittance_id, actor, now)


def _tell_of_closed(tx: Tx, remittance_id: str, actor: Actor, now: datetime) -> None:
    """Ask about closed claims that are answered anew. What took one back is answered by its reversal."""
    closed = closed_claims_answered(tx, remittance_id)
    if not closed or was_posted_before(tx, remittance_id):
        return
    for claim in closed:
        answers = [each for each in answers_to(tx, claim) if each.remittance_id == remittance_id]
        if any(each.status != REVERSAL or claim.frequency is not Frequency.VOID for each in answers):
            ask_again(tx, kind=CLOSED_CLAIM_ANSWERED, about=claim, actor=actor, now=now)


def settle_claim(tx: Tx, claim: IssuedClaim, *, actor: Actor, now: datetime) -> IssuedClaim:
    """Move a claim, held with its patient, to where the answers take it that were read already."""
    event = _event_of(claim, answers_to(tx, claim))
    return move_claim(tx, claim_id=claim.id, event=event, actor=actor, now=now) if event else claim


def _with_insurer(tx: Tx, session_id: str) -> IssuedClaim | None:
    """The present claim of a session, once it was sent."""
    ended = [*CLAIM_ENDS, *CLAIM_UNSENT]
    query = select(ClaimRow).where(ClaimRow.session_id == session_id, ClaimRow.state.not_in(ended))
    row = tx.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    return claim_on_file(row) if row else None


def _event(tx: Tx, claim: IssuedClaim, remittance_id: str) -> ClaimEvent | None:
    """An appeal, and records that were asked for, wait for a newer answer than the one they are about."""
    answers = answers_to(tx, claim)
    standing = standing_answers(answers)
    is_new = bool(standing) and standing[-1].remittance_id == remittance_id
    is_held_up = claim.frequency is not Frequency.VOID and claim.state in CLAIM_HELD_UP
    if is_held_up and (not is_new or was_posted_before(tx, remittance_id)):
        return None
    return _event_of(claim, answers)


def _event_of(claim: IssuedClaim, answers: Sequence[ClaimAnswer]) -> ClaimEvent | None:
    if claim.frequency is Frequency.VOID:
        return ClaimEvent.CLOSE if any(each.status == REVERSAL for each in answers) else None
    return move_by_answers(claim.state, answers)
