"""Reads of claims; those of other sites or entities do not exist for the actor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from billing.insurance.errors import NoSuchClaim
from billing.insurance.models import ClaimAcknowledgementRow, ClaimFileRow, ClaimRow
from billing.insurance.models.remittances import RemittanceClaimRow, RemittanceRow
from billing.insurance.queries.papers import find_row, list_rows, rows_of_session, told_of_paper
from billing.insurance.records.claims import Claim, ClaimFile, Frequency, IssuedClaim
from billing.insurance.rules.claim_file import interchange_from
from billing.insurance.states import CLAIM_ENDS, ClaimState, RemittanceState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document
from billing.platform.data.reach import within_reach


def find_claim(read: Read, claim_id: str, actor: Actor) -> IssuedClaim:
    """Raises: NoSuchClaim."""
    row = find_row(read, ClaimRow, claim_id, actor)
    if row is None:
        raise NoSuchClaim("There is no such claim. Check the id.")
    return claim_on_file(row)


def list_claims(read: Read, actor: Actor, *, limit: int, **which: Any) -> Sequence[IssuedClaim]:
    """See `papers.list_rows`."""
    return [claim_on_file(row) for row in list_rows(read, ClaimRow, actor, limit=limit, **which)]


def claims_by_id(read: Read, claim_ids: Collection[str], actor: Actor) -> Sequence[IssuedClaim]:
    """Those that the actor sees."""
    query = select(ClaimRow).where(ClaimRow.id.in_(claim_ids), *within_reach(actor, ClaimRow))
    return [claim_on_file(row) for row in read.session.scalars(query)]


def claims_of_session(read: Read, session_id: str) -> tuple[IssuedClaim, ...]:
    """Every version, oldest first."""
    return tuple(claim_on_file(row) for row in rows_of_session(read, ClaimRow, session_id))


def standing_claim(versions: Sequence[IssuedClaim]) -> IssuedClaim | None:
    """What an issue follows: the newest version, unless it was withdrawn, or took the claim back for good."""
    newest = versions[-1] if versions else None
    if newest is None or newest.state is ClaimState.VOIDED:
        return None
    return None if newest.frequency is Frequency.VOID and newest.state is ClaimState.CLOSED else newest


def claims_that_tell(read: Read, patient_id: str) -> list[IssuedClaim]:
    """The present claims of a patient; one that takes another back is none."""
    query = select(ClaimRow).where(
        ClaimRow.patient_id == patient_id,
        ClaimRow.state.not_in(CLAIM_ENDS),
        ClaimRow.frequency != Frequency.VOID,
    )
    return [claim_on_file(row) for row in read.session.scalars(query.order_by(ClaimRow.id))]


def facts_of_claim(read: Read, claim: IssuedClaim) -> Claim:
    """What the insurer is told, as it was frozen."""
    (facts,) = interchange_from(find_document(read, claim.document_id).body).claims
    return facts


def reason_sent(read: Read, claim_id: str) -> str | None:
    """Why a person sent it by hand though it was to stay here; the actor was shown the claim."""
    row = read.session.get_one(ClaimRow, claim_id)
    if row.sent_reason is None:
        return None
    return str(read.vault.open(ClaimRow.__tablename__, row.id, row.sent_reason)["reason"])


def payers_number(read: Read, session_id: str) -> str | None:
    """The payer's own number of the session's claim: of the latest answer, else of an acknowledgement."""
    query = (
        select(RemittanceClaimRow.payer_claim_number)
        .join(RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id)
        .where(
            RemittanceClaimRow.session_id == session_id,
            RemittanceClaimRow.payer_claim_number != "",
            RemittanceRow.state == RemittanceState.POSTED,
        )
        .order_by(RemittanceRow.paid_on.desc(), RemittanceRow.id.desc(), RemittanceClaimRow.place.desc())
        .limit(1)
    )
    return read.session.scalar(query) or _acknowledged_number(read, session_id)


def _acknowledged_number(read: Read, session_id: str) -> str | None:
    notices = ClaimAcknowledgementRow
    query = (
        select(notices.payer_claim_number)
        .join(ClaimRow, ClaimRow.id == notices.claim_id)
        .where(ClaimRow.session_id == session_id, notices.payer_claim_number != "")
        .order_by(notices.id.desc())
        .limit(1)
    )
    return read.session.scalar(query)


def files_of_period(read: Read, starts_on: date, ends_on: date, actor: Actor) -> tuple[ClaimFile, ...]:
    """The files in which claims of these days of service were sent, oldest first."""
    inside = select(ClaimRow.file_id).where(
        ClaimRow.service_on.between(starts_on, ends_on), *within_reach(actor, ClaimRow)
    )
    query = select(ClaimFileRow).where(ClaimFileRow.id.in_(inside)).order_by(ClaimFileRow.id)
    return tuple(file_on_file(read, row) for row in read.session.scalars(query))


def file_on_file(read: Read, row: ClaimFileRow) -> ClaimFile:
    query = select(ClaimRow).where(ClaimRow.file_id == row.id).order_by(ClaimRow.id)
    return ClaimFile(
        id=row.id,
        entity_id=row.entity_id,
        control_number=row.control_number,
        receiver_id=row.receiver_id,
        claims=tuple(claim_on_file(claim) for claim in read.session.scalars(query)),
        charge=Money(row.charge_cents),
        document_id=row.document_id,
        made_at=row.made_at,
    )


def claim_on_file(row: ClaimRow) -> IssuedClaim:
    return IssuedClaim(
        **told_of_paper(row),
        state=ClaimState(row.state),
        frequency=Frequency(row.frequency),
        original_reference=row.original_reference,
        file_by=row.file_by,
        filed_at=row.filed_at,
        file_id=row.file_id,
    )
