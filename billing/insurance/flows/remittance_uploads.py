"""Large files of insurers: read, and posted one transaction after another, by the worker.

What each transaction became is kept in the transaction that did it, so that a worker that takes over goes on
behind it; a transaction that was cut off is whole once, or not at all. One at which the program fails is
told, and the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.flows.remittances import resume_parked
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries.remittance_uploads import places_done, work_of_upload
from billing.insurance.records import Remittance, RemittanceTransaction
from billing.insurance.records.uploads import FAILED, Expected
from billing.insurance.states import UploadState
from billing.insurance.use_cases.remittance_uploads import (
    end_posting,
    end_reading,
    give_up,
    go_on_posting,
    hold_part,
    is_in,
    keep_failure,
    keep_outcome,
    keep_parts,
    note_progress,
    refuse_upload,
)
from billing.insurance.use_cases.remittances import post_remittance, weigh_remittance
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Database, Tx
from billing.platform.data.errors import DatabaseBusy
from billing.platform.data.jobs import MOST_ATTEMPTS, JobTaken, Task, hold_on

CLAIMS_A_TURN = 2_000
"""After which other jobs of the worker go first: some seconds."""
TELL_EVERY = 250
"""Claims, after which it is told how far it is."""
PASSING = (DatabaseBusy, OperationalError, InterfaceError)
"""Errors of the database that may be gone when it is tried again later."""
NOT_LOOKED_AT = Expected(
    FAILED, "It could not be looked at, by a fault of the program. It is tried again when the file is posted."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Office:
    """What the worker does it with."""

    database: Database
    reader: RemittanceReader
    clock: Clock


@dataclass(frozen=True)
class _Taken:
    """A file that was read to its end, and in whose name it is posted."""

    actor: Actor
    sha256: str
    transactions: Sequence[RemittanceTransaction]
    claims: int


def read_upload(office: Office, task: Task) -> None:
    """Find out what a file would do, unless its posting was ordered meanwhile. Cut off, it starts over."""
    _or_give_up(office, task, _read)


def post_upload(office: Office, task: Task) -> None:
    """Post a file in the name of who ordered it: what is not done yet of it, then what waited for that.

    After some claims it lets other work go first, and goes on by another job.
    """
    _or_give_up(office, task, _post)


def _or_give_up(office: Office, task: Task, work: Callable[[Office, Task], None]) -> None:
    """After its last attempt nobody takes it on again: then that is told."""
    try:
        work(office, task)
    except JobTaken:
        raise
    except Exception:
        if task.attempt >= MOST_ATTEMPTS:
            office.database.in_transaction(partial(_give_up, task=task, office=office))
        raise


def _give_up(tx: Tx, *, task: Task, office: Office) -> None:
    hold_on(tx, task)
    give_up(tx, upload_id=_upload_of(task), actor=SYSTEM, now=office.clock())


def _is_final(error: Exception, task: Task) -> bool:
    """Whether to try it again later is of no use."""
    if isinstance(error, JobTaken):
        return False
    return task.attempt >= MOST_ATTEMPTS or not isinstance(error, PASSING)


def _read(office: Office, task: Task) -> None:
    found = _taken_on(office, task, UploadState.READING)
    if found is None:
        return
    expected: list[tuple[RemittanceTransaction, Expected]] = []
    done, told = 0, 0
    for transaction in found.transactions:
        expected.append((transaction, _expected(office, task, found, transaction)))
        done += len(transaction.claims)
        if done - told >= TELL_EVERY:
            told = done
            tell = partial(_tell_reading, task=task, done=done, of=found.claims, office=office)
            office.database.in_transaction(tell)

    def keep(tx: Tx) -> None:
        hold_on(tx, task)
        stamp = {"upload_id": _upload_of(task), "actor": SYSTEM, "now": office.clock()}
        if is_in(tx, state=UploadState.READING, **stamp):  # type: ignore[arg-type]
            keep_parts(tx, parts=expected, **stamp)  # type: ignore[arg-type]
            end_reading(tx, **stamp)  # type: ignore[arg-type]

    office.database.in_transaction(keep)


def _expected(office: Office, task: Task, found: _Taken, transaction: RemittanceTransaction) -> Expected:
    weigh = partial(
        weigh_remittance,
        transaction=transaction,
        file_sha256=found.sha256,
        actor=found.actor,
        now=office.clock(),
    )
    try:
        would = office.database.rehearse(weigh)
    except Exception as error:
        if not _is_final(error, task):
            raise
        log.warning("remittance_not_weighed", upload=_upload_of(task), error=type(error).__name__)
        return NOT_LOOKED_AT
    return Expected(would.status, would.reason)


def _post(office: Office, task: Task) -> None:
    found = _taken_on(office, task, UploadState.POSTING)
    if found is None:
        return
    run = office.database.in_transaction
    before = run(partial(_begin, task=task, transactions=found.transactions, office=office))
    if before is None:
        return
    done, turn, goes_on_at = 0, 0, None
    posted: list[Remittance] = []
    for place, transaction in enumerate(found.transactions, 1):
        if place not in before:
            if turn >= CLAIMS_A_TURN:
                goes_on_at = place
                break
            if remittance := _Step(office, task, found, place, done).posted():
                posted.append(replace(remittance, claims=()))
            turn += len(transaction.claims)
        done += len(transaction.claims)
    _resume(office, task, posted)
    run(partial(_end_turn, task=task, goes_on_at=goes_on_at, office=office))


def _resume(office: Office, task: Task, posted: Sequence[Remittance]) -> None:
    """What waited for these; if that fails, each of them has a job of its own that tries it again."""
    try:
        resume_parked(office.database.in_transaction, posted=posted, clock=office.clock)
    except Exception as error:
        log.warning("remittances_not_resumed", upload=_upload_of(task), error=type(error).__name__)


def _end_turn(tx: Tx, *, task: Task, goes_on_at: int | None, office: Office) -> None:
    hold_on(tx, task)
    now = office.clock()
    stamp = {"upload_id": _upload_of(task), "actor": SYSTEM, "now": now}
    if goes_on_at is None:
        end_posting(tx, **stamp)  # type: ignore[arg-type]
    else:
        go_on_posting(tx, place=goes_on_at, **stamp)  # type: ignore[arg-type]


class _Step:
    """One transaction of a file."""

    def __init__(self, office: Office, task: Task, work: _Taken, place: int, before: int) -> None:
        self._office, self._task, self._work = office, task, work
        self._place, self._before = place, before
        self._transaction = work.transactions[place - 1]

    def posted(self) -> Remittance | None:
        """None when the program failed at it, which is kept, or another worker did it meanwhile."""
        run = self._office.database.in_transaction
        try:
            return run(self.post)
        except Exception as error:
            if not _is_final(error, self._task):
                raise
            upload_id, name = _upload_of(self._task), type(error).__name__
            log.warning("remittance_not_posted", upload=upload_id, place=self._place, error=name)
            run(self.fail)
            return None

    def fail(self, tx: Tx) -> None:
        """Nothing of it was done."""
        hold_on(tx, self._task)
        stamp = {"upload_id": _upload_of(self._task), "actor": SYSTEM, "now": self._office.clock()}
        if hold_part(tx, place=self._place, **stamp):  # type: ignore[arg-type]
            keep_failure(tx, place=self._place, **stamp)  # type: ignore[arg-type]

    def post(self, tx: Tx) -> Remittance | None:
        """Whole or not at all; None when another worker did it meanwhile."""
        hold_on(tx, self._task)
        now, upload_id = self._office.clock(), _upload_of(self._task)
        if not hold_part(tx, upload_id=upload_id, place=self._place, actor=SYSTEM, now=now):
            return None
        self._done = self._before
        remittance = post_remittance(
            tx,
            transaction=self._transaction,
            file_sha256=self._work.sha256,
            actor=self._work.actor,
            now=now,
            told=self._one_more,
        )
        done = self._before + len(self._transaction.claims)
        keep_outcome(tx, upload_id=upload_id, place=self._place, remittance=remittance, actor=SYSTEM, now=now)
        note_progress(tx, upload_id=upload_id, done=done, of=self._work.claims, actor=SYSTEM, now=now)
        return remittance

    def _one_more(self) -> None:
        """Told while the transaction is open, where that can be."""
        self._done += 1
        database = self._office.database
        if database.has_many_writers and self._done % TELL_EVERY == 0:
            database.in_transaction(
                partial(
                    note_progress,
                    upload_id=_upload_of(self._task),
                    done=self._done,
                    of=self._work.claims,
                    actor=SYSTEM,
                    now=self._office.clock(),
                )
            )


def _taken_on(office: Office, task: Task, state: UploadState) -> _Taken | None:
    """What is to be done, or None when there is nothing, or the file was refused."""
    with office.database.reading() as read:
        work = work_of_upload(read, _upload_of(task))
    if work is None or work.state is not state or work.content is None:
        return None
    try:
        transactions = office.reader.read(work.content).transactions
    except UnreadableRemittance as error:
        refuse = partial(
            refuse_upload, upload_id=_upload_of(task), reason=error.detail, actor=SYSTEM, now=office.clock()
        )
        office.database.in_transaction(refuse)
        return None
    claims = sum(len(transaction.claims) for transaction in transactions)
    return _Taken(work.actor, hashlib.sha256(work.content).hexdigest(), transactions, claims)


def _begin(
    tx: Tx, *, task: Task, transactions: Sequence[RemittanceTransaction], office: Office
) -> frozenset[int] | None:
    """Make its parts unless one of them is done already; which are. None when nothing is to be posted."""
    hold_on(tx, task)
    upload_id, now = _upload_of(task), office.clock()
    if not is_in(tx, upload_id=upload_id, state=UploadState.POSTING, actor=SYSTEM, now=now):
        return None
    done = places_done(tx, upload_id)
    if not done:
        parts = ((transaction, None) for transaction in transactions)
        keep_parts(tx, upload_id=upload_id, parts=parts, actor=SYSTEM, now=now)
    return done


def _upload_of(task: Task) -> str:
    return task.payload["upload_id"]


def _tell_reading(tx: Tx, *, task: Task, done: int, of: int, office: Office) -> None:
    hold_on(tx, task)
    stamp = {"upload_id": _upload_of(task), "actor": SYSTEM, "now": office.clock()}
    if is_in(tx, state=UploadState.READING, **stamp):  # type: ignore[arg-type]
        note_progress(tx, done=done, of=of, **stamp)  # type: ignore[arg-type]
