"""Files of insurers: read to their end before any of their transactions is posted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries import find_remittance_alone
from billing.insurance.queries.earlier_answers import waiting_remittances
from billing.insurance.queries.payees import called_ours_with
from billing.insurance.queries.remittances import remittances_among
from billing.insurance.records import ImportedFile, Remittance
from billing.insurance.rules.answers import as_told_elsewhere
from billing.insurance.use_cases.remittances import post_parked, post_remittance
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx

T = TypeVar("T")

PARKED, REFUSED = "parked", "refused"
WELL = frozenset({"posted", "duplicate"})
WORSE = ("posted", "duplicate", PARKED, REFUSED)
"""Statuses, the worst last."""


class Run(Protocol):
    """Runs one piece of work in a transaction: `database.in_transaction`, or inside a rehearsal."""

    def __call__(self, work: Callable[[Tx], T]) -> T: ...


def import_remittance(
    run: Run,
    reader: RemittanceReader,
    *,
    name: str,
    content: bytes,
    actor: Actor,
    clock: Clock,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> ImportedFile:
    """Read a file to its end, then post its transactions one by one, each whole or not at all.

    What cannot be read to its end is refused with all its transactions; else the file has the worst status
    of theirs. What waited for one of them is posted then, of whatever file it is, and told if the actor may
    know of it. `told` hears how
    many claims are done, and of how many.
    """
    try:
        transactions = reader.read(content).transactions
    except UnreadableRemittance as error:
        return ImportedFile(name=name, status=REFUSED, reason=error.detail)
    sha256 = hashlib.sha256(content).hexdigest()
    posted: list[Remittance] = []
    done, of = 0, sum(len(transaction.claims) + 1 for transaction in transactions)
    for transaction in transactions:
        steps = _Steps(told, done, of)
        work = partial(post_remittance, transaction=transaction, file_sha256=sha256, actor=actor, now=clock())
        posted.append(run(steps.watching(work)))
        done += len(transaction.claims) + 1
        told(done, of)
    resumed = {each.id: each for each in resume_parked(run, posted=posted, clock=clock)}
    as_it_is = [resumed.pop(each.id, each) if each.status == PARKED else each for each in posted]
    ids = [each.id for each in (*as_it_is, *resumed.values())]
    shown = {each.id for each in run(partial(remittances_among, remittance_ids=ids, actor=actor))}
    told_of = tuple(each if each.id in shown else as_told_elsewhere(each) for each in as_it_is)
    also = tuple(each for each in resumed.values() if each.id in shown)
    return ImportedFile(name=name, status=_worst(told_of), transactions=told_of, resumed=also)


def settled_by_later_ones(files: Iterable[ImportedFile]) -> list[ImportedFile]:
    """Files that came together: what one parked and a later one posted is told as posted."""
    listed = list(files)
    own = {each.id for file in listed for each in file.transactions}
    later = {each.id: each for file in listed for each in file.resumed}
    return [_settled(file, own, later) if file.transactions else file for file in listed]


def _settled(file: ImportedFile, own: set[str], later: Mapping[str, Remittance]) -> ImportedFile:
    as_it_is = tuple(
        later.get(each.id, each) if each.status == PARKED else each for each in file.transactions
    )
    resumed = tuple(each for each in file.resumed if each.id not in own)
    return replace(file, status=_worst(as_it_is), transactions=as_it_is, resumed=resumed)


def _worst(transactions: Iterable[Remittance]) -> str:
    return max((each.status for each in transactions), key=WORSE.index)


class _Steps:
    """Counts the claims of a transaction as they are posted, anew when it is run again."""

    def __init__(self, told: Callable[[int, int], None], before: int, of: int) -> None:
        self._told, self._before, self._of = told, before, of

    def watching(self, work: Callable[..., T]) -> Callable[[Tx], T]:
        def run(tx: Tx) -> T:
            self._done = self._before
            return work(tx, told=self._one_more)

        return run

    def _one_more(self) -> None:
        self._done += 1
        self._told(self._done, self._of)


def resume_parked(run: Run, *, posted: Iterable[Remittance], clock: Clock) -> list[Remittance]:
    """Post what waited for these payments, such as a reversal for its original, and what waited for that."""
    resumed: list[Remittance] = []
    payers = _payers_of(posted)
    while payers:
        waiting = run(partial(waiting_remittances, payer_ids=payers))
        news = _posted_now(run, waiting, clock)
        resumed += news
        payers = _payers_of(news)
    return resumed


def _posted_now(run: Run, remittance_ids: Iterable[str], clock: Clock) -> list[Remittance]:
    looked_at = [
        run(partial(post_parked, remittance_id=each, actor=SYSTEM, now=clock())) for each in remittance_ids
    ]
    return [each for each in looked_at if each.status in WELL]


def _payers_of(remittances: Iterable[Remittance]) -> set[str]:
    return {each.payer_id for each in remittances if each.status in WELL}


def resume_after(run: Run, *, remittance_id: str, clock: Clock) -> list[Remittance]:
    """The same for one payment that was matched by hand or keyed in, or whose payee was said to be ours.

    Then others to that payee are looked at as well, also while this one waits for something else.
    """
    said = run(partial(find_remittance_alone, remittance_id=remittance_id, actor=SYSTEM))
    named = _posted_now(run, run(partial(called_ours_with, remittance_id=remittance_id)), clock)
    return [*named, *resume_parked(run, posted=[said, *named], clock=clock)]
