"""Acknowledgements of claims that were sent: kept once each, and the claims moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.insurance.models import ClaimAcknowledgementRow, ClaimRow
from billing.insurance.queries.acknowledgements import claims_meant
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.records.acknowledgements import AcknowledgedClaim, Acknowledgement
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.rules.acknowledgements import content_sha256, move_by_acknowledgement
from billing.insurance.use_cases.claim_moves import move_claim
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there

MOVED, NOTED, DUPLICATE, UNMATCHED = "moved", "noted", "duplicate", "unmatched"


def acknowledge_claims(
    tx: Tx, *, told: Sequence[Acknowledgement], actor: Actor, now: datetime
) -> tuple[AcknowledgedClaim, ...]:
    """Keep what a file says of our claims, and accept or reject those that wait for it.

    What was kept before changes nothing, in whatever file it comes again. What is about no claim of ours that
    was sent is said to be unmatched.
    """
    meant = [(each, claims_meant(tx, each, actor)) for each in told]
    for patient_id in sorted({claim.patient_id for _, claims in meant for claim in claims}):
        lock_patient(tx, patient_id)
    done: list[AcknowledgedClaim] = []
    for each, claims in meant:
        done += [_take(tx, each, claim, actor, now) for claim in claims] or [_said(each, UNMATCHED)]
    return tuple(done)


def _take(
    tx: Tx, told: Acknowledgement, meant: IssuedClaim, actor: Actor, now: datetime
) -> AcknowledgedClaim:
    if not _keep(tx, told, meant, actor, now):
        return _said(told, DUPLICATE, meant)
    row = tx.session.get_one(ClaimRow, meant.id, populate_existing=True, with_for_update=True)
    claim = claim_on_file(row)
    event = move_by_acknowledgement(claim.state, told.verdict)
    if event is None:
        return _said(told, NOTED, claim)
    return _said(told, MOVED, move_claim(tx, claim_id=claim.id, event=event, actor=actor, now=now))


def _keep(tx: Tx, told: Acknowledgement, claim: IssuedClaim, actor: Actor, now: datetime) -> bool:
    """Whether it says something new of the claim."""
    notice_id, sha256 = new_id("ack"), content_sha256(told)
    values = {
        "id": notice_id,
        "claim_id": claim.id,
        "kind": told.kind,
        "verdict": told.verdict,
        "codes": " ".join(told.codes),
        "payer_claim_number": told.payer_claim_number,
        "content_sha256": sha256,
        "received_at": now,
        "received_by": actor.id,
    }
    insert_unless_there(tx, ClaimAcknowledgementRow, values, ["claim_id", "content_sha256"])
    kept = select(ClaimAcknowledgementRow.id).where(
        ClaimAcknowledgementRow.claim_id == claim.id, ClaimAcknowledgementRow.content_sha256 == sha256
    )
    is_new = tx.session.scalars(kept).one() == notice_id
    if is_new:
        detail = {"kind": told.kind, "verdict": str(told.verdict)}
        record_audit(tx, actor=actor, action="claim.acknowledge", subject_id=claim.id, now=now, detail=detail)
    return is_new


def _said(told: Acknowledgement, status: str, claim: IssuedClaim | None = None) -> AcknowledgedClaim:
    return AcknowledgedClaim(
        segment=told.segment,
        named=told.control_number or str(told.interchange_number or ""),
        kind=told.kind,
        verdict=told.verdict,
        codes=told.codes,
        status=status,
        number=claim.number if claim else None,
        state=claim.state if claim else None,
    )
