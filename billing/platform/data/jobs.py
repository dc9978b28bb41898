"""Work for later, enqueued in the transaction that causes it, done at least once, survived by kill -9.

One table on both databases. A worker takes a job under a lease; a job whose worker died is taken again when
the lease ends, and from then on what its first worker says of it counts for nothing. Leases and pauses after
a failure run on the machine's own clock, `due_at` on the clinic's (which a demo may stop), so that a stopped
clinic clock never strands a job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Index, String, UniqueConstraint, Update, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.clock import Clock, system_clock
from billing.kernel.ids import new_id
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Database, Read, Tx
from billing.platform.data.inserts import insert_unless_there

LEASE = timedelta(seconds=45)
"""Longer than the longest call of a handler to the processor."""
MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(minutes=10)
IDLE_SECONDS = 0.25

log = structlog.get_logger(__name__)


class JobState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        Index("ix_job_next", "state", "due_at"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10))
    due_at: Mapped[datetime]
    held_until: Mapped[datetime]
    attempts: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(200))


@dataclass(frozen=True)
class Task:
    """A job as its handler sees it."""

    id: str
    kind: str
    key: str
    payload: Mapping[str, str]
    attempt: int
    """How often the job was taken, this time included: nobody else took it since, while it is the same."""


@dataclass(frozen=True)
class Recurring:
    """Work that comes again: unique by its kind and due time, however many workers there are."""

    kind: str
    every: timedelta


class JobTaken(Exception):
    """Another worker goes on with it: leave it alone."""


Handler = Callable[[Task], None]
"""Does one job. It may be called again for the same job, so its effect must be idempotent."""


def enqueue(
    tx: Tx, *, kind: str, key: str, due_at: datetime, payload: Mapping[str, str] | None = None
) -> None:
    """Add a job; the same (kind, key) a second time does nothing. The payload holds ids only."""
    values = {
        "id": new_id("job"),
        "kind": kind,
        "key": key,
        "payload": dict(payload or {}),
        "state": JobState.WAITING,
        "due_at": due_at,
        "held_until": datetime(1970, 1, 1, tzinfo=UTC),
        "attempts": 0,
    }
    insert_unless_there(tx, Job, values, ["kind", "key"])


@dataclass(frozen=True)
class QueueReport:
    waiting: int
    failed: int
    oldest_due_at: datetime | None


def queue_report(read: Read, now: datetime) -> QueueReport:
    """What is due and not done, and what was given up: for `doctor` and the metrics."""
    due = [Job.state == JobState.WAITING, Job.due_at <= now]
    waiting, oldest = read.session.execute(select(func.count(), func.min(Job.due_at)).where(*due)).one()
    failed = read.session.scalar(select(func.count()).where(Job.state == JobState.FAILED)) or 0
    return QueueReport(waiting=waiting, failed=failed, oldest_due_at=oldest)


def waiting_keys(read: Read, kinds: Iterable[str]) -> frozenset[str]:
    """Of the jobs of these kinds that are still to be done, now or later."""
    query = select(Job.key).where(Job.kind.in_(kinds), Job.state == JobState.WAITING)
    return frozenset(read.session.scalars(query))


class Worker:
    """Works jobs off, one at a time; run as many as wanted, on as many machines."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Handler],
        recurring: tuple[Recurring, ...] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._recurring = recurring

    def run_once(self) -> int:
        """Do all that is due now; return how many jobs were taken, failed ones included."""
        self._enqueue_recurring()
        taken = 0
        while (task := self._take()) is not None:
            self._do(task)
            taken += 1
        return taken

    def run_until(self, stop: threading.Event) -> None:
        """Work until told to stop; a job under way is finished first."""
        while not stop.is_set():
            try:
                self.run_once()
            except Exception as error:  # the database is away for a moment; the jobs wait
                log.warning("worker_paused", error=type(error).__name__)
            stop.wait(IDLE_SECONDS)

    def _enqueue_recurring(self) -> None:
        now = self._clock()
        missing = [(job.kind, _slot(now, job.every)) for job in self._recurring]
        with self._database.reading() as read:
            missing = [(kind, slot) for kind, slot in missing if not _enqueued(read, kind, slot)]
        for kind, slot in missing:
            self._database.in_transaction(lambda tx, k=kind, s=slot: enqueue(tx, kind=k, key=s, due_at=now))  # type: ignore[misc]

    def _take(self) -> Task | None:
        with self._database.reading() as read:
            if _next_id(read, self._clock()) is None:
                return None
        return self._database.in_transaction(self._claim)

    def _claim(self, tx: Tx) -> Task | None:
        job_id = _next_id(tx, self._clock())
        if job_id is None:
            return None
        job = tx.session.get_one(Job, job_id)
        job.held_until = system_clock() + LEASE
        job.attempts += 1
        return Task(id=job.id, kind=job.kind, key=job.key, payload=job.payload, attempt=job.attempts)

    def _do(self, task: Task) -> None:
        try:
            self._handlers[task.kind](task)
        except Exception as error:
            name = type(error).__name__
            log.warning("job_failed", job=task.id, kind=task.kind, error=name)
            self._database.in_transaction(lambda tx: _put_back(tx, task, name))
        else:
            self._database.in_transaction(lambda tx: _finish(tx, task))


def _slot(now: datetime, every: timedelta) -> str:
    seconds = int(every.total_seconds())
    return str(int(now.timestamp()) // seconds * seconds)


def _enqueued(read: Read, kind: str, key: str) -> bool:
    return read.session.scalar(select(Job.id).where(Job.kind == kind, Job.key == key)) is not None


def _next_id(read: Read, now: datetime) -> str | None:
    """The job that waits longest. PostgreSQL skips what another worker holds; SQLite has one writer."""
    query = (
        select(Job.id)
        .where(Job.state == JobState.WAITING, Job.due_at <= now, Job.held_until <= system_clock())
        .order_by(Job.due_at, Job.id)
        .limit(1)
    )
    return read.session.scalar(query.with_for_update(skip_locked=True) if isinstance(read, Tx) else query)


def _finish(tx: Tx, task: Task) -> None:
    tx.session.execute(_still_held(task).values(state=JobState.DONE, last_error=None))


def hold_on(tx: Tx, task: Task) -> None:
    """Keep a job that is under way for another lease; nobody else can take it until this transaction ends.

    For what takes longer than a lease: said first in each of its transactions. Raises: JobTaken when another
    worker took it, since this one was thought dead.
    """
    held = _still_held(task).values(held_until=system_clock() + LEASE).returning(Job.id)
    if tx.session.scalar(held) is None:
        raise JobTaken(task.id)


def _put_back(tx: Tx, task: Task, error: str) -> None:
    """A failed job waits longer each time; after the last attempt a person has to look."""
    pause = min(LONGEST_PAUSE, timedelta(seconds=0.5 * 2**task.attempt))
    state = JobState.FAILED if task.attempt >= MOST_ATTEMPTS else JobState.WAITING
    tx.session.execute(
        _still_held(task).values(state=state, last_error=error, held_until=system_clock() + pause)
    )


def _still_held(task: Task) -> Update:
    """Changes the job of a task, unless another worker took it after the lease had ended."""
    return update(Job).where(Job.id == task.id, Job.state == JobState.WAITING, Job.attempts == task.attempt)
