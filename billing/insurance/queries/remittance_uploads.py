"""Reads of files that somebody sent. Each is there for who sent it alone, or is asked about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from billing.insurance.errors import NoSuchUpload
from billing.insurance.models.remittances import (
    RemittanceRow,
    RemittanceUploadPartRow,
    RemittanceUploadRow,
)
from billing.insurance.queries import remittances_shown_to
from billing.insurance.records.uploads import FAILED, UPLOAD_FAILED, Upload, UploadPart
from billing.insurance.states import RemittanceState, UploadState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read
from billing.platform.data.tasks import open_subjects

Columns = TypeVarTuple("Columns")

UPLOAD, PART = RemittanceUploadRow.__tablename__, RemittanceUploadPartRow.__tablename__
MOST_PARTS = 200
"""Shown of one file, those first that failed or wait for a person; the rest is in the list of answers."""


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
    """Also somebody else's that a person is asked about, for who sees all of their clinic.

    Raises: NoSuchUpload.
    """
    row = read.session.get(RemittanceUploadRow, upload_id)
    if row is None or not (row.uploaded_by == actor.id or row.id in _asked_about(read, actor)):
        raise no_such_upload()
    return upload_of(read, row)


def when_sent(read: Read, upload_ids: Collection[str], actor: Actor) -> Mapping[str, datetime]:
    """By id, of those that the actor may see."""
    query = select(RemittanceUploadRow).where(RemittanceUploadRow.id.in_(upload_ids))
    asked = _asked_about(read, actor)
    return {
        row.id: row.uploaded_at
        for row in read.session.scalars(query)
        if row.uploaded_by == actor.id or row.id in asked
    }


def _asked_about(read: Read, actor: Actor) -> frozenset[str]:
    """Files about which somebody who sees all of the clinic is asked, also one sent for all clinics."""
    if actor.site_ids is not None:
        return frozenset()
    return frozenset(open_subjects(read, kind=UPLOAD_FAILED, entity_id=actor.entity_id))


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
        parts=_parts(read, row),
    )


def counted_parts(read: Read, upload_id: str) -> Mapping[str, Counted]:
    """By status, how many transactions stand so by now, or would, and their money."""
    row = read.session.get_one(RemittanceUploadRow, upload_id)
    parts = RemittanceUploadPartRow
    told = func.coalesce(STANDS, parts.expected).label("stands")
    query = _with_what_came_of_it(
        select(told, func.count().label("how_many"), func.sum(parts.amount_cents).label("cents")), row
    )
    query = query.group_by(told).order_by(told)
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
    return Work(UploadState(row.state), _ordered_by(row), content)


def _ordered_by(row: RemittanceUploadRow) -> Actor:
    """Who sent it, with the reach that they had then."""
    return Actor(
        id=row.uploaded_by,
        entity_id=row.entity_id,
        site_ids=None if row.site_ids is None else frozenset(row.site_ids),
        permissions=frozenset({Permission.REMITTANCES_WRITE}),
    )


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


def _parts(read: Read, row: RemittanceUploadRow) -> Sequence[UploadPart]:
    parts = RemittanceUploadPartRow
    told = func.coalesce(STANDS, parts.expected)
    waits_last = case((told == FAILED, 0), (told == RemittanceState.PARKED, 1), else_=2)
    query = _with_what_came_of_it(select(parts, STANDS), row).order_by(waits_last, parts.place)
    return [
        _part(part, stands, read.vault.open(PART, _name(part), part.sealed))
        for part, stands in read.session.execute(query.limit(MOST_PARTS))
    ]


STANDS: ColumnElement[str | None] = func.coalesce(RemittanceRow.state, RemittanceUploadPartRow.status)
"""What became of a part: of one that was parked, what became of it since."""


def _with_what_came_of_it(query: Select[*Columns], row: RemittanceUploadRow) -> Select[*Columns]:
    """The parts of a file, and as far as who ordered it may know of them the payments that it parked."""
    parts = RemittanceUploadPartRow
    parked = and_(
        RemittanceRow.id == parts.remittance_id,
        parts.status == RemittanceState.PARKED,
        *remittances_shown_to(_ordered_by(row)),
    )
    return query.select_from(parts).outerjoin(RemittanceRow, parked).where(parts.upload_id == row.id)


def _name(row: RemittanceUploadPartRow) -> str:
    return part_name(row.upload_id, row.place)


def part_name(upload_id: str, place: int) -> str:
    """Under what name a part is sealed."""
    return f"{upload_id}/{place}"


def _part(row: RemittanceUploadPartRow, stands: str | None, told: Mapping[str, Any]) -> UploadPart:
    return UploadPart(
        place=row.place,
        claims=row.claims,
        trace=told["trace"],
        payer_name=told["payer_name"],
        amount=Money(row.amount_cents),
        paid_on=date.fromisoformat(told["paid_on"]),
        expected=row.expected,
        status=stands,
        reason=told["reason"] if stands == row.status else None,
        remittance_id=row.remittance_id,
    )
