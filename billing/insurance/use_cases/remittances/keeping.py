"""The rows of a payment: found or made, written with what was said of each claim, parked with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select

from billing.insurance.models.remittances import (
    NOT_UNDONE,
    RemittanceAdjustmentRow,
    RemittanceClaimRow,
    RemittanceFileRow,
    RemittanceRow,
)
from billing.insurance.records import Match, RemittanceClaim, RemittanceTransaction
from billing.insurance.records.answers import Doubt
from billing.insurance.records.remittances import KeptContent
from billing.insurance.rules.answers import fingerprint, outcome
from billing.insurance.rules.provider_adjustments import FORWARD_BALANCE, INTEREST
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.parked_remittances import wait_for_a_person
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there

LONGEST_REASON = 500

Matches = Mapping[int, Match]
"""The session of each claim, by the claim's place in its transaction."""
Reversed = Mapping[int, str | None]
"""By the place of a reversal, the answer that it negates."""


def kept_row(
    tx: Tx, transaction: RemittanceTransaction, file_sha256: str, actor: Actor, now: datetime
) -> RemittanceRow:
    """The row of this very content, made when it comes for the first time or after an undo, and locked."""
    file_id = _file_id(tx, file_sha256, actor, now)
    key = {
        "payer_id": transaction.payer_id,
        "trace": transaction.trace,
        "amount_cents": transaction.amount.cents,
        "paid_on": transaction.paid_on,
        "content_sha256": fingerprint(transaction),
    }
    conditions = [getattr(RemittanceRow, name) == value for name, value in key.items()]
    values = key | {
        "id": new_id("rmt"),
        "file_id": file_id,
        "payer_name": transaction.payer_name,
        "is_on_paper": transaction.is_on_paper,
        "state": RemittanceState.PARKED,
        "waits": False,
        "received_at": _first_received_at(tx, conditions) or now,
    }
    insert_unless_there(tx, RemittanceRow, values, list(key), where=NOT_UNDONE)
    query = select(RemittanceRow).where(*conditions, NOT_UNDONE).with_for_update()
    return tx.session.scalars(query.execution_options(populate_existing=True)).one()


def _first_received_at(tx: Tx, conditions: Sequence[ColumnElement[bool]]) -> datetime | None:
    """Of what was undone: sent again it says nothing new, and answers no claim that was filed since."""
    before = select(func.min(RemittanceRow.received_at)).where(
        RemittanceRow.state == RemittanceState.UNDONE, *conditions
    )
    return tx.session.scalar(before)


def _file_id(tx: Tx, sha256: str, actor: Actor, now: datetime) -> str:
    values = {"id": new_id("rem"), "sha256": sha256, "received_at": now, "received_by": actor.id}
    insert_unless_there(tx, RemittanceFileRow, values, ["sha256"])
    return tx.session.scalars(select(RemittanceFileRow.id).where(RemittanceFileRow.sha256 == sha256)).one()


def lock_given(tx: Tx, entity_id: str | None, payer_id: str) -> None:
    """Lock what this payer gave by provider adjustments before some of it is taken: only one takes it."""
    gave = select(RemittanceAdjustmentRow.remittance_id).where(
        RemittanceAdjustmentRow.code.in_((FORWARD_BALANCE, INTEREST)),
        RemittanceAdjustmentRow.amount_cents < 0,
    )
    query = select(RemittanceRow.id).where(
        RemittanceRow.entity_id == entity_id,
        RemittanceRow.payer_id == payer_id,
        RemittanceRow.state == RemittanceState.POSTED,
        RemittanceRow.id.in_(gave),
    )
    tx.session.execute(query.order_by(RemittanceRow.id).with_for_update())


def park(tx: Tx, row: RemittanceRow, content: KeptContent, doubt: Doubt, actor: Actor, now: datetime) -> None:
    """Keep all of it, with the reason, and ask a person; what its claims mean is left open."""
    row.reason, row.waits = doubt.reason[:LONGEST_REASON], doubt.waits
    write_claims(tx, row, content.transaction, None, {})
    wait_for_a_person(tx, row, content=content, actor=actor, now=now)
    record_audit(tx, actor=actor, action="remittance.park", subject_id=row.id, now=now)


def write_claims(
    tx: Tx,
    row: RemittanceRow,
    transaction: RemittanceTransaction,
    matches: Matches | None,
    reversed_answers: Reversed,
    apart: Collection[int] = (),
) -> dict[int, str]:
    """Keep what was said of each claim, in place of what an earlier try kept; return their ids by segment.

    Without `matches` the transaction is parked, and what its claims mean is left open.
    """
    for table in (RemittanceClaimRow, RemittanceAdjustmentRow):
        tx.session.execute(delete(table).where(table.remittance_id == row.id))
    values = [
        _said_of(tx, claim)
        | {"remittance_id": row.id, "place": place, "reverses_id": reversed_answers.get(claim.segment)}
        | _meaning(claim, matches)
        for place, claim in enumerate(transaction.claims, 1)
    ]
    if values:
        tx.session.execute(insert(RemittanceClaimRow), values)
    if transaction.provider_adjustments:
        tx.session.execute(insert(RemittanceAdjustmentRow), _adjustments(row, transaction, apart))
    ids = (str(value["id"]) for value in values)
    return {claim.segment: claim_id for claim, claim_id in zip(transaction.claims, ids, strict=True)}


def _meaning(claim: RemittanceClaim, matches: Matches | None) -> dict[str, object]:
    if matches is None:
        return {"outcome": None, "session_id": None}
    match = matches.get(claim.segment)
    return {"outcome": outcome(claim), "session_id": match.session_id if match else None}


def _said_of(tx: Tx, claim: RemittanceClaim) -> dict[str, object]:
    claim_id = new_id("rmc")
    said = {
        "adjustments": [asdict(adjustment) for adjustment in claim.adjustments],
        "remarks": list(claim.remarks),
        "lines": [asdict(line) | {"served_on": str(line.served_on or "")} for line in claim.lines],
    }
    return {
        "id": claim_id,
        "control_number": claim.control_number,
        "payer_claim_number": claim.payer_claim_number,
        "claim_status": claim.status,
        "charge_cents": claim.charge.cents,
        "paid_cents": claim.paid.cents,
        "patient_cents": claim.patient_responsibility.cents,
        "credit_cents": 0,
        "sealed": tx.vault.seal("remittance_claim", claim_id, said),
    }


def _adjustments(
    row: RemittanceRow, transaction: RemittanceTransaction, apart: Collection[int]
) -> list[dict[str, object]]:
    return [
        {
            "id": new_id("rma"),
            "remittance_id": row.id,
            "place": place,
            "code": each.code,
            "reference": each.reference,
            "amount_cents": each.amount.cents,
            "is_set_apart": place in apart,
        }
        for place, each in enumerate(transaction.provider_adjustments, 1)
    ]
