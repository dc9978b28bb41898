"""Who did what, to what, when: rows written with the deed, linked into a chain afterwards.

Business transactions only insert; one worker job seals the rows in order. A chain inside the business
transaction would make every writer wait for every other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Read, Tx
from billing.platform.data.documents import canonical_json

GENESIS = "0" * 64


class AuditRow(Base):
    __tablename__ = "audit_row"

    id: Mapped[Id] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[Id] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[Id] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]


class AuditSeal(Base):
    """The link that a row got: its place, and the hash over the place before it and the row."""

    __tablename__ = "audit_seal"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    audit_id: Mapped[Id] = mapped_column(ForeignKey("audit_row.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class ChainReport:
    """How far the chain is whole; `broken_at` is the first place that does not fit."""

    sealed: int
    waiting: int
    broken_at: int | None


def record_audit(
    tx: Tx,
    *,
    actor: Actor,
    action: str,
    subject_id: str,
    now: datetime,
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Write one row of the trail. `detail` holds ids, amounts and counts, never health data or names."""
    record_audits(tx, actor=actor, action=action, details={subject_id: detail or {}}, now=now)


def record_audits(
    tx: Tx, *, actor: Actor, action: str, details: Mapping[str, Mapping[str, str | int]], now: datetime
) -> None:
    """Write a row for each of the subjects that one action was done to, in their order."""
    rows = [
        {
            "id": new_id("aud"),
            "at": now,
            "actor_id": actor.id,
            "action": action,
            "subject_id": subject_id,
            "detail": dict(detail),
        }
        for subject_id, detail in details.items()
    ]
    tx.insert(AuditRow, rows)


def seal_audit_rows(tx: Tx, *, limit: int = 1_000) -> int:
    """Link the oldest rows without a seal, and return how many there were."""
    place, previous = _chain_end(tx)
    rows = tx.session.scalars(
        select(AuditRow)
        .outerjoin(AuditSeal, AuditSeal.audit_id == AuditRow.id)
        .where(AuditSeal.place.is_(None))
        .order_by(AuditRow.id)
        .limit(limit)
    ).all()
    seals = []
    for row in rows:
        place, previous = place + 1, _link(previous, row)
        seals.append({"place": place, "audit_id": row.id, "sha256": previous})
    if seals:
        tx.session.execute(insert(AuditSeal), seals)
    return len(seals)


def verify_chain(read: Read) -> ChainReport:
    """Follow the chain from its first link; an edited, missing or reordered row breaks it."""
    previous, place, broken_at = GENESIS, 0, None
    links = select(AuditSeal, AuditRow).outerjoin(AuditRow, AuditRow.id == AuditSeal.audit_id)
    query = links.order_by(AuditSeal.place).execution_options(yield_per=1_000)
    with closing(read.session.execute(query)) as rows:
        for seal, row in rows:
            place += 1
            if row is None or seal.place != place or seal.sha256 != _link(previous, row):
                broken_at = place
                break
            previous = seal.sha256
    return ChainReport(sealed=place, waiting=_waiting(read), broken_at=broken_at)


def _chain_end(tx: Tx) -> tuple[int, str]:
    last = tx.session.scalar(select(AuditSeal).order_by(AuditSeal.place.desc()).limit(1))
    return (last.place, last.sha256) if last else (0, GENESIS)


def _waiting(read: Read) -> int:
    rows = read.session.scalar(select(func.count()).select_from(AuditRow)) or 0
    seals = read.session.scalar(select(func.count()).select_from(AuditSeal)) or 0
    return rows - seals


def _link(previous: str, row: AuditRow) -> str:
    told = [row.id, row.at.isoformat(), row.actor_id, row.action, row.subject_id, row.detail]
    return hashlib.sha256(previous.encode() + canonical_json(told)).hexdigest()
