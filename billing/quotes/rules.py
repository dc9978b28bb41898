"""The price of a plan: seven steps, each with its line of explanation. The same input, the same cents.

Plain integer cents throughout; `share_cents` and `split_cents` round and split, nothing here does. The
visits of a course are mostly alike, so that what a visit costs alone is remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from billing.catalog.records import FEE_SERVICES, TIMED_SERVICES, Discount, DoseBand, FeeSchedule, Rate, Tier
from billing.kernel.errors import Flaw
from billing.kernel.money import HUNDRED_PERCENT, Money, share_cents, split_cents
from billing.quotes.errors import CannotPrice
from billing.quotes.records import Line, PricedPlan, PricedSession, SessionToPrice

LONGEST_MINUTES = 24 * 60
LARGEST_DOSE_MG = 10_000
LARGEST_WEIGHT_KG = 1_000
MOST_UNITS = 100
"""Of one add-on in one visit."""
MOST_SESSIONS = 200
"""In one plan."""

AddOns = tuple[tuple[str, int], ...]


class _Visit(NamedTuple):
    """One session by itself: steps 1 to 4, and what each tier of its kind would take off it.

    `flaws` are (field, message); a flawed visit has nothing else. `kind` is (service, category).
    `fee_cents` are never discounted. `savings` has None for a tier that does not match the session.
    """

    flaws: tuple[tuple[str, str], ...]
    kind: tuple[str, str] = ("", "")
    lines: tuple[Line, ...] = ()
    list_cents: int = 0
    fee_cents: int = 0
    savings: tuple[int | None, ...] = ()


def price(
    schedule: FeeSchedule,
    condition: str,
    sessions: Sequence[SessionToPrice],
    eligibilities: Collection[str],
    quoted_on: date,
) -> PricedPlan:
    """Price a plan under one fee schedule.

    The discount's cents are spread by largest remainder, ties to the earlier session: by its date, and on
    one date by its place in the plan.
    Units: cents, minutes, mg, kg.
    Raises: CannotPrice, with a JSON pointer for each flaw.
    """
    visits = [
        _visit(
            schedule,
            session.condition or condition,
            session.service,
            session.minutes,
            session.planned_minutes or session.minutes,
            session.dose_mg,
            session.weight_kg,
            tuple(session.add_ons.items()),
        )
        for session in sessions
    ]
    if flaws := [
        *_plan_flaws(schedule, condition, len(sessions), eligibilities, quoted_on),
        *_session_flaws(sessions, visits),
    ]:
        raise CannotPrice(f"Fee schedule {schedule.code} cannot price this plan; see errors.", flaws)
    packages = _packages(schedule, visits)
    nets = [visit.list_cents - package for visit, (package, _) in zip(visits, packages, strict=True)]
    bases = [net - visit.fee_cents for net, visit in zip(nets, visits, strict=True)]
    due = discounts_for(schedule, eligibilities)
    discounts = _spread(due, bases, [session.on for session in sessions])
    priced = [
        PricedSession(
            session.on,
            session.service,
            visit.list_cents,
            package,
            discount,
            net - discount,
            visit.lines + lines + _discount_lines(due, base, discount),
        )
        for session, visit, (package, lines), net, base, discount in zip(
            sessions, visits, packages, nets, bases, discounts, strict=True
        )
    ]
    listed, net, discount = sum([visit.list_cents for visit in visits]), sum(nets), sum(discounts)
    return PricedPlan(schedule.code, listed, listed - net, discount, net - discount, tuple(priced))


# --- what can be priced --------------------------------------------------------------------------------


def _plan_flaws(
    schedule: FeeSchedule, condition: str, count: int, eligibilities: Collection[str], quoted_on: date
) -> Iterator[Flaw]:
    if quoted_on < schedule.effective_from:
        yield Flaw("/quoted_on", f"Fee schedule {schedule.code} begins on {schedule.effective_from}.")
    if condition not in schedule.categories:
        yield Flaw("/condition", _unknown("condition", schedule.categories))
    codes = [discount.code for discount in schedule.discounts]
    for place, eligibility in enumerate(eligibilities):
        if eligibility not in codes:
            yield Flaw(f"/eligibilities/{place}", _unknown("eligibility", codes))
    if not 0 < count <= MOST_SESSIONS:
        yield Flaw("/sessions", f"Must hold from 1 to {MOST_SESSIONS} sessions.")


def _session_flaws(sessions: Sequence[SessionToPrice], visits: Sequence[_Visit]) -> Iterator[Flaw]:
    """The plan's own condition, where it is unknown, is named once for the plan."""
    for place, visit in enumerate(visits):
        for field, message in visit.flaws:
            if field != "condition" or sessions[place].condition is not None:
                yield Flaw(f"/sessions/{place}/{field}", message)


