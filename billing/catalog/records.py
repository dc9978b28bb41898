"""What a clinic is and what it charges: frozen, free of the database.

Facts are what a clinic's file says; the records beneath them add the ids that we gave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

INFUSION = "infusion"
"""The service that packages are made of; no other one counts for a tier."""

TIMED_SERVICES = frozenset({INFUSION, "booster"})
"""Services priced by minutes and dose, which must therefore be known."""

FEE_SERVICES = frozenset({"no_show", "deposit"})
"""Fees: no discount is taken off them."""

SERVICES = TIMED_SERVICES | FEE_SERVICES | {"evaluation"}
"""What can be sold beside add-ons, which go by their own codes."""


@dataclass(frozen=True, kw_only=True)
class Address:
    line1: str
    line2: str
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True, kw_only=True)
class EntityFacts:
    """A legal entity. `taxonomy` is its NUCC code; `timezone` an IANA name.

    `statement_descriptor` is what its payers read on their card statements, `mail_name` who its mail is from.
    `clearinghouse_id` is where its claims go, and `submitter_id` what it is known by there.
    """

    slug: str
    name: str
    trade_name: str
    statement_descriptor: str | None
    mail_name: str | None
    tin: str
    npi: str
    taxonomy: str
    timezone: str
    address: Address
    phone: str
    clearinghouse_name: str | None = None
    clearinghouse_id: str | None = None
    submitter_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entity(EntityFacts):
    id: str


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    code: str
    name: str
    address: Address
    phone: str
    timezone: str


@dataclass(frozen=True, kw_only=True)
class Site(SiteFacts):
    id: str
    entity_id: str


@dataclass(frozen=True, kw_only=True)
class ProviderFacts:
    name: str
    credentials: str
    npi: str
    license_number: str
    license_state: str


@dataclass(frozen=True, kw_only=True)
class Provider(ProviderFacts):
    id: str
    entity_id: str


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`icd10` are the codes that are usual for it, billable leaves with their dots."""

    slug: str
    name: str
    category: str
    icd10: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ProtocolSession:
    """`day_offset` counts from the first day of the plan, which is 0."""

    day_offset: int
    service: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class Protocol:
    code: str
    name: str
    category: str
    sessions: tuple[ProtocolSession, ...]


@dataclass(frozen=True, kw_only=True)
class Drug:
    """What a superbill says of a medicine: its HCPCS code, NDC, and how many mg one `unit` holds."""

    code: str
    name: str
    strength: str
    ndc: str
    unit: str
    mg_per_unit: Decimal
    hcpcs: str


@dataclass(frozen=True, kw_only=True)
class Rate:
    """The price of a service, for one category of conditions or (None) for all.

    It includes the first `minutes`; each started `step_minutes` beyond costs `step_cents`.
    A flat price has neither.
    """

    service: str
    category: str | None
    name: str
    cents: int
    minutes: int | None = None
    step_minutes: int | None = None
    step_cents: int = 0

    @cached_property
    def text(self) -> str:
        """`Infusion, mental health, up to 60 minutes`."""
        category = [self.category.replace("_", " ")] if self.category else []
        minutes = [f"up to {self.minutes} minutes"] if self.minutes else []
        return ", ".join([self.name, *category, *minutes])


@dataclass(frozen=True, kw_only=True)
class DoseBand:
    """A surcharge on doses above `above`: mg, or mg/kg in the bands for a known weight."""

    above: Decimal
    cents: int


@dataclass(frozen=True, kw_only=True)
class AddOn:
    """`hcpcs` is the code that a superbill shows for it, or None."""

    code: str
    name: str
    cents: int
    hcpcs: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A package: from so many `sessions` of at least `least_minutes`, each costs `cents` up to `minutes`."""

    sessions: int
    service: str
    category: str
    least_minutes: int
    cents: int
    minutes: int


@dataclass(frozen=True, kw_only=True)
class Discount:
    """`code` is the eligibility that gives it, and the rule id in an explanation."""

    code: str
    name: str
    basis_points: int


@dataclass(frozen=True, kw_only=True, eq=False)
class FeeSchedule:
    """All that a price depends on, so that a stored quote can be priced again for ever.

    Told apart by identity, which lets prices be remembered by schedule; `body_of` compares what two say.

    `id` is empty for a schedule that was read from a file and never published.
    `categories` gives each condition's category by its slug. Dose bands ascend.
    """

    id: str = ""
    code: str
    clinic: str
    effective_from: date
    is_sample: bool
    categories: Mapping[str, str]
    rates: tuple[Rate, ...]
    dose_bands: tuple[DoseBand, ...]
    weight_bands: tuple[DoseBand, ...]
    add_ons: tuple[AddOn, ...]
    tiers: tuple[Tier, ...]
    discounts: tuple[Discount, ...]
    stack_discounts: bool

    @cached_property
    def rates_by_kind(self) -> dict[tuple[str, str], Rate]:
        """The rate of each service for each category: its own, or else the one for all categories."""
        kinds: dict[tuple[str, str], Rate] = {}
        for category in {*self.categories.values()}:
            for rate in self.rates:
                if rate.category == category or (
                    rate.category is None and (rate.service, category) not in kinds
                ):
                    kinds[rate.service, category] = rate
        return kinds

    @cached_property
    def add_ons_by_code(self) -> dict[str, AddOn]:
        return {add_on.code: add_on for add_on in self.add_ons}

    @cached_property
    def tiers_by_kind(self) -> dict[tuple[str, str], list[Tier]]:
        """Tiers that compete with each other: those of one service and category."""
        kinds: dict[tuple[str, str], list[Tier]] = defaultdict(list)
        for tier in self.tiers:
            kinds[tier.service, tier.category].append(tier)
        return dict(kinds)


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """A clinic's whole file."""

    is_sample: bool
    entity: EntityFacts
    sites: tuple[SiteFacts, ...]
    providers: tuple[ProviderFacts, ...]
    conditions: tuple[Condition, ...]
    fee_schedule: FeeSchedule
    protocols: tuple[Protocol, ...]
    drugs: tuple[Drug, ...]
