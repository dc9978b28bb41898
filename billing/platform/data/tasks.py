"""What a person has to look at: one task for each fact, open until somebody closes it.

A task names its fact by kind and id, so that whoever finds the same thing twice makes it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Read, Tx
from billing.platform.data.errors import NoSuchTask
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.reach import within_reach
from billing.platform.data.states import advance
from billing.platform.data.vault import Vault


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"


class TaskEvent(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"


TASK_MOVES: dict[tuple[TaskState, TaskEvent], TaskState] = {
    (TaskState.OPEN, TaskEvent.CLOSE): TaskState.DONE,
    (TaskState.DONE, TaskEvent.REOPEN): TaskState.OPEN,
}


class TaskRow(Base):
    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("kind", "subject_id"), Index("ix_task_site", "site_id", "state"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[Id]
    state: Mapped[str] = mapped_column(String(10))
    opened_at: Mapped[datetime]
    closed_by: Mapped[str | None] = mapped_column(String(40))
    closed_at: Mapped[datetime | None]
    note: Mapped[bytes | None]


@dataclass(frozen=True, kw_only=True)
class StaffTask:
    """`kind` says what happened, such as `refund-failed`; `note` is what who closed it last had to say."""

    id: str
    entity_id: str
    site_id: str
    kind: str
    subject_id: str
    state: TaskState
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    note: str | None


class Sited(Protocol):
    """What a person may be asked about: a row or record of one site."""

    @property
    def id(self) -> str: ...
    @property
    def entity_id(self) -> str: ...
    @property
    def site_id(self) -> str: ...


def ask_a_person(tx: Tx, *, kind: str, about: Sited, actor: Actor, now: datetime) -> StaffTask:
    """Open a task whose fact is the row or record itself."""
    return open_task(
        tx,
        kind=kind,
        subject_id=about.id,
        entity_id=about.entity_id,
        site_id=about.site_id,
        actor=actor,
        now=now,
    )


def ask_again(
    tx: Tx, *, kind: str, about: Sited, closed_before: datetime | None = None, actor: Actor, now: datetime
) -> StaffTask:
    """Ask about what may happen more than once: a task that somebody closed is open again.

    With `closed_before`, only one that was closed before that happened.
    """
    task = ask_a_person(tx, kind=kind, about=about, actor=actor, now=now)
    row = tx.session.get_one(TaskRow, task.id, with_for_update=True, populate_existing=True)
    if row.state == TaskState.DONE and (closed_before is None or _was_closed_before(row, closed_before)):
        advance(tx, row, TASK_MOVES, TaskEvent.REOPEN, actor=actor, now=now)
        row.closed_by = row.closed_at = None
        record_audit(tx, actor=actor, action="task.reopen", subject_id=row.id, now=now)
    return _task_of(tx.vault, row)


def _was_closed_before(row: TaskRow, instant: datetime) -> bool:
    return row.closed_at is not None and row.closed_at < instant


def open_task(
    tx: Tx, *, kind: str, subject_id: str, entity_id: str, site_id: str, actor: Actor, now: datetime
) -> StaffTask:
    """Ask a person to look; the same kind and subject a second time is the task that is there, also done."""
    values = {
        "id": new_id("tsk"),
        "entity_id": entity_id,
        "site_id": site_id,
        "kind": kind,
        "subject_id": subject_id,
        "state": TaskState.OPEN,
        "opened_at": now,
    }
    insert_unless_there(tx, TaskRow, values, ["kind", "subject_id"])
    row = tx.session.scalars(
        select(TaskRow).where(TaskRow.kind == kind, TaskRow.subject_id == subject_id)
    ).one()
    if row.id == values["id"]:
        record_audit(tx, actor=actor, action="task.open", subject_id=row.id, now=now)
    return _task_of(tx.vault, row)


def close_task(tx: Tx, *, task_id: str, note: str | None, actor: Actor, now: datetime) -> StaffTask:
    """Raises: NoSuchTask; IllegalMove when somebody closed it before."""
    row = tx.session.get(TaskRow, task_id, with_for_update=True, populate_existing=True)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchTask("There is no such task. Look at the list of open ones.")
    _close(tx, row, actor, now)
    row.note = None if note is None else tx.vault.seal(TaskRow.__tablename__, row.id, {"note": note})
    return _task_of(tx.vault, row)


def end_tasks(tx: Tx, *, kind: str, subject_ids: Sequence[str], actor: Actor, now: datetime) -> None:
    """What a person was asked to do about these is done: close the tasks of the kind that stand open."""
    query = select(TaskRow).where(
        TaskRow.kind == kind, TaskRow.subject_id.in_(subject_ids), TaskRow.state == TaskState.OPEN
    )
    held = query.order_by(TaskRow.id).with_for_update().execution_options(populate_existing=True)
    for row in tx.session.scalars(held):
        _close(tx, row, actor, now)


def _close(tx: Tx, row: TaskRow, actor: Actor, now: datetime) -> None:
    advance(tx, row, TASK_MOVES, TaskEvent.CLOSE, actor=actor, now=now)
    row.closed_by, row.closed_at = actor.id, now
    record_audit(tx, actor=actor, action="task.close", subject_id=row.id, now=now)


def find_task(read: Read, task_id: str, actor: Actor) -> StaffTask:
    """Raises: NoSuchTask."""
    row = read.session.get(TaskRow, task_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchTask("There is no such task. Look at the list of open ones.")
    return _task_of(read.vault, row)


def list_tasks(
    read: Read, actor: Actor, *, state: TaskState | None = None, cursor: str | None = None, limit: int
) -> Sequence[StaffTask]:
    """Newest first, those before the cursor."""
    query = select(TaskRow).where(*within_reach(actor, TaskRow)).order_by(TaskRow.id.desc()).limit(limit)
    if state is not None:
        query = query.where(TaskRow.state == state)
    if cursor is not None:
        query = query.where(TaskRow.id < cursor)
    return [_task_of(read.vault, row) for row in read.session.scalars(query)]


def stands_open(read: Read, *, kind: str, subject_id: str) -> bool:
    """Whether a person was asked about this, and nobody closed it yet."""
    query = select(TaskRow.id).where(
        TaskRow.kind == kind, TaskRow.subject_id == subject_id, TaskRow.state == TaskState.OPEN
    )
    return read.session.scalar(query) is not None


def open_subjects(
    read: Read, *, kind: str, entity_id: str | None = None, site_id: str | None = None
) -> Sequence[str]:
    """What the open tasks of a kind are about, at one site, of one clinic, or all."""
    query = select(TaskRow.subject_id).where(TaskRow.state == TaskState.OPEN, TaskRow.kind == kind)
    if entity_id is not None:
        query = query.where(TaskRow.entity_id == entity_id)
    if site_id is not None:
        query = query.where(TaskRow.site_id == site_id)
    return read.session.scalars(query).all()


def _task_of(vault: Vault, row: TaskRow) -> StaffTask:
    note = vault.open(TaskRow.__tablename__, row.id, row.note)["note"] if row.note else None
    return StaffTask(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        kind=row.kind,
        subject_id=row.subject_id,
        state=TaskState(row.state),
        opened_at=row.opened_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        note=note,
    )
