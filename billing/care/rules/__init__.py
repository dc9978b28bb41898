"""When sessions fall, what an order may ask for, what a clock may say, and what is missing at the door."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.care.errors import InvalidPlan, InvalidSessionRecord
from billing.care.records import Particulars, SessionOrder
from billing.catalog.records import FEE_SERVICES, SERVICES, TIMED_SERVICES, Protocol, Site
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money

WORKING_WEEK = 5
SATURDAY = 5

MOST_SESSIONS = 100
MOST_MINUTES = 24 * 60
MOST_DOSE_MG = Decimal(10_000)
MOST_WEIGHT_KG = Decimal(700)
MOST_UNITS = 99
DECIMALS = 3

FURTHEST_BACK = timedelta(days=366)
FURTHEST_AHEAD = timedelta(days=2 * 366)
"""A session is planned between a year ago, for courses entered late, and two years from now."""

LONGEST_SESSION = timedelta(hours=24)
LONGEST_DELAY = timedelta(days=31)
"""How long after a visit its check-in may be entered."""

PLANNABLE_SERVICES = SERVICES - FEE_SERVICES

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def protocol_dates(offsets: Sequence[int], starts_on: date) -> tuple[date, ...]:
    """The day of each session, from ascending day offsets, without planning on weekends.

    Days in a row stay in a row: a run that would touch a weekend moves as a whole to the following Monday,
    unless it is longer than a working week and cannot avoid one. When the first run moves, the whole course
    moves with it; a later one moves by itself, and never onto or before a day that is already taken.
    """
    days: list[date] = []
    start = starts_on
    for run in _runs(offsets):
        span = run[-1] - run[0] + 1
        first = _first_fitting_day(start + timedelta(run[0]), span, after=days[-1] if days else None)
        if not days:
            start = first - timedelta(run[0])
        days.extend(first + timedelta(offset - run[0]) for offset in run)
    return tuple(days)


def orders_of(protocol: Protocol, starts_on: date, particulars: Particulars) -> tuple[SessionOrder, ...]:
    """The sessions that a protocol asks for from a day on. Drug, dose and add-ons go with timed services."""
    steps = sorted(protocol.sessions, key=lambda step: step.day_offset)
    days = protocol_dates([step.day_offset for step in steps], starts_on)
    return tuple(
        SessionOrder(
            service=step.service,
            planned_on=day,
            minutes=step.minutes,
            dose_mg=particulars.dose_mg if step.service in TIMED_SERVICES else None,
            weight_kg=particulars.weight_kg,
            add_ons=particulars.add_ons if step.service in TIMED_SERVICES else {},
        )
        for step, day in zip(steps, days, strict=True)
    )


def check_orders(orders: Sequence[SessionOrder], *, today: date) -> None:
    """Raises: InvalidPlan with a flaw for each thing that cannot be ordered."""
    if not 1 <= len(orders) <= MOST_SESSIONS:
        flaw = Flaw("/sessions", f"Plan between 1 and {MOST_SESSIONS} sessions.")
        raise InvalidPlan("A plan needs sessions.", [flaw])
    flaws = [
        flaw
        for place, order in enumerate(orders)
        for flaw in _order_flaws(f"/sessions/{place}", order, today)
    ]
    if flaws:
        raise InvalidPlan("Correct what is named and send it again.", flaws)


def check_planned_on(planned_on: date, *, today: date, pointer: str = "/planned_on") -> None:
    """Raises: InvalidPlan for a day outside the years that the clinic plans in."""
    if flaws := list(_day_flaws(pointer, planned_on, today)):
        raise InvalidPlan("Choose another day.", flaws)


def check_times(
    started_at: datetime, stopped_at: datetime, *, checked_in_at: datetime, now: datetime
) -> None:
    """Raises: InvalidSessionRecord unless the session is over and lasted a positive time up to 24 hours."""
    flaws = []
    if stopped_at <= started_at:
        flaws.append(Flaw("/stopped_at", "The stop must come after the start."))
    elif stopped_at - started_at > LONGEST_SESSION:
        flaws.append(Flaw("/stopped_at", "A session lasts at most 24 hours."))
    if stopped_at > now:
        flaws.append(Flaw("/stopped_at", "The stop cannot lie in the future."))
    if started_at < checked_in_at - LONGEST_DELAY:
        flaws.append(
            Flaw("/started_at", f"The start lies at most {LONGEST_DELAY.days} days before the check-in.")
        )
    if flaws:
        raise InvalidSessionRecord("Correct the times and send them again.", flaws)


def check_dose_given(service: str, dose_mg: Decimal | None) -> None:
    """Raises: InvalidSessionRecord when a drug's dose is missing, negative, too large or too fine."""
    if dose_mg is None:
        flaws = [Flaw("/dose_mg", "Give the dose in mg.")] if service in TIMED_SERVICES else []
    else:
        flaws = list(dose_flaws("/dose_mg", dose_mg))
    if flaws:
        raise InvalidSessionRecord("Correct the dose and send it again.", flaws)


