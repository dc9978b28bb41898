"""What insurers answered: kept, matched and posted, one ST transaction at a time, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from billing.catalog.queries import entities
from billing.insurance.models import RemittanceClaimRow, RemittanceFileRow, RemittanceRow
from billing.insurance.queries import remittance_of, sessions_by_control_number, sessions_by_payer_claim
from billing.insurance.records import (
    Match,
    Outcome,
    Remittance,
    RemittanceClaim,
    RemittanceTransaction,
)
from billing.insurance.rules.answers import concerns_us, doubt, fingerprint, our_number, outcome
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent, RemittanceState
from billing.insurance.use_cases.claim_answers import answer_claims
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance

LONGEST_REASON = 500
DUPLICATE = "duplicate"
"""The status of a transaction that was posted before; nothing is posted again."""

Matches = Mapping[int, Match]
"""The session of each claim, by the claim's place in its transaction."""


def post_remittance(
    tx: Tx, *, transaction: RemittanceTransaction, file_sha256: str, actor: Actor, now: datetime
) -> Remittance:
    """Post one transaction, or park it with the reason; one that was posted before is a duplicate.

    A parked one is looked at again whenever it is sent again; it stays on file when a corrected one comes and
    is posted. What the insurer paid the clinic becomes the patient's credit, for a session already paid;
    nothing becomes a new debt of the patient. Patients are locked before anything is decided.
    """
    row = _kept(tx, transaction, file_sha256, actor, now)
    if row.state == RemittanceState.POSTED:
        return _as_duplicate(remittance_of(tx, row))
    matches = _matches(tx, transaction, actor)
    row.entity_id = _entity_id(tx, transaction, matches, actor)
    for patient_id in sorted({match.patient_id for match in matches.values()}):
        lock_patient(tx, patient_id)
    reason = _other_content(tx, row) or doubt(transaction) or _unmatched(transaction, matches)
    if reason is None:
        _post(tx, row, transaction, matches, actor, now)
    else:
        row.reason = reason[:LONGEST_REASON]
        _write_claims(tx, row, transaction, None)
        record_audit(tx, actor=actor, action="remittance.park", subject_id=row.id, now=now)
    tx.session.flush()
    return remittance_of(tx, row)


def _kept(
    tx: Tx, transaction: RemittanceTransaction, file_sha256: str, actor: Actor, now: datetime
) -> RemittanceRow:
    """The row of this very content, made when it comes for the first time, and locked."""
    file_id = _file_id(tx, file_sha256, actor, now)
    key = {
        "payer_id": transaction.payer_id,
        "trace": transaction.trace,
        "amount_cents": transaction.amount.cents,
        "paid_on": transaction.paid_on,
        "content_sha256": fingerprint(transaction),
    }
    values = key | {
        "id": new_id("rmt"),
        "file_id": file_id,
        "payer_name": transaction.payer_name,
        "state": RemittanceState.PARKED,
        "received_at": now,
    }
    insert_unless_there(tx, RemittanceRow, values, list(key))
    conditions = [getattr(RemittanceRow, name) == value for name, value in key.items()]
    query = select(RemittanceRow).where(*conditions).with_for_update()
    return tx.session.scalars(query.execution_options(populate_existing=True)).one()


def _file_id(tx: Tx, sha256: str, actor: Actor, now: datetime) -> str:
    values = {"id": new_id("rem"), "sha256": sha256, "received_at": now, "received_by": actor.id}
    insert_unless_there(tx, RemittanceFileRow, values, ["sha256"])
    return tx.session.scalars(select(RemittanceFileRow.id).where(RemittanceFileRow.sha256 == sha256)).one()


def _other_content(tx: Tx, row: RemittanceRow) -> str | None:
    """Posted once only by entity, payer, trace, amount and date: something else is for a person.

    What was parked under the same key is no hindrance: this may be its correction.
    """
    other = select(RemittanceRow.id).where(
        RemittanceRow.state == RemittanceState.POSTED,
        RemittanceRow.entity_id == row.entity_id,
        RemittanceRow.payer_id == row.payer_id,
        RemittanceRow.trace == row.trace,
        RemittanceRow.amount_cents == row.amount_cents,
        RemittanceRow.paid_on == row.paid_on,
    )
    if tx.session.scalar(other.limit(1)) is None:
        return None
    return "A payment with the same payer, trace, amount and date came before with other content."


# ---------------------------------------------------------------------------------------- matching


def _matches(tx: Tx, transaction: RemittanceTransaction, actor: Actor) -> dict[int, Match]:
    """By our control number, then by the payer's own number of an earlier answer, then by the lines'."""
    claims = [claim for claim in transaction.claims if concerns_us(claim)]
    numbers = {our_number(number) for claim in claims for number in _numbers(claim)}
    ours = sessions_by_control_number(tx, numbers, actor)
    theirs = sessions_by_payer_claim(
        tx, transaction.payer_id, (claim.payer_claim_number for claim in claims), actor
    )
    found = {}
    for claim in claims:
        direct, *by_line = (ours.get(our_number(number)) for number in _numbers(claim))
        match = (
            direct
            or theirs.get((claim.payer_claim_number, claim.charge.cents))
            or next(filter(None, by_line), None)
        )
        if match:
            found[claim.segment] = match
    return found