def _name_flaws(
    schedule: FeeSchedule, condition: str, service: str, add_ons: AddOns
) -> Iterator[tuple[str, str]]:
    """Names that the schedule does not know. A visit for an add-on alone goes by the add-on's code."""
    known = schedule.add_ons_by_code
    category = schedule.categories.get(condition)
    if category is None:
        yield "condition", _unknown("condition", schedule.categories)
    elif (service, category) not in schedule.rates_by_kind and service not in known:
        services = {each for each, priced in schedule.rates_by_kind if priced == category}
        yield "service", _unknown("service", services | set(known))
    for code, units in add_ons:
        if code not in known:
            yield f"add_ons/{_escaped(code)}", _unknown("add-on", known)
        elif not 0 <= units <= MOST_UNITS:
            yield f"add_ons/{code}", f"Must be from 0 to {MOST_UNITS} units."


def _measure_flaws(
    service: str, minutes: int | None, dose: Decimal | None, weight: Decimal | None
) -> Iterator[tuple[str, str]]:
    """What a timed service lacks, and measures that nothing can have."""
    if service in TIMED_SERVICES:
        if minutes is None:
            yield "minutes", f"Is needed to price the service {service}."
        if dose is None:
            yield "dose_mg", f"Is needed to price the service {service}."
    least_minutes = 1 if service in TIMED_SERVICES else 0
    if minutes is not None and not least_minutes <= minutes <= LONGEST_MINUTES:
        yield "minutes", f"Must be from {least_minutes} to {LONGEST_MINUTES}."
    if dose is not None and not 0 <= dose <= LARGEST_DOSE_MG:
        yield "dose_mg", f"Must be from 0 to {LARGEST_DOSE_MG} mg."
    if weight is not None and not 0 < weight <= LARGEST_WEIGHT_KG:
        yield "weight_kg", f"Must be above 0 and up to {LARGEST_WEIGHT_KG} kg."


def _unknown(kind: str, known: Collection[str]) -> str:
    return f"Is no {kind} of this fee schedule, which has: {', '.join(sorted(known)) or 'none'}."


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


# --- steps 1 to 4: one visit by itself -----------------------------------------------------------------


@lru_cache(maxsize=4096)
def _visit(
    schedule: FeeSchedule,
    condition: str,
    service: str,
    minutes: int | None,
    planned_minutes: int | None,
    dose: Decimal | None,
    weight: Decimal | None,
    add_ons: AddOns,
) -> _Visit:
    flaws = (
        *_name_flaws(schedule, condition, service, add_ons),
        *_measure_flaws(service, minutes, dose, weight),
    )
    if flaws:
        return _Visit(flaws)
    kind = (service, schedule.categories[condition])
    rate = schedule.rates_by_kind.get(kind)
    lines: list[Line] = []
    savings: tuple[int | None, ...] = ()
    if rate is None:
        lines.append(_add_on_line(schedule, service, 1))
    else:
        lines.append(Line("base", rate.text, rate.cents))
        if service in TIMED_SERVICES:
            lines.extend(_time_lines(rate, minutes or 0))
            lines.extend(_dose_lines(schedule, dose or Decimal(0), weight))
            tiers = schedule.tiers_by_kind.get(kind, ())
            savings = tuple(_saving(tier, rate, minutes or 0, planned_minutes or 0) for tier in tiers)
    lines.extend(_add_on_line(schedule, code, units) for code, units in add_ons if units)
    fee_cents = rate.cents if rate and service in FEE_SERVICES else 0
    return _Visit((), kind, tuple(lines), sum(line.cents for line in lines), fee_cents, savings)


def _time_lines(rate: Rate, minutes: int) -> Iterator[Line]:
    if steps := _started_steps(rate, minutes, rate.minutes or 0):
        begun = f"{steps} x {rate.step_minutes} minutes begun beyond {rate.minutes}"
        yield Line("time", f"{begun}, {Money(rate.step_cents)} each", steps * rate.step_cents)


def _dose_lines(schedule: FeeSchedule, dose: Decimal, weight: Decimal | None) -> Iterator[Line]:
    if weight is not None and schedule.weight_bands:
        if band := _highest(schedule.weight_bands, dose, weight):
            told = f"{_plain(dose)} mg for {_plain(weight)} kg, above {_plain(band.above)} mg/kg"
            yield Line("dose", told, band.cents)
    elif band := _highest(schedule.dose_bands, dose, Decimal(1)):
        yield Line("dose", f"{_plain(dose)} mg, above {_plain(band.above)} mg", band.cents)


def _add_on_line(schedule: FeeSchedule, code: str, units: int) -> Line:
    return Line("add_on", f"{code} x {units}", schedule.add_ons_by_code[code].cents * units)