def dose_flaws(pointer: str, dose_mg: Decimal) -> Iterator[Flaw]:
    """Of a dose that was given: mg, at most three decimals. A visit that was broken off may have none."""
    return _quantity_flaws(pointer, dose_mg, least=Decimal(0), most=MOST_DOSE_MG)


def site_date(site: Site, instant: datetime) -> date:
    """The date that a site's calendar shows at an instant."""
    return local_date(instant, ZoneInfo(site.timezone))


def missing_cover(due: Money, covered: Money) -> Money:
    """What is still to be paid, credited, prepaid or financed before the patient can be checked in."""
    return max(ZERO, due - covered)


def _runs(offsets: Sequence[int]) -> Iterator[list[int]]:
    """The offsets in groups of days that follow each other."""
    run: list[int] = []
    for offset in offsets:
        if run and offset - run[-1] > 1:
            yield run
            run = []
        run.append(offset)
    if run:
        yield run


def _first_fitting_day(day: date, span: int, *, after: date | None) -> date:
    while (after is not None and day <= after) or _touches_weekend(day, span):
        day += timedelta(days=1)
    return day


def _touches_weekend(first: date, span: int) -> bool:
    return span <= WORKING_WEEK and first.weekday() + span > SATURDAY


def _order_flaws(pointer: str, order: SessionOrder, today: date) -> Iterator[Flaw]:
    if order.service not in PLANNABLE_SERVICES:
        yield Flaw(f"{pointer}/service", f"Choose one of {', '.join(sorted(PLANNABLE_SERVICES))}.")
    yield from _day_flaws(f"{pointer}/planned_on", order.planned_on, today)
    if order.minutes is None and order.service in TIMED_SERVICES:
        yield Flaw(f"{pointer}/minutes", "Give the minutes of an infusion.")
    if order.minutes is not None and not 1 <= order.minutes <= MOST_MINUTES:
        yield Flaw(f"{pointer}/minutes", f"Give between 1 and {MOST_MINUTES} minutes.")
    for name, quantity, most in (
        ("dose_mg", order.dose_mg, MOST_DOSE_MG),
        ("weight_kg", order.weight_kg, MOST_WEIGHT_KG),
    ):
        if quantity is not None:
            yield from _quantity_flaws(f"{pointer}/{name}", quantity, least=Decimal("0.001"), most=most)
    yield from _add_on_flaws(f"{pointer}/add_ons", order.add_ons)


def _add_on_flaws(pointer: str, add_ons: Mapping[str, int]) -> Iterator[Flaw]:
    for code, units in add_ons.items():
        if not _CODE.fullmatch(code):
            yield Flaw(pointer, "Name add-ons by their codes, such as anti_nausea.")
        elif not 1 <= units <= MOST_UNITS:
            yield Flaw(f"{pointer}/{code}", f"Give between 1 and {MOST_UNITS} units.")


def _day_flaws(pointer: str, day: date, today: date) -> Iterator[Flaw]:
    if not today - FURTHEST_BACK <= day <= today + FURTHEST_AHEAD:
        yield Flaw(
            pointer, "Choose a day within the next two years, or the past one for a course entered late."
        )


def _quantity_flaws(pointer: str, quantity: Decimal, *, least: Decimal, most: Decimal) -> Iterator[Flaw]:
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMALS:
        yield Flaw(pointer, f"Give a number with at most {DECIMALS} decimals.")
    elif not least <= quantity <= most:
        yield Flaw(pointer, f"Give a number from {least} to {most}.")
