"""What people decide about parked remittances: whose a claim is, or that a payment is not for these books.

Each decision is kept with its reason. What can be posted after it is posted, and then nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.insurance.errors import (
    AdjustmentNotSetApart,
    AdjustmentsChanged,
    AnswerNotMatchable,
    NoSuchRemittance,
    PaymentDayToCome,
    RemittanceNotKept,
    RemittanceNotParked,
)
from billing.insurance.models.remittances import RemittanceDecisionRow, RemittanceFileRow, RemittanceRow
from billing.insurance.queries import remittance_of, remittances_shown_to
from billing.insurance.queries.payees import payee_of
from billing.insurance.queries.payment_days import is_day_to_come
from billing.insurance.queries.remittances import DECISION, content_of, matched_by_hand, place_of
from billing.insurance.records import ProviderAdjustment, Remittance, RemittanceClaim
from billing.insurance.records.remittances import DecisionKind, KeptContent
from billing.insurance.rules.answers import concerns_us
from billing.insurance.rules.kept import claim_keys
from billing.insurance.rules.set_apart import mark_of, may_be_set_apart
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent, RemittanceState
from billing.insurance.use_cases.parked_remittances import end_waiting
from billing.insurance.use_cases.remittances import post_remittance
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def match_claim(
    tx: Tx, *, remittance_id: str, claim_id: str, session_id: str, reason: str, actor: Actor, now: datetime
) -> Remittance:
    """Say which visit a claim is about, and look again: it is posted if nothing else is in the way.

    Another visit in the place of one that somebody named is a new decision.
    Raises: NoSuchRemittance, AnswerChanged, NoSuchSession; RemittanceNotParked, RemittanceNotKept;
    AnswerNotMatchable for a claim that has its visit by its number, or is another provider's, and for a visit
    that was not given, or of another clinic.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    place = place_of(tx, row.id, claim_id)
    claim = content.transaction.claims[place - 1]
    _refuse_unless_matchable(tx, row, content, claim, actor)
    session = find_session(tx, session_id, actor)
    if session.entity_id != (row.entity_id or session.entity_id):
        raise AnswerNotMatchable("The visit is at another clinic than this payment is for.")
    if session.state is not SessionState.GIVEN:
        raise AnswerNotMatchable("The visit was not given: no insurer pays for it. Choose another one.")
    key = claim_keys(content.transaction)[place - 1]
    _decide(tx, row, DecisionKind.MATCH, reason, actor, now, claim_key=key, session_id=session.id)
    return _look(tx, row, content, actor, now)


def unmatch_claim(
    tx: Tx, *, remittance_id: str, claim_id: str, reason: str, actor: Actor, now: datetime
) -> Remittance:
    """Take back which visit somebody named for a claim, as long as the remittance is parked.

    Raises: NoSuchRemittance, AnswerChanged, RemittanceNotParked, RemittanceNotKept; AnswerNotMatchable when
    nobody named one.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    place = place_of(tx, row.id, claim_id)
    segment = content.transaction.claims[place - 1].segment
    if segment not in matched_by_hand(tx, row.id, content.transaction, actor):
        raise AnswerNotMatchable("Nobody named a visit for this claim.")
    key = claim_keys(content.transaction)[place - 1]
    _decide(tx, row, DecisionKind.UNMATCH, reason, actor, now, claim_key=key)
    return _look(tx, row, content, actor, now)


def look_again(tx: Tx, *, remittance_id: str, actor: Actor, now: datetime) -> Remittance:
    """Post a parked remittance if its reason is gone, as sending its file again does.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = _parked(tx, remittance_id, actor)
    return _look(tx, row, _content(tx, row), actor, now)


