"""Reads of the catalog. Nothing here is health data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select

from billing.catalog.errors import (
    NoScheduleInForce,
    NoSuchCondition,
    NoSuchEntity,
    NoSuchProtocol,
    NoSuchProvider,
    NoSuchSchedule,
    NoSuchSite,
)
from billing.catalog.models import (
    ConditionRow,
    DrugRow,
    EntityRow,
    FeeScheduleRow,
    ProtocolRow,
    ProviderRow,
    SiteRow,
)
from billing.catalog.records import (
    Address,
    Clinic,
    Condition,
    Drug,
    Entity,
    FeeSchedule,
    Protocol,
    ProtocolSession,
    Provider,
    Site,
)
from billing.catalog.rules.clinic_file import read_clinic
from billing.catalog.rules.schedule_body import schedule_of
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.selects import row_where

SAMPLES = Path(__file__).parent / "samples"

# --- samples -------------------------------------------------------------------------------------------


def sample_clinic(slug: str) -> Clinic | None:
    """One of the sample clinics that come with the product, read from its file; no database is needed."""
    path = {sample.stem: sample for sample in SAMPLES.glob("*.yaml")}.get(slug)
    return read_clinic(path.read_text(encoding="utf-8")) if path else None


# --- entities, sites, providers ------------------------------------------------------------------------


def entities(read: Read) -> tuple[Entity, ...]:
    """All legal entities, by slug."""
    return tuple(_entity(row) for row in read.session.scalars(select(EntityRow).order_by(EntityRow.slug)))


def find_entity(read: Read, entity_id: str) -> Entity:
    """Raises: NoSuchEntity."""
    row = read.session.get(EntityRow, entity_id)
    if row is None:
        raise NoSuchEntity(f"There is no legal entity {entity_id}.")
    return _entity(row)


def find_entity_by_slug(read: Read, slug: str) -> Entity:
    """Raises: NoSuchEntity."""
    row = read.session.scalar(select(EntityRow).where(EntityRow.slug == slug))
    if row is None:
        raise NoSuchEntity(f"There is no clinic {slug}. Load it with `flask seed`.")
    return _entity(row)


def entity_of(read: Read, actor: Actor) -> Entity:
    """The actor's entity; for an actor who belongs to none, the only one there is.

    Raises: NoSuchEntity.
    """
    if actor.entity_id is not None:
        return find_entity(read, actor.entity_id)
    known = entities(read)
    if len(known) != 1:
        raise NoSuchEntity("This needs an actor of one legal entity: issue a token for one clinic.")
    return known[0]


def sites(read: Read, entity_id: str) -> tuple[Site, ...]:
    """By code."""
    query = select(SiteRow).where(SiteRow.entity_id == entity_id).order_by(SiteRow.code)
    return tuple(_site(row) for row in read.session.scalars(query))


def find_site(read: Read, site_id: str) -> Site:
    """Raises: NoSuchSite."""
    row = row_where(read, SiteRow, id=site_id)
    if row is None:
        raise NoSuchSite(f"There is no site {site_id}.")
    return _site(row)


def site_date(read: Read, site_id: str, instant: datetime) -> date:
    """The clinic-local date of an instant at one site. Raises: NoSuchSite."""
    return site_dates(read, [(site_id, instant)])[0]


def site_dates(read: Read, instants: Sequence[tuple[str, datetime]]) -> list[date]:
    """The clinic-local dates of instants, each at its site; a site is read once. Raises: NoSuchSite."""
    zones = {site_id: ZoneInfo(find_site(read, site_id).timezone) for site_id in {at for at, _ in instants}}
    return [local_date(instant, zones[site_id]) for site_id, instant in instants]


def providers(read: Read, entity_id: str) -> tuple[Provider, ...]:
    """By name."""
    query = (
        select(ProviderRow)
        .where(ProviderRow.entity_id == entity_id)
        .order_by(ProviderRow.name, ProviderRow.npi)
    )
    return tuple(_provider(row) for row in read.session.scalars(query))


def find_provider(read: Read, provider_id: str) -> Provider:
    """Raises: NoSuchProvider."""
    row = read.session.get(ProviderRow, provider_id)
    if row is None:
        raise NoSuchProvider(f"There is no provider {provider_id}.")
    return _provider(row)


# --- conditions, protocols, drugs ----------------------------------------------------------------------


def conditions(read: Read, entity_id: str) -> tuple[Condition, ...]:
    """By slug."""
    query = select(ConditionRow).where(ConditionRow.entity_id == entity_id).order_by(ConditionRow.slug)
    return tuple(_condition(row) for row in read.session.scalars(query))


def find_condition(read: Read, entity_id: str, slug: str) -> Condition:
    """Raises: NoSuchCondition."""
    row = read.session.get(ConditionRow, (entity_id, slug))
    if row is None:
        raise NoSuchCondition(f"This clinic treats no condition {slug}.")
    return _condition(row)


def protocols(read: Read, entity_id: str) -> tuple[Protocol, ...]:
    """By code."""
    query = select(ProtocolRow).where(ProtocolRow.entity_id == entity_id).order_by(ProtocolRow.code)
    return tuple(_protocol(row) for row in read.session.scalars(query))


def find_protocol(read: Read, entity_id: str, code: str) -> Protocol:
    """Raises: NoSuchProtocol."""
    row = read.session.get(ProtocolRow, (entity_id, code))
    if row is None:
        raise NoSuchProtocol(f"This clinic has no protocol {code}.")
    return _protocol(row)


def drugs(read: Read, entity_id: str) -> tuple[Drug, ...]:
    """By code; what superbills say of the medicines given."""
    query = select(DrugRow).where(DrugRow.entity_id == entity_id).order_by(DrugRow.code)
    return tuple(_drug(row) for row in read.session.scalars(query))


# --- fee schedules -------------------------------------------------------------------------------------


def schedule_in_force(read: Read, entity_id: str, on: date) -> FeeSchedule:
    """The schedule that took effect last by that date; of two of one date, the one published later.

    Raises: NoScheduleInForce.
    """
    row = read.session.scalar(
        select(FeeScheduleRow)
        .where(FeeScheduleRow.entity_id == entity_id, FeeScheduleRow.effective_from <= on)
        .order_by(
            FeeScheduleRow.effective_from.desc(), FeeScheduleRow.published_at.desc(), FeeScheduleRow.id.desc()
        )
        .limit(1)
    )
    if row is None:
        raise NoScheduleInForce(f"No fee schedule was in force on {on}. Publish one that begins by then.")
    return _schedule(row.id, row.body)


def schedule_by_id(read: Read, schedule_id: str) -> FeeSchedule:
    """Raises: NoSuchSchedule."""
    row = read.session.get(FeeScheduleRow, schedule_id)
    if row is None:
        raise NoSuchSchedule(f"There is no fee schedule {schedule_id}.")
    return _schedule(row.id, row.body)


def altered_schedules(read: Read) -> tuple[str, ...]:
    """Ids of published schedules whose body no longer matches its hash; there should be none."""
    rows = read.session.scalars(select(FeeScheduleRow).order_by(FeeScheduleRow.id))
    return tuple(row.id for row in rows if hashlib.sha256(row.body.encode()).hexdigest() != row.sha256)


@lru_cache(maxsize=64)
def _schedule(schedule_id: str, body: str) -> FeeSchedule:
    """Read once: a published schedule never changes."""
    return schedule_of(orjson.loads(body), schedule_id)


# --- rows to records -----------------------------------------------------------------------------------


def _entity(row: EntityRow) -> Entity:
    return Entity(
        id=row.id,
        slug=row.slug,
        name=row.name,
        trade_name=row.trade_name,
        statement_descriptor=row.statement_descriptor,
        mail_name=row.mail_name,
        tin=row.tin,
        npi=row.npi,
        taxonomy=row.taxonomy,
        timezone=row.timezone,
        address=Address(**row.address),
        phone=row.phone,
        clearinghouse_name=row.clearinghouse_name,
        clearinghouse_id=row.clearinghouse_id,
        submitter_id=row.submitter_id,
    )


def _site(row: SiteRow) -> Site:
    return Site(
        id=row.id,
        entity_id=row.entity_id,
        code=row.code,
        name=row.name,
        address=Address(**row.address),
        phone=row.phone,
        timezone=row.timezone,
    )


def _provider(row: ProviderRow) -> Provider:
    return Provider(
        id=row.id,
        entity_id=row.entity_id,
        name=row.name,
        credentials=row.credentials,
        npi=row.npi,
        license_number=row.license_number,
        license_state=row.license_state,
    )


def _condition(row: ConditionRow) -> Condition:
    return Condition(slug=row.slug, name=row.name, category=row.category, icd10=tuple(row.icd10))


def _protocol(row: ProtocolRow) -> Protocol:
    return Protocol(
        code=row.code,
        name=row.name,
        category=row.category,
        sessions=tuple(ProtocolSession(**session) for session in row.sessions),
    )


def _drug(row: DrugRow) -> Drug:
    return Drug(
        code=row.code,
        name=row.name,
        strength=row.strength,
        ndc=row.ndc,
        unit=row.unit,
        mg_per_unit=Decimal(row.mg_per_unit),
        hcpcs=row.hcpcs,
    )
