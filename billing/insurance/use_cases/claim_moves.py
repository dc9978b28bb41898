"""A claim moves along its table; each move is kept, and is on the trail."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.states import CLAIM_MOVES, ClaimEvent
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def move_claim(tx: Tx, *, claim_id: str, event: ClaimEvent, actor: Actor, now: datetime) -> IssuedClaim:
    """Move a claim that is held, with its patient.

    Raises: IllegalMove.
    """
    row = tx.session.get_one(ClaimRow, claim_id)
    advance(tx, row, CLAIM_MOVES, event, actor=actor, now=now)
    tx.session.flush()
    detail: dict[str, str | int] = {"charge_cents": row.charge_cents, "frequency": row.frequency}
    record_audit(tx, actor=actor, action=f"claim.{event}", subject_id=row.id, now=now, detail=detail)
    return claim_on_file(row)
