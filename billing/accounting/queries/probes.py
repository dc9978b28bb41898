"""How an invariant is looked at: SQL that lists what breaks it, and a report that stays small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from sqlalchemy import Select, TextClause, column, func, select, table, text

from billing.accounting.records import Finding
from billing.kernel.money import Money
from billing.platform.data.database import Read

LISTED = 50
"""How many findings an invariant names; the rest is counted."""
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Books:
    """What the checks look at: one state of the database, the moment, and the limit of clause 21."""

    read: Read
    now: datetime
    refund_limit: Money


@dataclass
class Report:
    """What one check saw."""

    examined: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def blame(self, object_id: str, problem: str) -> None:
        self.found += 1
        if len(self.findings) < LISTED:
            self.findings.append(Finding(object_id, problem))


@dataclass(frozen=True)
class Probe:
    """One way in which an invariant can be broken.

    `broken` selects the id of each thing that breaks it, and perhaps, as a second column, which part of it.
    It runs unchanged on SQLite and PostgreSQL.
    """

    problem: str
    broken: str


def look(books: Books, *, at: Sequence[str], probes: Sequence[Probe], **values: object) -> Report:
    """Count the rows of the tables, and run the probes with their values."""
    report = Report(examined=sum(count(books.read, name) for name in at))
    for probe in probes:
        search(books, report, probe, values)
    return report


def search(books: Books, report: Report, probe: Probe, values: Mapping[str, object]) -> None:
    rows = books.read.connection.execute(_worded(probe.broken), values)
    for object_id, *part in rows:
        report.blame(str(object_id), f"{probe.problem}: {part[0]}" if part else probe.problem)


def count(read: Read, name: str) -> int:
    return read.connection.scalar(_counting(name)) or 0


# Each is made once: `verify` asks them all of books of any size.


@cache
def _worded(statement: str) -> TextClause:
    return text(statement).execution_options(yield_per=ROWS_AT_ONCE)


@cache
def _counting(name: str) -> Select[int]:
    return select(func.count()).select_from(table(name, column("id")))
