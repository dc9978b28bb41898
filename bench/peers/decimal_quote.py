"""The seven steps of a price in Decimal dollars, written plainly, with the same explanation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from billing.catalog.records import TIMED_SERVICES, FeeSchedule, Rate, Tier
from billing.quotes.records import SessionToPrice

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass
class Priced:
    on: date
    lines: list[tuple[str, str, Decimal]]
    listed: Decimal = ZERO
    package: Decimal = ZERO
    discount: Decimal = ZERO

    @property
    def base(self) -> Decimal:
        return self.listed - self.package

    @property
    def net(self) -> Decimal:
        return self.base - self.discount


def price(
    schedule: FeeSchedule, condition: str, sessions: Sequence[SessionToPrice], eligibilities: Collection[str]
) -> list[Priced]:
    category = schedule.categories[condition]
    rates = [schedule.rates_by_kind[session.service, category] for session in sessions]
    priced = [_listed(schedule, rate, session) for rate, session in zip(rates, sessions, strict=True)]
    for tiers in schedule.tiers_by_kind.values():
        kind = [place for place, rate in enumerate(rates) if rate.service == tiers[0].service]
        if kind and tiers[0].category == category:
            _take_package(tiers, rates[kind[0]], sessions, priced, kind)
    _take_discount(schedule, eligibilities, priced)
    return priced


def dollars(cents: int) -> Decimal:
    return Decimal(cents) / 100


def _listed(schedule: FeeSchedule, rate: Rate, session: SessionToPrice) -> Priced:
    lines = [("base", rate.text, dollars(rate.cents))]
    if session.service in TIMED_SERVICES:
        if steps := _steps(rate, session.minutes or 0, rate.minutes or 0):
            each = dollars(rate.step_cents)
            begun = f"{steps} x {rate.step_minutes} minutes begun beyond {rate.minutes}, ${each:,.2f} each"
            lines.append(("time", begun, steps * each))
        dose, weight = session.dose_mg or ZERO, session.weight_kg
        if weight is not None and schedule.weight_bands:
            exceeded = [band for band in schedule.weight_bands if dose > band.above * weight]
            words = f"{dose} mg for {weight} kg, above {{}} mg/kg"
        else:
            exceeded = [band for band in schedule.dose_bands if dose > band.above]
            words = f"{dose} mg, above {{}} mg"
        if exceeded:
            lines.append(("dose", words.format(exceeded[-1].above), dollars(exceeded[-1].cents)))
    for code, units in session.add_ons.items():
        each = dollars(schedule.add_ons_by_code[code].cents)
        lines.append(("add_on", f"{code} x {units}", each * units))
    return Priced(session.on, lines, listed=sum((amount for _, _, amount in lines), ZERO))


def _steps(rate: Rate, minutes: int, included: int) -> int:
    over = minutes - included
    return -(-over // rate.step_minutes) if rate.step_minutes and over > 0 else 0


def _take_package(
    tiers: Sequence[Tier],
    rate: Rate,
    sessions: Sequence[SessionToPrice],
    priced: Sequence[Priced],
    kind: Sequence[int],
) -> None:
    best: dict[int, Decimal] = {}
    chosen = None
    for tier in tiers:
        saved = {
            place: _saved(tier, rate, sessions[place].minutes or 0)
            for place in kind
            if (sessions[place].minutes or 0) >= tier.least_minutes
        }
        if len(saved) >= tier.sessions and sum(saved.values()) > sum(best.values()):
            best, chosen = saved, tier
    for place, amount in best.items():
        if chosen and amount:
            each = f"from {chosen.sessions} infusions ${dollars(chosen.cents):,.2f} each"
            text = f"Package {each}, up to {chosen.minutes} minutes"
            priced[place].lines.append(("package", text, -amount))
            priced[place].package = amount


def _saved(tier: Tier, rate: Rate, minutes: int) -> Decimal:
    plain = dollars(rate.cents) + _steps(rate, minutes, rate.minutes or 0) * dollars(rate.step_cents)
    packed = dollars(tier.cents) + _steps(rate, minutes, tier.minutes) * dollars(rate.step_cents)
    return plain - packed


def _take_discount(schedule: FeeSchedule, eligibilities: Collection[str], priced: Sequence[Priced]) -> None:
    due = [discount for discount in schedule.discounts if discount.code in eligibilities]
    if not due:
        return
    largest = max(due, key=lambda discount: discount.basis_points)
    percent = Decimal(largest.basis_points) / 100
    whole = sum((session.base for session in priced), ZERO)
    discount = (whole * percent / 100).quantize(CENT, ROUND_HALF_UP)
    shares = [discount * session.base / whole for session in priced]
    parts = [share.quantize(CENT, ROUND_DOWN) for share in shares]
    left = int((discount - sum(parts)) / CENT)
    order = sorted(
        range(len(priced)), key=lambda place: (parts[place] - shares[place], priced[place].on, place)
    )
    for place in order[:left]:
        parts[place] += CENT
    for session, part in zip(priced, parts, strict=True):
        session.lines.append((largest.code, f"{percent:f}% of ${session.base:,.2f}", -part))
        session.discount = part
