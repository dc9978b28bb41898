"""Large files of insurers: read, and posted one transaction after another, by the worker.

What each transaction became is kept in the transaction that did it, so that a worker that takes over goes on
behind it; a transaction that was cut off is whole once, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.flows.remittances import resume_parked
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries.remittance_uploads import places_done, work_of_upload
from billing.insurance.records import Remittance, RemittanceTransaction
from billing.insurance.states import UploadState
from billing.insurance.use_cases.remittance_uploads import (
    end_posting,
    end_reading,
    go_on_posting,
    hold_part,
    keep_outcome,
    keep_parts,
    note_progress,
    refuse_upload,
    settle_parts,
)
from billing.insurance.use_cases.remittances import post_remittance, weigh_remittance
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Database, Tx
from billing.platform.data.jobs import Task, hold_on

CLAIMS_A_TURN = 2_000
"""After which other jobs of the worker go first: some seconds."""
TELL_EVERY = 250
"""Claims, after which it is told how far it is."""


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
    found = _taken_on(office, task, UploadState.READING)
    if found is None:
        return
    expected: list[tuple[RemittanceTransaction, Remittance]] = []
    done, told = 0, 0
    for transaction in found.transactions:
        weigh = partial(weigh_remittance, file_sha256=found.sha256, actor=found.actor, now=office.clock())
        would = office.database.rehearse(partial(weigh, transaction=transaction))
        expected.append((transaction, would))
        done += len(transaction.claims)
        if done - told >= TELL_EVERY:
            told = done
            tell = partial(_tell_reading, task=task, done=done, of=found.claims, office=office)
            office.database.in_transaction(tell)

    def keep(tx: Tx) -> None:
        hold_on(tx, task)
        stamp = {"upload_id": _upload_of(task), "actor": SYSTEM, "now": office.clock()}
        keep_parts(tx, parts=expected, **stamp)  # type: ignore[arg-type]
        end_reading(tx, **stamp)  # type: ignore[arg-type]

    office.database.in_transaction(keep)


def post_upload(office: Office, task: Task) -> None:
    """Post a file in the name of who ordered it: what is not done yet of it, then what waited for that.

    After some claims it lets other work go first, and goes on by another job.
    """
    found = _taken_on(office, task, UploadState.POSTING)
    if found is None:
        return
    run = office.database.in_transaction
    before = run(partial(_begin, task=task, transactions=found.transactions, office=office))
    done, turn, goes_on_at = 0, 0, None
    posted: list[Remittance] = []
    for place, transaction in enumerate(found.transactions, 1):
        if place not in before:
            if turn >= CLAIMS_A_TURN:
                goes_on_at = place
                break
            if remittance := run(_Step(office, task, found, place, done).post):
                posted.append(replace(remittance, claims=()))
            turn += len(transaction.claims)
        done += len(transaction.claims)
    resumed = resume_parked(run, posted=posted, clock=office.clock)
    run(partial(_end_turn, task=task, resumed=resumed, goes_on_at=goes_on_at, office=office))


def _end_turn(
    tx: Tx, *, task: Task, resumed: Sequence[Remittance], goes_on_at: int | None, office: Office
) -> None:
    hold_on(tx, task)
    now = office.clock()
    stamp = {"upload_id": _upload_of(task), "actor": SYSTEM, "now": now}
    settle_parts(tx, resumed=resumed, **stamp)  # type: ignore[arg-type]
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
) -> frozenset[int]:
    """Make its parts unless one of them is done already; which are."""
    hold_on(tx, task)
    done = places_done(tx, _upload_of(task))
    if not done:
        parts = ((transaction, None) for transaction in transactions)
        keep_parts(tx, upload_id=_upload_of(task), parts=parts, actor=SYSTEM, now=office.clock())
    return done


def _upload_of(task: Task) -> str:
    return task.payload["upload_id"]


def _tell_reading(tx: Tx, *, task: Task, done: int, of: int, office: Office) -> None:
    hold_on(tx, task)
    note_progress(tx, upload_id=_upload_of(task), done=done, of=of, actor=SYSTEM, now=office.clock())
