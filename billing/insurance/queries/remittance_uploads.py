"""Reads of files that somebody sent. Each is there for who sent it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from billing.insurance.errors import NoSuchUpload
from billing.insurance.models.remittances import RemittanceUploadPartRow, RemittanceUploadRow
from billing.insurance.records.uploads import Upload, UploadPart
from billing.insurance.states import UploadState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read

UPLOAD, PART = RemittanceUploadRow.__tablename__, RemittanceUploadPartRow.__tablename__
MOST_PARTS = 200
"""Shown of one file, those first that wait for a person; the rest is in the list of answers."""


@dataclass(frozen=True)
class Counted:
    count: int
    amount: Money


@dataclass(frozen=True)
class Work:
    """A file as the worker takes it on, in the name of who sent it."""

    state: UploadState
    actor: Actor
    content: bytes | None


def find_upload(read: Read, upload_id: str, actor: Actor) -> Upload:
    """Raises: NoSuchUpload."""
    row = _row(read, upload_id, actor)
    return upload_of(read, row)


def upload_of(read: Read, row: RemittanceUploadRow) -> Upload:
    refusal = read.vault.open(UPLOAD, row.id, row.refusal)["reason"] if row.refusal else None
    return Upload(
        id=row.id,
        state=UploadState(row.state),
        uploaded_at=row.uploaded_at,
        posted_at=row.posted_at,
        claims=row.claims,
        claims_done=row.claims_done,
        refusal=refusal,
        parts=_parts(read, row.id),
    )


def counted_parts(read: Read, upload_id: str) -> Mapping[str, Counted]:
    """By status, how many transactions stand so, or would, and their money."""
    parts = RemittanceUploadPartRow
    stands = func.coalesce(parts.status, parts.expected).label("stands")
    query = (
        select(stands, func.count().label("how_many"), func.sum(parts.amount_cents).label("cents"))
        .where(parts.upload_id == upload_id)
        .group_by(stands)
        .order_by(stands)
    )
    return {
        row.stands: Counted(row.how_many, Money(int(row.cents)))
        for row in read.session.execute(query)
        if row.stands
    }


def content_of_upload(read: Read, upload_id: str, actor: Actor) -> bytes:
    """Raises: NoSuchUpload, also when it was posted."""
    row = _row(read, upload_id, actor)
    if row.sealed is None:
        raise no_such_upload()
    return read.vault.open_bytes(UPLOAD, row.id, row.sealed)


def work_of_upload(read: Read, upload_id: str) -> Work | None:
    """What the worker is to do, or None when the file is gone."""
    row = read.session.get(RemittanceUploadRow, upload_id)
    if row is None:
        return None
    content = read.vault.open_bytes(UPLOAD, row.id, row.sealed) if row.sealed else None
    actor = Actor(
        id=row.uploaded_by,
        entity_id=row.entity_id,
        site_ids=None if row.site_ids is None else frozenset(row.site_ids),
        permissions=frozenset({Permission.REMITTANCES_WRITE}),
    )
    return Work(UploadState(row.state), actor, content)


def places_done(read: Read, upload_id: str) -> frozenset[int]:
    """Which transactions of a file were posted or parked by now."""
    query = select(RemittanceUploadPartRow.place).where(
        RemittanceUploadPartRow.upload_id == upload_id, RemittanceUploadPartRow.status.is_not(None)
    )
    return frozenset(read.session.scalars(query))


def no_such_upload() -> NoSuchUpload:
    return NoSuchUpload("There is no such file any more. Send it again.")


def _row(read: Read, upload_id: str, actor: Actor) -> RemittanceUploadRow:
    row = read.session.get(RemittanceUploadRow, upload_id)
    if row is None or row.uploaded_by != actor.id:
        raise no_such_upload()
    return row


def _parts(read: Read, upload_id: str) -> Sequence[UploadPart]:
    parts = RemittanceUploadPartRow
    stands = func.coalesce(parts.status, parts.expected)
    query = (
        select(parts)
        .where(parts.upload_id == upload_id)
        .order_by((stands == "parked").desc(), parts.place)
        .limit(MOST_PARTS)
    )
    return [_part(row, read.vault.open(PART, _name(row), row.sealed)) for row in read.session.scalars(query)]


def _name(row: RemittanceUploadPartRow) -> str:
    return part_name(row.upload_id, row.place)


def part_name(upload_id: str, place: int) -> str:
    """Under what name a part is sealed."""
    return f"{upload_id}/{place}"


def _part(row: RemittanceUploadPartRow, told: Mapping[str, Any]) -> UploadPart:
    return UploadPart(
        place=row.place,
        claims=row.claims,
        trace=told["trace"],
        payer_name=told["payer_name"],
        amount=Money(row.amount_cents),
        paid_on=date.fromisoformat(told["paid_on"]),
        expected=row.expected,
        status=row.status,
        reason=told["reason"],
        remittance_id=row.remittance_id,
    )