def _started_steps(rate: Rate, minutes: int, included_minutes: int) -> int:
    """How many steps of time were begun beyond the included minutes."""
    if not rate.step_minutes or minutes <= included_minutes:
        return 0
    return -((included_minutes - minutes) // rate.step_minutes)


def _highest(bands: Sequence[DoseBand], dose: Decimal, weight: Decimal) -> DoseBand | None:
    """The highest band that the dose exceeds; compared by multiplying, since dividing would round."""
    exceeded = [band for band in bands if dose > band.above * weight]
    return exceeded[-1] if exceeded else None


def _saving(tier: Tier, rate: Rate, minutes: int, planned_minutes: int) -> int | None:
    """What the tier takes off base and time, None when it does not match the planned minutes.

    Below zero where the tier costs more than these.
    """
    if planned_minutes < tier.least_minutes:
        return None
    plain_steps = _started_steps(rate, minutes, rate.minutes or 0)
    tier_steps = _started_steps(rate, minutes, tier.minutes)
    return rate.cents - tier.cents + (plain_steps - tier_steps) * rate.step_cents


# --- step 5: packages ----------------------------------------------------------------------------------


def _packages(schedule: FeeSchedule, visits: Sequence[_Visit]) -> list[tuple[int, tuple[Line, ...]]]:
    """What its package takes off each visit, and the line that says so.

    Tiers of one service and category compete for the same sessions; those of different ones do not. The
    reached tier with the lowest total wins, the first between equals, and none wins over its equal.
    """
    packages: list[tuple[int, tuple[Line, ...]]] = [(0, ())] * len(visits)
    for kind, tiers in schedule.tiers_by_kind.items():
        places = [place for place, visit in enumerate(visits) if visit.kind == kind]
        if places:
            number, saved = _best_tier(tiers, [visits[place].savings for place in places])
            for place, cents in zip(places, saved, strict=True):
                if cents:
                    packages[place] = _package(tiers[number], cents)
    return packages


def _best_tier(
    tiers: Sequence[Tier], savings: Sequence[tuple[int | None, ...]]
) -> tuple[int, list[int | None]]:
    """The number of the tier that saves most, and what it takes off each session; all None for no tier."""
    best: tuple[int, list[int | None]] = (0, [None] * len(savings))
    most_saved = 0
    for number, tier in enumerate(tiers):
        saved = [each[number] for each in savings]
        matching = [cents for cents in saved if cents is not None]
        if len(matching) >= tier.sessions and sum(matching) > most_saved:
            best, most_saved = (number, saved), sum(matching)
    return best


def _package(tier: Tier, saved_cents: int) -> tuple[int, tuple[Line, ...]]:
    return saved_cents, (_package_line(tier.sessions, tier.cents, tier.minutes, saved_cents),)


@lru_cache(maxsize=4096)
def _package_line(sessions: int, tier_cents: int, minutes: int, saved_cents: int) -> Line:
    told = f"Package from {sessions} infusions {Money(tier_cents)} each, up to {minutes} minutes"
    return Line("package", told, -saved_cents)


# --- steps 6 and 7: the discount -----------------------------------------------------------------------


def discounts_for(schedule: FeeSchedule, eligibilities: Collection[str]) -> list[Discount]:
    """The largest single discount, the first in the schedule between equals; all where they stack."""
    due = [discount for discount in schedule.discounts if discount.code in eligibilities]
    if schedule.stack_discounts or len(due) < 2:
        return due
    return [max(due, key=lambda discount: discount.basis_points)]


def _spread(due: Sequence[Discount], bases: Sequence[int], dates: Sequence[date]) -> list[int]:
    """The discount of each session: rounded once over all of them, then split."""
    basis_points = min(sum([discount.basis_points for discount in due]), HUNDRED_PERCENT)
    if not basis_points:
        return [0] * len(bases)
    by_date = sorted(range(len(bases)), key=dates.__getitem__)
    parts = split_cents(share_cents(sum(bases), basis_points), [bases[place] for place in by_date])
    spread = [0] * len(bases)
    for place, cents in zip(by_date, parts, strict=True):
        spread[place] = cents
    return spread


def _discount_lines(due: Sequence[Discount], base_cents: int, cents: int) -> tuple[Line, ...]:
    if not cents:
        return ()
    if len(due) == 1:
        return (_discount_line(due[0].code, due[0].basis_points, base_cents, cents),)
    parts = split_cents(cents, [discount.basis_points for discount in due])
    return tuple(
        _discount_line(discount.code, discount.basis_points, base_cents, part)
        for discount, part in zip(due, parts, strict=True)
    )


@lru_cache(maxsize=4096)
def _discount_line(code: str, basis_points: int, base_cents: int, cents: int) -> Line:
    return Line(code, f"{_plain(Decimal(basis_points) / 100)}% of {Money(base_cents)}", -cents)


def _plain(number: Decimal) -> str:
    """`80` for 80, 80.0 and 8E+1: equal numbers read alike."""
    return f"{number.normalize():f}"
