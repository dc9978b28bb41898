"""The price of a plan: seven steps, each with its line of explanation. The same input, the same cents.

Plain integer cents throughout; `share_cents` and `split_cents` round and split, nothing here does. Lines
repeat from visit to visit, so that they are remembered instead of worded again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from billing.catalog.records import FEE_SERVICES, TIMED_SERVICES, Discount, DoseBand, FeeSchedule, Rate, Tier
from billing.kernel.errors import Flaw
from billing.kernel.money import HUNDRED_PERCENT, Money, share_cents, split_cents
from billing.quotes.errors import CannotPrice
from billing.quotes.records import Actual, Line, PricedPlan, PricedSession, SessionToPrice

LONGEST_MINUTES = 24 * 60
LARGEST_DOSE_MG = 10_000
LARGEST_WEIGHT_KG = 1_000
MOST_UNITS = 100
"""Of one add-on in one visit."""
MOST_SESSIONS = 200
"""In one plan."""


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
    if flaws := flaws_of(schedule, condition, sessions, eligibilities, quoted_on):
        raise CannotPrice(f"Fee schedule {schedule.code} cannot price this plan; see errors.", flaws)
    kinds = [(each.service, schedule.categories[each.condition or condition]) for each in sessions]
    lines = [_list_lines(schedule, kind, each) for kind, each in zip(kinds, sessions, strict=True)]
    lists = [sum([line.cents for line in told]) for told in lines]
    packages = _package_lines(schedule, kinds, sessions)
    nets = [cents - _reduction_of(packages.get(place)) for place, cents in enumerate(lists)]
    bases = [net - _fee_cents(schedule, kind) for net, kind in zip(nets, kinds, strict=True)]
    due = discounts_for(schedule, eligibilities)
    discounts = _spread(due, bases, sessions)
    priced = []
    for place, session in enumerate(sessions):
        told, discount = lines[place], discounts[place]
        if place in packages:
            told.append(packages[place])
        if discount:
            told.extend(_discount_lines(due, bases[place], discount))
        listed, net = lists[place], nets[place]
        amounts = (listed, listed - net, discount, net - discount)
        priced.append(PricedSession(session.on, session.service, *amounts, tuple(told)))
    listed, net, discount = sum(lists), sum(nets), sum(discounts)
    return PricedPlan(schedule.code, listed, listed - net, discount, net - discount, tuple(priced))


def as_given(asked: Sequence[SessionToPrice], actuals: Mapping[str, Actual]) -> tuple[SessionToPrice, ...]:
    """The same sessions with the minutes and doses that they really had, by session id.

    What was planned stays known, since packages go by it.
    """
    given = []
    for session in asked:
        actual = actuals.get(session.session_id or "")
        if actual is not None:
            planned = session.planned_minutes or session.minutes
            session = replace(
                session, minutes=actual.minutes, dose_mg=actual.dose_mg, planned_minutes=planned
            )
        given.append(session)
    return tuple(given)


# --- what can be priced --------------------------------------------------------------------------------


def flaws_of(
    schedule: FeeSchedule,
    condition: str,
    sessions: Sequence[SessionToPrice],
    eligibilities: Collection[str],
    quoted_on: date,
) -> list[Flaw]:
    """Why the schedule cannot price this plan; nothing when it can."""
    flaws: list[Flaw] = []
    if quoted_on < schedule.effective_from:
        flaws.append(Flaw("/quoted_on", f"Fee schedule {schedule.code} begins on {schedule.effective_from}."))
    if condition not in schedule.categories:
        flaws.append(Flaw("/condition", _unknown("condition", schedule.categories)))
    codes = [discount.code for discount in schedule.discounts]
    for place, eligibility in enumerate(eligibilities):
        if eligibility not in codes:
            flaws.append(Flaw(f"/eligibilities/{place}", _unknown("eligibility", codes)))
    if not 0 < len(sessions) <= MOST_SESSIONS:
        flaws.append(Flaw("/sessions", f"Must hold from 1 to {MOST_SESSIONS} sessions."))
    for place, session in enumerate(sessions):
        _note_names(flaws, f"/sessions/{place}", schedule, session, condition)
        _note_measures(flaws, f"/sessions/{place}", session)
    return flaws


def _note_names(
    flaws: list[Flaw], path: str, schedule: FeeSchedule, session: SessionToPrice, condition: str
) -> None:
    """Names that the schedule does not know. A visit for an add-on alone goes by the add-on's code."""
    add_ons = schedule.add_ons_by_code
    category = schedule.categories.get(session.condition or condition)
    if category is None:
        if session.condition is not None:
            flaws.append(Flaw(f"{path}/condition", _unknown("condition", schedule.categories)))
    elif (session.service, category) not in schedule.rates_by_kind and session.service not in add_ons:
        services = {service for service, priced in schedule.rates_by_kind if priced == category}
        flaws.append(Flaw(f"{path}/service", _unknown("service", services | set(add_ons))))
    for code, units in session.add_ons.items():
        if code not in add_ons:
            flaws.append(Flaw(f"{path}/add_ons/{_escaped(code)}", _unknown("add-on", add_ons)))
        elif not 0 <= units <= MOST_UNITS:
            flaws.append(Flaw(f"{path}/add_ons/{code}", f"Must be from 0 to {MOST_UNITS} units."))


