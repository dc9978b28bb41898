"""What a visit is to who codes it: the clock, what ran when, and the words of a line."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.care.records import ChartEntry, GivenDrug, Order, Way
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeRow, CodingStep
from billing.kernel.clock import told_minutes

HOUR = 60
"""Minutes."""
YEARS_KNOWN = 3
"""How long an insurer takes a patient for one whom the clinic knows. Source: CPT, new patient."""

Times = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What was done, with the site's clock. `seen_before`: the clinic saw the patient within three years.

    `is_evaluation`: the visit itself is one, of its whole time where no other minutes are recorded.
    """

    entry: ChartEntry
    drugs: tuple[GivenDrug, ...]
    zone: ZoneInfo
    times: Times
    seen_before: bool
    is_evaluation: bool = False

    @property
    def on(self) -> date:
        return self.times[0].date()


@dataclass(frozen=True, kw_only=True)
class Run:
    """One drug that ran into a vein, each time that it was given counted together."""

    drug: GivenDrug
    times: Times
    minutes: int

    @property
    def told(self) -> str:
        return f"{self.drug.listed.name}, {clock(self.times)}, {told_minutes(self.minutes)}"


Found = tuple[list[CodedService], list[CodingStep]]
"""Lines, and what was done and has none."""


def on_the_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """As the site's clock showed it, to the minute, so that two printed times give the printed minutes."""
    return instant.astimezone(zone).replace(second=0, microsecond=0)


def known_since(on: date) -> date:
    """The first day on which a visit makes one of this day that of a known patient."""
    year = on.year - YEARS_KNOWN
    return on.replace(year=year, day=min(on.day, monthrange(year, on.month)[1]))


def minutes_between(started: datetime, stopped: datetime) -> int:
    """By the clock on the wall; where that was set back meanwhile, those that passed."""
    passed = stopped - started
    if passed < timedelta(0):
        passed = stopped.astimezone(UTC) - started.astimezone(UTC)
    return passed // timedelta(minutes=1)


def runs_of(visit: Visit) -> list[Run]:
    """A drug that was infused again counts with its first time, unless it had another line."""
    found: dict[tuple[str, bool, bool], Run] = {}
    for drug in visit.drugs:
        if drug.way is not Way.INFUSION:
            continue
        times = times_of(drug, visit)
        key = drug.drug, drug.is_at_second_site, drug.order is Order.CONCURRENT
        run = Run(drug=drug, times=times, minutes=minutes_between(*times))
        if former := found.get(key):
            both = min(former.times[0], times[0]), max(former.times[1], times[1])
            run = Run(drug=former.drug, times=both, minutes=former.minutes + run.minutes)
        found[key] = run
    return list(found.values())


def times_of(drug: GivenDrug, visit: Visit) -> Times:
    if drug.started_at is None or drug.stopped_at is None:
        return visit.times
    return on_the_clock(drug.started_at, visit.zone), on_the_clock(drug.stopped_at, visit.zone)


def service_of(
    row: CodeRow, *, units: int = 1, times: Times | None = None, steps: Sequence[CodingStep]
) -> CodedService:
    words = row.words or row.rule.replace("_", " ").capitalize()
    return CodedService(code=row.code, units=units, description=words, times=times, steps=tuple(steps))


def add(found: CodedService | CodingStep, services: list[CodedService], notes: list[CodingStep]) -> None:
    if isinstance(found, CodedService):
        services.append(found)
    else:
        notes.append(found)


def clock(times: Times) -> str:
    return f"{times[0]:%H:%M} to {times[1]:%H:%M}"


def mg(dose: Decimal) -> str:
    return f"{dose.normalize():f} mg"
