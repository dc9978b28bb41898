"""A claim moves along its table; each move is kept, and a person is asked about what waits for one."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.queries.sending import CLAIM_AMENDED
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.states import CLAIM_ENDS, CLAIM_MOVES, CLAIM_UNSENT, ClaimEvent, ClaimState
from billing.insurance.use_cases.outdated_papers import told_anew
from billing.insurance.use_cases.plan_limits import CLAIM_NOT_ALLOWED
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_again, end_tasks

CLAIM_REJECTED, CLAIM_DENIED, CLAIM_DUE = "claim-rejected", "claim-denied", "claim-due"
SENT_ANYWAY = "claim-sent-anyway"
"""The task: of a claim that a person sent by hand, though something keeps it here."""
CLOSED_CLAIM_ANSWERED = "closed-claim-answered"
"""The task: of a claim that somebody had closed, or taken back, and the insurer answered anew."""
_ASKED = {ClaimState.REJECTED: CLAIM_REJECTED, ClaimState.DENIED: CLAIM_DENIED}


def file_claim(
    tx: Tx, *, claim_id: str, sent_at: datetime, file_id: str | None = None, actor: Actor, now: datetime
) -> IssuedClaim:
    """The claim, held with its patient, is with the insurer since then.

    Raises: IllegalMove.
    """
    row = tx.session.get_one(ClaimRow, claim_id)
    row.filed_at, row.file_id = sent_at, file_id
    return move_claim(tx, claim_id=claim_id, event=ClaimEvent.FILE, actor=actor, now=now)


def move_claim(tx: Tx, *, claim_id: str, event: ClaimEvent, actor: Actor, now: datetime) -> IssuedClaim:
    """Move a claim that is held, with its patient. What somebody was asked about it before is over.

    Raises: IllegalMove.
    """
    row = tx.session.get_one(ClaimRow, claim_id)
    before = ClaimState(row.state)
    after = advance(tx, row, CLAIM_MOVES, event, actor=actor, now=now)
    tx.session.flush()
    detail: dict[str, str | int] = {"charge_cents": row.charge_cents, "frequency": row.frequency}
    record_audit(tx, actor=actor, action=f"claim.{event}", subject_id=row.id, now=now, detail=detail)
    if before in _ASKED:
        end_tasks(tx, kind=_ASKED[before], subject_ids=[row.id], actor=actor, now=now)
    if before in CLAIM_UNSENT and after not in CLAIM_UNSENT:
        end_tasks(tx, kind=CLAIM_DUE, subject_ids=[row.id], actor=actor, now=now)
    if after in CLAIM_ENDS:
        for kind in (CLAIM_AMENDED, CLAIM_NOT_ALLOWED, SENT_ANYWAY, CLOSED_CLAIM_ANSWERED):
            end_tasks(tx, kind=kind, subject_ids=[row.id], actor=actor, now=now)
    if event is ClaimEvent.ISSUE or after in CLAIM_ENDS:
        told_anew(tx, session_id=row.session_id, actor=actor, now=now)
    claim = claim_on_file(row)
    if after is ClaimState.REJECTED:
        ask_again(tx, kind=CLAIM_REJECTED, about=claim, actor=actor, now=now)
    if after is ClaimState.DENIED:
        ask_again(tx, kind=CLAIM_DENIED, about=claim, actor=actor, now=now)
    return claim