def _numbers(claim: RemittanceClaim) -> list[str]:
    return [claim.control_number, *(line.control_number for line in claim.lines)]


def _unmatched(transaction: RemittanceTransaction, matches: Matches) -> str | None:
    for claim in transaction.claims:
        if concerns_us(claim) and claim.segment not in matches:
            return (
                f"The claim at segment {claim.segment} has the control number {claim.control_number}, "
                "which is on no superbill or claim of ours."
            )
    if len({match.entity_id for match in matches.values()}) > 1:
        return "The payment is for sessions of more than one legal entity."
    if transaction.amount and not matches:
        return "The payment is for no session of ours."
    return None


def _entity_id(tx: Tx, transaction: RemittanceTransaction, matches: Matches, actor: Actor) -> str | None:
    """Whose it is: the matched sessions', else the actor's, else that of the payee's NPI."""
    if matches:
        return next(iter(matches.values())).entity_id
    if actor.entity_id is not None:
        return actor.entity_id
    return next((each.id for each in entities(tx) if each.npi == transaction.payee_npi), None)


# ----------------------------------------------------------------------------------------- posting


def _post(
    tx: Tx,
    row: RemittanceRow,
    transaction: RemittanceTransaction,
    matches: Matches,
    actor: Actor,
    now: datetime,
) -> None:
    row.reason = None
    tx.session.flush()
    claim_ids = _write_claims(tx, row, transaction, matches)
    for claim, claim_id in zip(transaction.claims, claim_ids, strict=True):
        if outcome(claim) is Outcome.REIMBURSED:
            _hold(tx, claim, claim_id, matches[claim.segment], transaction, actor, now)
    _post_interest(tx, row, transaction, matches, actor, now)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.POST, actor=actor, now=now)
    answer_claims(tx, remittance_id=row.id, actor=actor, now=now)
    detail = {"cents": transaction.amount.cents, "claims": len(transaction.claims)}
    record_audit(tx, actor=actor, action="remittance.post", subject_id=row.id, now=now, detail=detail)


def _hold(
    tx: Tx,
    claim: RemittanceClaim,
    claim_id: str,
    match: Match,
    transaction: RemittanceTransaction,
    actor: Actor,
    now: datetime,
) -> None:
    held = hold_reimbursement(
        tx,
        session_id=match.session_id,
        amount=claim.paid,
        source_id=claim_id,
        received_on=transaction.paid_on,
        actor=actor,
        now=now,
    )
    tx.session.execute(
        update(RemittanceClaimRow)
        .where(RemittanceClaimRow.id == claim_id)
        .values(credit_cents=held.credit.cents)
    )


def _post_interest(
    tx: Tx,
    row: RemittanceRow,
    transaction: RemittanceTransaction,
    matches: Matches,
    actor: Actor,
    now: datetime,
) -> None:
    """Interest that the payer added belongs to no claim yet: it waits as unapplied payer money."""
    interest = Money(0) - total(adjustment.amount for adjustment in transaction.provider_adjustments)
    if not interest:
        return
    match = next(iter(matches.values()))
    posting = Posting(
        entity_id=match.entity_id,
        site_id=match.site_id,
        effective_on=transaction.paid_on,
        source_kind="remittance",
        source_id=row.id,
        purpose="interest",
        lines=(debit(Account.BANK, interest), credit(Account.UNAPPLIED_PAYER_MONEY, interest)),
    )
    post(tx, posting, actor=actor, now=now)


def _write_claims(
    tx: Tx, row: RemittanceRow, transaction: RemittanceTransaction, matches: Matches | None
) -> Sequence[str]:
    """Keep what was said of each claim, in place of what an earlier try kept; return their ids.

    Without `matches` the transaction is parked, and what its claims mean is left open.
    """
    tx.session.execute(delete(RemittanceClaimRow).where(RemittanceClaimRow.remittance_id == row.id))
    values = [
        _said_of(tx, claim) | {"remittance_id": row.id, "place": place} | _meaning(claim, matches)
        for place, claim in enumerate(transaction.claims, 1)
    ]
    if values:
        tx.session.execute(insert(RemittanceClaimRow), values)
    return [str(value["id"]) for value in values]


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


def _as_duplicate(remittance: Remittance) -> Remittance:
    """The same answer as before, with nothing newly credited."""
    claims = tuple(replace(claim, status=DUPLICATE, credit=ZERO) for claim in remittance.claims)
    return replace(remittance, status=DUPLICATE, claims=claims)
