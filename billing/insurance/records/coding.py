"""From what was done to codes: the steps that explain a line, and the codes that hold on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class CodingStep:
    """Why a line has its code, units or modifier, by the rule that says so; like a step of a price."""

    rule: str
    text: str


class CodeRule(StrEnum):
    """What a row of a code set is for; most are named as they are in docs/decisions."""

    INFUSION_PUSH = "infusion_push"
    INFUSION_INITIAL = "infusion_initial"
    INFUSION_ADDITIONAL = "infusion_additional"
    INFUSION_SEQUENTIAL = "infusion_sequential"
    INFUSION_CONCURRENT = "infusion_concurrent"
    PUSH_ADDITIONAL = "push_additional"
    HYDRATION_INITIAL = "hydration_initial"
    HYDRATION_ADDITIONAL = "hydration_additional"
    EVALUATION_FIRST = "evaluation_first"
    EVALUATION_LATER = "evaluation_later"
    EVALUATION_PSYCHIATRIC = "evaluation_psychiatric"
    PSYCHOTHERAPY = "psychotherapy"
    NASAL_BUNDLE = "nasal_bundle"
    EVALUATION_MODIFIER = "evaluation_modifier"
    SECOND_SITE_MODIFIER = "second_site_modifier"
    DRUG_CODE = "drug_code"
    DRUG_UNIT = "drug_unit"


@dataclass(frozen=True, kw_only=True)
class CodeRow:
    """`least` to `most` are minutes, or mg for drugs; None has no bound. `words` are the clinic's own.

    Of a drug's unit `least` is how many mg one unit of its code is. `instead_of` is the code of the clinic's
    list in whose place another is billed.
    """

    rule: CodeRule
    least: int | None
    most: int | None
    code: str
    instead_of: str
    words: str

    def takes(self, amount: Decimal) -> bool:
        return (self.most is None or amount <= self.most) and (self.least is None or amount > self.least - 1)


@dataclass(frozen=True)
class CodeSet:
    """The codes that a clinic bills by from a day of service on, until its next set."""

    starts_on: date
    rows: tuple[CodeRow, ...]

    def of(self, rule: CodeRule, amount: Decimal | int | None = None) -> CodeRow | None:
        """The row of a rule, for so many minutes or mg where it has several; None without any."""
        rows = (row for row in self.rows if row.rule is rule)
        return next((row for row in rows if amount is None or row.takes(Decimal(amount))), None)


@dataclass(frozen=True, kw_only=True)
class LoadedCodes:
    """What became of a file of codes that was handed in: loaded, replaced or unchanged."""

    clinic: str
    starts_on: date
    status: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """How staff bill a line, and what it was coded as when they did. `place` counts the lines from 1.

    `pointers` are letters of diagnoses; without any the line points to the first four of all.
    """

    place: int
    code: str
    units: int
    modifiers: tuple[str, ...]
    pointers: str
    was_code: str
    was_units: int
    was_modifiers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LineOverride:
    """A version of what staff changed on a session's lines, and why; without changes all is as coded."""

    id: str
    session_id: str
    version: int
    changes: tuple[LineChange, ...]
    reason: str
    written_by: str
    written_at: datetime