def _note_measures(flaws: list[Flaw], path: str, session: SessionToPrice) -> None:
    """What a timed service lacks, and measures that nothing can have."""
    minutes, dose, weight = session.minutes, session.dose_mg, session.weight_kg
    if session.service in TIMED_SERVICES:
        needed = f"Is needed to price the service {session.service}."
        if minutes is None:
            flaws.append(Flaw(f"{path}/minutes", needed))
        if dose is None:
            flaws.append(Flaw(f"{path}/dose_mg", needed))
    if minutes is not None and not 0 < minutes <= LONGEST_MINUTES:
        flaws.append(Flaw(f"{path}/minutes", f"Must be from 1 to {LONGEST_MINUTES}."))
    if dose is not None and dose < 0:
        flaws.append(Flaw(f"{path}/dose_mg", "Must not be below 0."))
    if weight is not None and weight <= 0:
        flaws.append(Flaw(f"{path}/weight_kg", "Must be above 0."))


def _unknown(kind: str, known: Collection[str]) -> str:
    return f"Is no {kind} of this fee schedule, which has: {', '.join(sorted(known)) or 'none'}."


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


# --- steps 1 to 4: the list price of one session -------------------------------------------------------


def _list_lines(schedule: FeeSchedule, kind: tuple[str, str], session: SessionToPrice) -> list[Line]:
    rate = schedule.rates_by_kind.get(kind)
    if rate is None:
        lines = [_add_on_line(session.service, 1, schedule.add_ons_by_code[session.service].cents)]
    else:
        lines = [_base_line(rate.text, rate.cents)]
        if session.service in TIMED_SERVICES:
            _add_time_and_dose(lines, schedule, rate, session)
    for code, units in session.add_ons.items():
        if units:
            lines.append(_add_on_line(code, units, schedule.add_ons_by_code[code].cents))
    return lines


def _add_time_and_dose(lines: list[Line], schedule: FeeSchedule, rate: Rate, session: SessionToPrice) -> None:
    minutes, dose, weight = session.minutes or 0, session.dose_mg or Decimal(0), session.weight_kg
    if steps := _started_steps(rate, minutes, rate.minutes or 0):
        begun = f"{steps} x {rate.step_minutes} minutes begun beyond {rate.minutes}"
        lines.append(Line("time", f"{begun}, {_dollars(rate.step_cents)} each", steps * rate.step_cents))
    if weight is not None and schedule.weight_bands:
        if band := _highest(schedule.weight_bands, dose, weight):
            lines.append(Line("dose", f"{dose} mg for {weight} kg, above {band.above} mg/kg", band.cents))
    elif band := _highest(schedule.dose_bands, dose, 1):
        lines.append(Line("dose", f"{dose} mg, above {band.above} mg", band.cents))


