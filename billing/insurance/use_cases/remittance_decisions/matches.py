"""Which visit a claim is about that has no number of ours."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.insurance.errors import AnswerNotMatchable
from billing.insurance.models.remittances import RemittanceRow
from billing.insurance.queries.remittances import matched_by_hand, place_of
from billing.insurance.records import Remittance, RemittanceClaim
from billing.insurance.records.remittances import DecisionKind, KeptContent
from billing.insurance.rules.answers import concerns_us
from billing.insurance.rules.kept import claim_keys
from billing.insurance.use_cases.remittance_decisions.keeping import content_kept, decide, look, parked
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx


def match_claim(
    tx: Tx, *, remittance_id: str, claim_id: str, session_id: str, reason: str, actor: Actor, now: datetime
) -> Remittance:
    """Say which visit a claim is about, and look again: it is posted if nothing else is in the way.

    Another visit in the place of one that somebody named is a new decision.
    Raises: NoSuchRemittance, AnswerChanged, NoSuchSession; RemittanceNotParked, RemittanceNotKept;
    AnswerNotMatchable for a claim that has its visit by its number, or is another provider's, and for a visit
    that was not given, or of another clinic.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    place = place_of(tx, row.id, claim_id)
    claim = content.transaction.claims[place - 1]
    _refuse_unless_matchable(tx, row, content, claim, actor)
    session = find_session(tx, session_id, actor)
    if session.entity_id != (row.entity_id or session.entity_id):
        raise AnswerNotMatchable("The visit is at another clinic than this payment is for.")
    if session.state is not SessionState.GIVEN:
        raise AnswerNotMatchable("The visit was not given: no insurer pays for it. Choose another one.")
    key = claim_keys(content.transaction)[place - 1]
    decide(tx, row, DecisionKind.MATCH, reason, actor, now, claim_key=key, session_id=session.id)
    return look(tx, row, content, actor, now)


def unmatch_claim(
    tx: Tx, *, remittance_id: str, claim_id: str, reason: str, actor: Actor, now: datetime
) -> Remittance:
    """Take back which visit somebody named for a claim, as long as the remittance is parked.

    Raises: NoSuchRemittance, AnswerChanged, RemittanceNotParked, RemittanceNotKept; AnswerNotMatchable when
    nobody named one.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    place = place_of(tx, row.id, claim_id)
    segment = content.transaction.claims[place - 1].segment
    if segment not in matched_by_hand(tx, row.id, content.transaction, actor):
        raise AnswerNotMatchable("Nobody named a visit for this claim.")
    key = claim_keys(content.transaction)[place - 1]
    decide(tx, row, DecisionKind.UNMATCH, reason, actor, now, claim_key=key)
    return look(tx, row, content, actor, now)


def _refuse_unless_matchable(
    tx: Tx, row: RemittanceRow, content: KeptContent, claim: RemittanceClaim, actor: Actor
) -> None:
    if not concerns_us(claim):
        raise AnswerNotMatchable("The insurer says that this claim is another provider's: it needs no visit.")
    by_hand = matched_by_hand(tx, row.id, content.transaction, actor)
    if claim.segment in content.sessions and claim.segment not in by_hand:
        raise AnswerNotMatchable("This claim has its visit already, by the number on it.")
