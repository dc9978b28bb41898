"""Reads of what tells an insurer of a session: superbills and claims are found, listed and told alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import select

from billing.insurance.models import ClaimRow, SuperbillRow
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach

Row = TypeVar("Row", SuperbillRow, ClaimRow)

PAPERS: tuple[type[SuperbillRow] | type[ClaimRow], ...] = (SuperbillRow, ClaimRow)
"""What tells an insurer of a session, under the session's control number."""


def find_row(read: Read, paper: type[Row], paper_id: str, actor: Actor) -> Row | None:
    """None also when the actor does not see it."""
    row = read.session.get(paper, paper_id)
    return row if row and actor.sees(entity_id=row.entity_id, site_id=row.site_id) else None


def list_rows(
    read: Read,
    paper: type[Row],
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: str | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Row]:
    """All versions, newest first, those before the cursor; dates are those of the service, both included."""
    query = select(paper).where(*within_reach(actor, paper)).order_by(paper.id.desc()).limit(limit)
    if patient_id is not None:
        query = query.where(paper.patient_id == patient_id)
    if state is not None:
        query = query.where(paper.state == state)
    if starts_on is not None:
        query = query.where(paper.service_on >= starts_on)
    if ends_on is not None:
        query = query.where(paper.service_on <= ends_on)
    if cursor is not None:
        query = query.where(paper.id < cursor)
    return read.session.scalars(query).all()


def rows_of_session(read: Read, paper: type[Row], session_id: str) -> Sequence[Row]:
    """Every version, oldest first."""
    query = select(paper).where(paper.session_id == session_id).order_by(paper.version)
    return read.session.scalars(query).all()


def told_of_paper(row: SuperbillRow | ClaimRow) -> dict[str, Any]:
    """The fields of a record `Paper`."""
    return {
        "id": row.id,
        "entity_id": row.entity_id,
        "site_id": row.site_id,
        "patient_id": row.patient_id,
        "session_id": row.session_id,
        "number": row.number,
        "version": row.version,
        "supersedes_id": row.supersedes_id,
        "control_number": row.control_number,
        "document_id": row.document_id,
        "sha256": row.sha256,
        "service_on": row.service_on,
        "charge": Money(row.charge_cents),
        "paid": Money(row.paid_cents),
        "issued_at": row.issued_at,
    }
