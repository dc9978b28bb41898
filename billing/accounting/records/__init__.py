"""What the room hands to others: the verdict on the books, and which export is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Status(StrEnum):
    """NOT_YET: nothing of this kind exists so far. ELSEWHERE: proved by `reconcile` or by tests."""

    OK = "ok"
    FAILED = "failed"
    NOT_YET = "not_yet"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Finding:
    """One thing that breaks an invariant: its id, or the name of a table, and what is wrong with it."""

    object_id: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """One invariant, looked at. `findings` lists the first of the `found`; remarks break nothing."""

    number: int
    name: str
    status: Status
    examined: int = 0
    found: int = 0
    findings: Sequence[Finding] = ()
    remarks: Sequence[str] = ()

    @property
    def objects(self) -> list[str]:
        """The ids of what breaks the invariant, each once."""
        return list(dict.fromkeys(finding.object_id for finding in self.findings))


@dataclass(frozen=True)
class Verdict:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.status is not Status.FAILED for check in self.checks)


class ExportKind(StrEnum):
    JOURNAL = "journal"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    CREDITS = "credits"
    SUPERBILLS = "superbills"


class ExportFormat(StrEnum):
    CSV = "csv"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(frozen=True, kw_only=True)
class Export:
    """What to hand out; both dates are included."""

    kind: ExportKind
    format: ExportFormat
    since: date
    until: date

    @property
    def file_name(self) -> str:
        return f"{self.kind}-{self.since}-{self.until}.{self.format}"
