"""A plan to price, its price, and the stored quote.

The price is made of named tuples of plain cents: pricing is a hot loop, and they cost a fraction of a
dataclass. The stored quote, which travels through the rooms above, holds Money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class SessionToPrice:
    """One visit. `minutes` and `dose_mg` are needed for infusions and boosters only.

    `condition` is set where it differs from the plan's. `planned_minutes` is set when `minutes` are the
    actual ones, since packages go by what was planned. `session_id` is set for a session of a stored plan.
    """

    on: date
    service: str
    minutes: int | None = None
    dose_mg: Decimal | None = None
    weight_kg: Decimal | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)
    condition: str | None = None
    planned_minutes: int | None = None
    session_id: str | None = None


class Line(NamedTuple):
    """One step of a price: the rule's id, its arithmetic in words, signed cents."""

    rule: str
    text: str
    cents: int


class PricedSession(NamedTuple):
    """list - package - discount = net, and the lines of explanation sum to net.

    The package reduction of one session can be negative, where its package is cheaper as a whole.
    """

    on: date
    service: str
    list_cents: int
    package_cents: int
    discount_cents: int
    net_cents: int
    explanation: tuple[Line, ...]


class PricedPlan(NamedTuple):
    """list - package - discount = total; the sessions' nets sum to the total, in the order given."""

    schedule: str
    list_cents: int
    package_cents: int
    discount_cents: int
    total_cents: int
    sessions: tuple[PricedSession, ...]


@dataclass(frozen=True, kw_only=True)
class QuotedSession:
    session_id: str | None
    service: str
    on: date
    list: Money
    package: Money
    discount: Money
    net: Money
    explanation: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class QuoteHead:
    """A quote without what was asked and why it costs that: what a list shows."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str | None
    plan_id: str | None
    schedule_id: str
    schedule_code: str
    is_sample: bool
    quoted_on: date
    list: Money
    package: Money
    discount: Money
    total: Money
    issued_at: datetime


@dataclass(frozen=True, kw_only=True)
class Quote(QuoteHead):
    """A price that was given, with all that went into it, so that it can be priced again."""

    condition: str
    eligibilities: tuple[str, ...]
    asked: tuple[SessionToPrice, ...]
    sessions: tuple[QuotedSession, ...]


@dataclass(frozen=True, kw_only=True)
class QuoteOrder:
    """What is to be priced and stored. A `site_id` left out is the patient's, or the clinic's first.

    `quoted_on` left out is today at that site. A patient's verified eligibilities count; `eligibilities`
    are for a price without a patient.
    """

    condition: str
    sessions: tuple[SessionToPrice, ...]
    eligibilities: tuple[str, ...] = ()
    quoted_on: date | None = None
    patient_id: str | None = None
    plan_id: str | None = None
    site_id: str | None = None
