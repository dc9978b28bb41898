"""From the clock to the codes: how long it ran decides what it is called.

Codes are effective-dated data. Descriptors of CPT codes belong to the AMA and are not shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.insurance.records import CodedService


@dataclass(frozen=True, kw_only=True)
class InfusionCodes:
    """A drug into a vein: a push when short, else an initial hour and further hours."""

    effective_from: date
    push: str
    initial: str
    additional: str
    push_until: int
    """Minutes."""
    initial_until: int
    """Minutes; from the next minute on each started hour is one additional unit."""


@dataclass(frozen=True, kw_only=True)
class EvaluationCodes:
    """Office visits by total minutes: (from this minute on, code), longest first."""

    effective_from: date
    first_visit: tuple[tuple[int, str], ...]
    later_visit: tuple[tuple[int, str], ...]


INFUSION_CODES = (
    InfusionCodes(
        effective_from=date(2009, 1, 1),
        push="96374",
        initial="96365",
        additional="96366",
        push_until=15,
        initial_until=90,
    ),
)
"""Source: CPT code changes of 2009; CMS Claims Processing Manual, chapter 12, 30.5."""

EVALUATION_CODES = (
    EvaluationCodes(
        effective_from=date(2024, 1, 1),
        first_visit=((60, "99205"), (45, "99204"), (30, "99203"), (15, "99202")),
        later_visit=((40, "99215"), (30, "99214"), (20, "99213"), (10, "99212")),
    ),
)
"""Source: CPT 2024, office visits by time."""

INFUSION_WORDS = "Infusion session"
FURTHER_WORDS = "Infusion session, each further hour"
EVALUATION_WORDS = "Evaluation visit"
"""Our own words: the official descriptors are copyrighted."""

OFFICE = "11"
"""Place of service."""


def infusion_services(minutes: int, on: date) -> tuple[CodedService, ...]:
    """The codes of one infusion of that many minutes, stop minus start.

    One initial code an encounter; monitoring after the stop, the line, flush and tubing are no infusion.
    Raises: ValueError for negative minutes.
    """
    if minutes < 0:
        raise ValueError("an infusion cannot stop before it starts")
    codes = next(codes for codes in reversed(INFUSION_CODES) if codes.effective_from <= on)
    if minutes <= codes.push_until:
        return (CodedService(code=codes.push, units=1, description=INFUSION_WORDS),)
    initial = CodedService(code=codes.initial, units=1, description=INFUSION_WORDS)
    further = -(-max(0, minutes - codes.initial_until) // 60)
    if not further:
        return (initial,)
    return initial, CodedService(code=codes.additional, units=further, description=FURTHER_WORDS)


def evaluation_services(minutes: int, on: date, *, seen_before: bool) -> tuple[CodedService, ...]:
    """The code of an evaluation, or none when it was too short to have one.

    `seen_before`: the patient was seen by the clinic within three years.
    """
    codes = next(codes for codes in reversed(EVALUATION_CODES) if codes.effective_from <= on)
    levels = codes.later_visit if seen_before else codes.first_visit
    code = next((code for least, code in levels if minutes >= least), None)
    return (CodedService(code=code, units=1, description=EVALUATION_WORDS),) if code else ()