def _started_steps(rate: Rate, minutes: int, included_minutes: int) -> int:
    """How many steps of time were begun beyond the included minutes."""
    if not rate.step_minutes or minutes <= included_minutes:
        return 0
    return -((included_minutes - minutes) // rate.step_minutes)


def _highest(bands: Sequence[DoseBand], dose: Decimal, weight: Decimal | int) -> DoseBand | None:
    """The highest band that the dose exceeds; compared by multiplying, since dividing would round."""
    exceeded = None
    for band in bands:
        if dose > band.above * weight:
            exceeded = band
    return exceeded


# --- step 5: packages ----------------------------------------------------------------------------------


def _package_lines(
    schedule: FeeSchedule, kinds: Sequence[tuple[str, str]], sessions: Sequence[SessionToPrice]
) -> dict[int, Line]:
    """What packages take off, by the session's place in the plan.

    Tiers of one service and category compete for the same sessions; those of different ones do not.
    """
    lines: dict[int, Line] = {}
    for kind, tiers in schedule.tiers_by_kind.items():
        if places := [place for place, each in enumerate(kinds) if each == kind]:
            lines |= _best_package(tiers, schedule.rates_by_kind[kind], sessions, places)
    return lines


def _best_package(
    tiers: Sequence[Tier], rate: Rate, sessions: Sequence[SessionToPrice], places: Sequence[int]
) -> dict[int, Line]:
    """The reached tier with the lowest total, or none where that is no higher; the first between equals."""
    best: dict[int, Line] = {}
    most_saved = 0
    for tier in tiers:
        saved = {
            place: _saved(tier, rate, sessions[place].minutes or 0)
            for place in places
            if _planned_minutes(sessions[place]) >= tier.least_minutes
        }
        if len(saved) >= tier.sessions and sum(saved.values()) > most_saved:
            most_saved = sum(saved.values())
            words = (tier.sessions, tier.cents, tier.minutes)
            best = {place: _package_line(*words, cents) for place, cents in saved.items() if cents}
    return best


def _planned_minutes(session: SessionToPrice) -> int:
    return session.planned_minutes or session.minutes or 0


def _saved(tier: Tier, rate: Rate, minutes: int) -> int:
    """What the tier takes off base and time; below zero where it costs more than these."""
    plain_steps = _started_steps(rate, minutes, rate.minutes or 0)
    tier_steps = _started_steps(rate, minutes, tier.minutes)
    return rate.cents - tier.cents + (plain_steps - tier_steps) * rate.step_cents


def _reduction_of(package: Line | None) -> int:
    return -package.cents if package else 0


# --- steps 6 and 7: the discount -----------------------------------------------------------------------


def discounts_for(schedule: FeeSchedule, eligibilities: Collection[str]) -> list[Discount]:
    """The largest single discount, the first in the schedule between equals; all where they stack."""
    due = [discount for discount in schedule.discounts if discount.code in eligibilities]
    if schedule.stack_discounts or len(due) < 2:
        return due
    return [max(due, key=lambda discount: discount.basis_points)]


def _fee_cents(schedule: FeeSchedule, kind: tuple[str, str]) -> int:
    """The part of a session that no discount is taken of."""
    return schedule.rates_by_kind[kind].cents if kind[0] in FEE_SERVICES else 0


def _spread(due: Sequence[Discount], bases: Sequence[int], sessions: Sequence[SessionToPrice]) -> list[int]:
    """The discount of each session: rounded once over all of them, then split."""
    basis_points = min(sum([discount.basis_points for discount in due]), HUNDRED_PERCENT)
    if not basis_points:
        return [0] * len(bases)
    by_date = sorted(range(len(bases)), key=lambda place: sessions[place].on)
    parts = split_cents(share_cents(sum(bases), basis_points), [bases[place] for place in by_date])
    spread = [0] * len(bases)
    for place, cents in zip(by_date, parts, strict=True):
        spread[place] = cents
    return spread


def _discount_lines(due: Sequence[Discount], base_cents: int, cents: int) -> list[Line]:
    parts = [cents] if len(due) == 1 else split_cents(cents, [discount.basis_points for discount in due])
    return [
        _discount_line(discount.code, discount.basis_points, base_cents, part)
        for discount, part in zip(due, parts, strict=True)
    ]


# --- lines, in words -----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _base_line(text: str, cents: int) -> Line:
    return Line("base", text, cents)


@lru_cache(maxsize=4096)
def _add_on_line(code: str, units: int, cents: int) -> Line:
    return Line("add_on", f"{code} x {units}", cents * units)


@lru_cache(maxsize=4096)
def _package_line(sessions: int, tier_cents: int, minutes: int, saved_cents: int) -> Line:
    price_each = f"from {sessions} infusions {_dollars(tier_cents)} each, up to {minutes} minutes"
    return Line("package", f"Package {price_each}", -saved_cents)


@lru_cache(maxsize=4096)
def _discount_line(code: str, basis_points: int, base_cents: int, cents: int) -> Line:
    return Line(code, f"{Decimal(basis_points) / 100:f}% of {_dollars(base_cents)}", -cents)


@lru_cache(maxsize=4096)
def _dollars(cents: int) -> str:
    return str(Money(cents))
