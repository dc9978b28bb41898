"""How a decision is kept, with its reason, and what is looked at before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from billing.insurance.errors import NoSuchRemittance, RemittanceNotKept, RemittanceNotParked
from billing.insurance.models.remittances import RemittanceDecisionRow, RemittanceFileRow, RemittanceRow
from billing.insurance.queries import remittances_shown_to
from billing.insurance.queries.remittances import DECISION, content_of
from billing.insurance.records import Remittance
from billing.insurance.records.remittances import DecisionKind, KeptContent
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.remittances import post_remittance
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def parked(tx: Tx, remittance_id: str, actor: Actor) -> RemittanceRow:
    row = locked(tx, remittance_id, actor)
    if row.state != RemittanceState.PARKED:
        raise RemittanceNotParked("It does not wait any more: it was posted, or set aside. Look at it again.")
    return row


def locked(tx: Tx, remittance_id: str, actor: Actor) -> RemittanceRow:
    query = (
        select(RemittanceRow)
        .where(RemittanceRow.id == remittance_id, *remittances_shown_to(actor))
        .with_for_update()
    )
    row = tx.session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NoSuchRemittance("There is no such remittance. Check the id.")
    return row


def content_kept(tx: Tx, row: RemittanceRow) -> KeptContent:
    content = content_of(tx, row.id)
    if content is None:
        raise not_kept()
    return content


def look(tx: Tx, row: RemittanceRow, content: KeptContent, actor: Actor, now: datetime) -> Remittance:
    """The path of a file. Raises: RemittanceNotKept when the content is not known by its hash any more."""
    tx.session.flush()
    sha256 = tx.session.scalars(
        select(RemittanceFileRow.sha256).where(RemittanceFileRow.id == row.file_id)
    ).one()
    seen = post_remittance(tx, transaction=content.transaction, file_sha256=sha256, actor=actor, now=now)
    if seen.id != row.id:
        raise not_kept()
    return seen


def decide(
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


def not_kept() -> RemittanceNotKept:
    return RemittanceNotKept(
        "What the insurer sent is not here whole any more. Send the file again, then decide."
    )
