"""What the room hands to others: plans, their sessions and what covers these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from billing.care.states import EARNED, SessionState
from billing.catalog.records import Drug
from billing.kernel.money import Money

PROMISED = "payer_promise"
"""The kind of cover that nobody authorized: it is not asked of the patient, and lets nobody in."""
REFUNDED = "refunded"
"""The kind of cover whose money went back: it is not asked of the patient again, and lets nobody in."""
LETS_NOBODY_IN = frozenset({PROMISED, REFUNDED})


@dataclass(frozen=True, kw_only=True)
class SessionOrder:
    """One session as it is ordered. Doses are milligrams, weights kilograms, at most 3 decimals.

    `condition` is the session's own where it differs from the plan's; add-ons are units by code.
    """

    service: str
    planned_on: date
    minutes: int | None = None
    dose_mg: Decimal | None = None
    weight_kg: Decimal | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)
    condition: str | None = None


@dataclass(frozen=True, kw_only=True)
class Particulars:
    """What every session of a protocol shares; a `site_id` left out is the patient's own."""

    provider_id: str | None = None
    site_id: str | None = None
    dose_mg: Decimal | None = None
    weight_kg: Decimal | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)


NO_PARTICULARS = Particulars()


@dataclass(frozen=True, kw_only=True)
class Session:
    """One visit, planned and then as it was; `covered` never exceeds `due`, which is None until priced.

    `override_reason` is a supervisor's, for a patient who was let in without full cover. `moved_as_id` is the
    visit of a day that was missed, when that moved to another day.
    """

    id: str
    plan_id: str
    entity_id: str
    site_id: str
    patient_id: str
    provider_id: str | None
    number: int
    service: str
    condition: str
    planned_on: date
    planned_minutes: int | None
    planned_dose_mg: Decimal | None
    weight_kg: Decimal | None
    add_ons: Mapping[str, int]
    state: SessionState
    moved_as_id: str | None
    checked_in_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    dose_mg: Decimal | None
    due: Money | None
    covered: Money
    override_reason: str | None

    @property
    def minutes(self) -> int | None:
        """How long it took by the clock, each time to the minute; None until it was given."""
        if self.started_at is None or self.stopped_at is None:
            return None
        started, stopped = (
            each.replace(second=0, microsecond=0) for each in (self.started_at, self.stopped_at)
        )
        return (stopped - started) // timedelta(minutes=1)

    @property
    def is_earned(self) -> bool:
        """Whether what it costs is income by now. What had been paid for a visit that was then missed came
        off it at once, so that a missed one costs its fee or nothing."""
        return self.state in EARNED


@dataclass(frozen=True, kw_only=True)
class SeenSession(Session):
    """A session as it is shown: `counted` is what of `covered` counts at check-in.

    `went_back` and `promised` do not: money that was refunded or lost, and another payer's word.
    """

    went_back: Money
    promised: Money

    @property
    def counted(self) -> Money:
        return self.covered - self.went_back - self.promised


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A patient's course of treatment: its sessions by number."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    condition: str
    protocol: str | None
    sessions: tuple[Session, ...]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The part of a session's price that one source covers: a payment, a credit, a package, a lender."""

    source_kind: str
    source_id: str
    amount: Money


# ------------------------------------------------------------------------------- what the clinician records


class Way(StrEnum):
    """How a drug was given. A push is over within 15 minutes and needs no times of its own."""

    INFUSION = "infusion"
    PUSH = "push"
    NASAL = "nasal"


class Order(StrEnum):
    """When a drug was infused beside the one that the visit is for, which is the first."""

    FIRST = "first"
    SEQUENTIAL = "sequential"
    CONCURRENT = "concurrent"


class HydrationPurpose(StrEnum):
    """Why fluid was given. What only carries a drug is no hydration, and is never billed as one."""

    DEHYDRATION = "dehydration"
    VOMITING = "vomiting"
    LOW_BLOOD_PRESSURE = "low_blood_pressure"
    CARRIER = "carrier"


class EvaluationKind(StrEnum):
    """An office visit is coded by its minutes, a psychiatric evaluation is not."""

    OFFICE = "office"
    PSYCHIATRIC = "psychiatric"


@dataclass(frozen=True, kw_only=True)
class DrugEntry:
    """A drug as it is entered: `drug` is its code in the clinic's list, `ndc` the vial's own when it differs.

    Without times of its own it ran as long as the visit's infusion.
    """

    drug: str
    dose_mg: Decimal
    way: Way = Way.INFUSION
    order: Order = Order.FIRST
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    ndc: str | None = None
    is_at_second_site: bool = False


@dataclass(frozen=True, kw_only=True)
class GivenDrug(DrugEntry):
    """The same with what the clinic's list said of the drug on that day, which the chart keeps."""

    listed: Drug


@dataclass(frozen=True, kw_only=True)
class Hydration:
    started_at: datetime | None
    stopped_at: datetime | None
    purpose: HydrationPurpose


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """`minutes` are all of that day's, without any of the psychotherapy.

    `outside_minutes` of them were before or after the visit: preparing, documenting, a talk before the line.
    """

    kind: EvaluationKind
    minutes: int | None
    outside_minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class ChartEntry:
    """What was done at a visit, as it is entered; `started_at` to `stopped_at` is the infusion, or the visit,
    and holds every drug and fluid.

    Start of the line, flush, and watching the patient afterwards are no part of an infusion.
    """

    started_at: datetime | None = None
    stopped_at: datetime | None = None
    provider_id: str | None = None
    drugs: tuple[DrugEntry, ...] = ()
    hydration: Hydration | None = None
    evaluation: Evaluation | None = None
    psychotherapy_minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chart(ChartEntry):
    """One version of what the clinician recorded. Nothing in it is ever edited; a change is another version.

    One that is not signed may still lack its stop. `reason` is why what was signed before was amended.
    """

    id: str
    session_id: str
    entity_id: str
    site_id: str
    version: int
    drugs: tuple[GivenDrug, ...]
    is_signed: bool
    written_by: str
    written_at: datetime
    reason: str | None
