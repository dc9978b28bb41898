"""Around the outside: reading files before each of their transactions is posted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.records import ImportedFile
from billing.insurance.use_cases.remittances import post_remittance
from billing.kernel.clock import Clock
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx

T = TypeVar("T")

REFUSED = "refused"
WORSE = ("posted", "duplicate", "parked", REFUSED)
"""Statuses, the worst last."""


class Run(Protocol):
    """Runs one piece of work in a transaction: `database.in_transaction`, or inside a rehearsal."""

    def __call__(self, work: Callable[[Tx], T]) -> T: ...


def import_remittance(
    run: Run, reader: RemittanceReader, *, name: str, content: bytes, actor: Actor, clock: Clock
) -> ImportedFile:
    """Read a file to its end, then post its transactions one by one, each whole or not at all.

    What cannot be read to its end is refused with all its transactions; else the file has the worst status
    of theirs.
    """
    try:
        transactions = reader.read(content).transactions
    except UnreadableRemittance as error:
        return ImportedFile(name=name, status=REFUSED, reason=error.detail)
    sha256 = hashlib.sha256(content).hexdigest()
    posted = []
    for transaction in transactions:
        work = partial(post_remittance, transaction=transaction, file_sha256=sha256, actor=actor, now=clock())
        posted.append(run(work))
    worst = max((each.status for each in posted), key=WORSE.index)
    return ImportedFile(name=name, status=worst, transactions=tuple(posted))
