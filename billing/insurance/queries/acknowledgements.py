"""Which claims an acknowledgement is about, and those that a claim has."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from billing.insurance.models import ClaimAcknowledgementRow, ClaimFileRow, ClaimRow
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.records.acknowledgements import Acknowledgement, ClaimNotice, Verdict
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.rules.answers import our_number
from billing.insurance.rules.claim_file import MOST_CLAIMS, interchange_from
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document
from billing.platform.data.reach import within_reach


def claims_meant(read: Read, told: Acknowledgement, actor: Actor) -> Sequence[IssuedClaim]:
    """The claims that were sent and that it is about; none when they cannot be told."""
    if told.control_number:
        return _by_control_number(read, told, actor)
    if told.interchange_number is None:
        return ()
    sent = _of_interchange(read, told, actor)
    if told.set_number is None:
        return sent
    return sent[(told.set_number - 1) * MOST_CLAIMS : told.set_number * MOST_CLAIMS]


def notices_of(read: Read, claim_ids: Sequence[str]) -> dict[str, list[ClaimNotice]]:
    """By claim, the oldest first."""
    rows = ClaimAcknowledgementRow
    query = select(rows).where(rows.claim_id.in_(claim_ids)).order_by(rows.id)
    found: dict[str, list[ClaimNotice]] = {}
    for row in read.session.scalars(query):
        found.setdefault(row.claim_id, []).append(
            ClaimNotice(
                id=row.id,
                kind=row.kind,
                verdict=Verdict(row.verdict),
                codes=tuple(row.codes.split()),
                payer_claim_number=row.payer_claim_number,
                received_at=row.received_at,
            )
        )
    return found


def _by_control_number(read: Read, told: Acknowledgement, actor: Actor) -> Sequence[IssuedClaim]:
    """The version that was in the file that is named, else the newest that was sent."""
    query = select(ClaimRow).where(
        ClaimRow.control_number == our_number(told.control_number),
        ClaimRow.filed_at.is_not(None),
        *within_reach(actor, ClaimRow),
    )
    versions = read.session.scalars(query.order_by(ClaimRow.version)).all()
    in_file = [row for row in versions if told.interchange_number in _numbers(read, row)]
    return [claim_on_file(row) for row in (in_file or versions)[-1:]]


def _numbers(read: Read, row: ClaimRow) -> tuple[int | None, ...]:
    """The control number of the file that it was sent in."""
    if row.file_id is None:
        return (row.interchange_number,)
    return (read.session.get_one(ClaimFileRow, row.file_id).control_number,)


def _of_interchange(read: Read, told: Acknowledgement, actor: Actor) -> Sequence[IssuedClaim]:
    """Clinics count alike: of several files with that number, the one of whom the answer was sent to."""
    number = told.interchange_number
    files = select(ClaimFileRow.id, ClaimFileRow.document_id).where(ClaimFileRow.control_number == number)
    by_hand = select(ClaimRow.id, ClaimRow.document_id).where(
        ClaimRow.interchange_number == number, ClaimRow.file_id.is_(None), ClaimRow.filed_at.is_not(None)
    )
    found = [tuple(row) for query in (files, by_hand) for row in read.session.execute(query)]
    if len(found) > 1:
        found = [each for each in found if _submitter_id(read, each[1]) == told.receiver_id.strip()]
    if len(found) != 1:
        return ()
    ((sent_id, _),) = found
    query = select(ClaimRow).where(
        (ClaimRow.file_id == sent_id) | (ClaimRow.id == sent_id), *within_reach(actor, ClaimRow)
    )
    return [claim_on_file(row) for row in read.session.scalars(query.order_by(ClaimRow.id))]


def _submitter_id(read: Read, document_id: str) -> str:
    return interchange_from(find_document(read, document_id).body).claims[0].submitter.id