def call_distinct(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that it is another payment than a posted one of the same number, and look at it again.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    _decide(tx, row, DecisionKind.DISTINCT, reason, actor, now)
    return _look(tx, row, content, actor, now)


def call_payee_ours(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that the payee is the clinic, by a former or a group's number; it holds for later payments, too.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    payee = payee_of(content.transaction)
    _decide(tx, row, DecisionKind.OURS, reason, actor, now, more={"payee": payee})
    return _look(tx, row, content, actor, now)


def call_day_right(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that the day of a payment is right, long ago or before the visit; it is booked today.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept; PaymentDayToCome.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    if is_day_to_come(tx, row.entity_id, row.paid_on, now):
        raise PaymentDayToCome(
            f"The payment says that it was paid on {row.paid_on}, which is still to come. It is posted when "
            "that day is near. If the year is wrong, ask the payer for a corrected one and set this aside."
        )
    _decide(tx, row, DecisionKind.RIGHT_DAY, reason, actor, now)
    return _look(tx, row, content, actor, now)


def set_adjustments_apart(
    tx: Tx,
    *,
    remittance_id: str,
    places: Sequence[int],
    reason: str,
    shown: str | None = None,
    actor: Actor,
    now: datetime,
) -> Remittance:
    """Keep these of its provider adjustments on 2240, and look again: the rest is posted if it can be.

    `places` are theirs in the payment, from 1; `shown` is the mark of all of them that somebody saw, where
    they say so. The newest decision holds: without places nothing is apart.
    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept; AdjustmentsChanged;
    AdjustmentNotSetApart for one that is not there, or that the books know by themselves.
    """
    row = _parked(tx, remittance_id, actor)
    content = _content(tx, row)
    _refuse_others_than_shown(content, places, shown)
    chosen = [_chosen(content, place) for place in sorted(set(places))]
    apart = [[each.code, each.reference, each.amount.cents] for each in chosen]
    _decide(tx, row, DecisionKind.SET_APART, reason, actor, now, more={"apart": apart})
    return _look(tx, row, content, actor, now)


def _refuse_others_than_shown(content: KeptContent, places: Sequence[int], shown: str | None) -> None:
    """Raises: AdjustmentsChanged."""
    told = content.transaction.provider_adjustments
    if shown in (None, mark_of(told)):
        return
    there = [
        f"at place {place} is {each.code} of {each.amount}"
        for place, each in enumerate(told, 1)
        if place in places
    ]
    raise AdjustmentsChanged(
        f"The adjustments of this payment are others, or in another order, than those that were shown: "
        f"{', '.join(there) or 'at those places is nothing'} now. Nothing was set apart. Choose again."
    )


def _chosen(content: KeptContent, place: int) -> ProviderAdjustment:
    told = content.transaction.provider_adjustments
    if not 1 <= place <= len(told):
        raise AdjustmentNotSetApart("The payment has no such adjustment. Load it again.")
    if not may_be_set_apart(told[place - 1]):
        raise AdjustmentNotSetApart(
            f"The books know what {told[place - 1].code} is: leave it with the payment."
        )
    return told[place - 1]


def set_aside(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that a parked remittance is not for these books. Nothing is posted, now or when it is sent again.

    Raises: NoSuchRemittance, RemittanceNotParked.
    """
    row = _parked(tx, remittance_id, actor)
    _decide(tx, row, DecisionKind.SET_ASIDE, reason, actor, now)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.PUT_ASIDE, actor=actor, now=now)
    end_waiting(tx, row, actor=actor, now=now)
    return remittance_of(tx, row)


def put_back(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Have one that was set aside wait again, and look at it at once.

    Raises: NoSuchRemittance, RemittanceNotKept; RemittanceNotParked when it was not set aside.
    """
    row = _locked(tx, remittance_id, actor)
    if row.state != RemittanceState.PUT_ASIDE:
        raise RemittanceNotParked("It is not set aside. Look at it again.")
    content = _content(tx, row)
    _decide(tx, row, DecisionKind.PUT_BACK, reason, actor, now)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.PUT_BACK, actor=actor, now=now)
    return _look(tx, row, content, actor, now)


def _look(tx: Tx, row: RemittanceRow, content: KeptContent, actor: Actor, now: datetime) -> Remittance:
    """The path of a file. Raises: RemittanceNotKept when the content is not known by its hash any more."""
    tx.session.flush()
    sha256 = tx.session.scalars(
        select(RemittanceFileRow.sha256).where(RemittanceFileRow.id == row.file_id)
    ).one()
    seen = post_remittance(tx, transaction=content.transaction, file_sha256=sha256, actor=actor, now=now)
    if seen.id != row.id:
        raise _not_kept()
    return seen


def _decide(
    tx: Tx,
    row: RemittanceRow,
    kind: DecisionKind,
    reason: str,
    actor: Actor,
    now: datetime,
    *,
    claim_key: str | None = None,
    session_id: str | None = None,
    more: Mapping[str, object] | None = None,
) -> None:
    decision_id = new_id("rdc")
    values = {
        "id": decision_id,
        "remittance_id": row.id,
        "entity_id": row.entity_id,
        "kind": kind,
        "claim_key": claim_key,
        "session_id": session_id,
        "sealed": tx.vault.seal(DECISION, decision_id, {"reason": reason, **(more or {})}),
        "decided_at": now,
        "decided_by": actor.id,
    }
    tx.insert(RemittanceDecisionRow, [values])
    detail = {"decision_id": decision_id} | ({"session_id": session_id} if session_id else {})
    record_audit(tx, actor=actor, action=f"remittance.{kind}", subject_id=row.id, now=now, detail=detail)


def _refuse_unless_matchable(
    tx: Tx, row: RemittanceRow, content: KeptContent, claim: RemittanceClaim, actor: Actor
) -> None:
    if not concerns_us(claim):
        raise AnswerNotMatchable("The insurer says that this claim is another provider's: it needs no visit.")
    by_hand = matched_by_hand(tx, row.id, content.transaction, actor)
    if claim.segment in content.sessions and claim.segment not in by_hand:
        raise AnswerNotMatchable("This claim has its visit already, by the number on it.")


def _parked(tx: Tx, remittance_id: str, actor: Actor) -> RemittanceRow:
    row = _locked(tx, remittance_id, actor)
    if row.state != RemittanceState.PARKED:
        raise RemittanceNotParked("It does not wait any more: it was posted, or set aside. Look at it again.")
    return row


def _locked(tx: Tx, remittance_id: str, actor: Actor) -> RemittanceRow:
    query = (
        select(RemittanceRow)
        .where(RemittanceRow.id == remittance_id, *remittances_shown_to(actor))
        .with_for_update()
    )
    row = tx.session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NoSuchRemittance("There is no such remittance. Check the id.")
    return row


def _content(tx: Tx, row: RemittanceRow) -> KeptContent:
    content = content_of(tx, row.id)
    if content is None:
        raise _not_kept()
    return content


def _not_kept() -> RemittanceNotKept:
    return RemittanceNotKept(
        "What the insurer sent is not here whole any more. Send the file again, then decide."
    )
