"""A session's next step: its row locked, moved along the table, and kept with a line on the trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from billing.care.models import SessionRow
from billing.care.queries import session_of
from billing.care.records import Session
from billing.care.states import MOVES, SessionEvent
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def move_session(tx: Tx, *, session_id: str, event: SessionEvent, actor: Actor, now: datetime) -> SessionRow:
    """Lock a session that is known to exist and move it along its table; the row is for this room only.

    Raises: IllegalMove.
    """
    row = locked_session(tx, session_id)
    advance(tx, row, MOVES, event, actor=actor, now=now)
    return row


def locked_session(tx: Tx, session_id: str) -> SessionRow:
    """The row of a session that is known to exist, held; for this room only."""
    return tx.session.scalars(
        select(SessionRow)
        .where(SessionRow.id == session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def keep_session(
    tx: Tx, *, row: SessionRow, action: str, detail: Mapping[str, str | int], actor: Actor, now: datetime
) -> Session:
    """Write a changed row and its line on the audit trail."""
    tx.session.flush()
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now, detail=detail)
    return session_of(tx.vault, row)
