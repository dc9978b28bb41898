"""Loading a clinic. Doing it twice is doing it once; a published fee schedule never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from billing.catalog.errors import ScheduleAlreadyPublished
from billing.catalog.models import (
    ConditionRow,
    DrugRow,
    EntityRow,
    FeeScheduleRow,
    ProtocolRow,
    ProviderRow,
    SiteRow,
)
from billing.catalog.queries import find_entity
from billing.catalog.records import Clinic, Entity, FeeSchedule
from billing.catalog.rules.schedule_body import body_of
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.base import Base
from billing.platform.data.database import Tx
from billing.platform.data.documents import canonical_json

Row = TypeVar("Row", bound=Base)


def seed_clinic(tx: Tx, *, clinic: Clinic, actor: Actor, now: datetime) -> Entity:
    """Load a clinic, or bring a loaded one up to its file; what the file leaves out stays.

    Raises: ScheduleAlreadyPublished when the file changes a fee schedule under its old code.
    """
    entity_id = _put_entity(tx, clinic)
    for site in clinic.sites:
        _put(tx, SiteRow, {"entity_id": entity_id, "code": site.code}, asdict(site), new_id("site"))
    for provider in clinic.providers:
        _put(tx, ProviderRow, {"entity_id": entity_id, "npi": provider.npi}, asdict(provider), new_id("prov"))
    for condition in clinic.conditions:
        facts = {**asdict(condition), "icd10": list(condition.icd10)}
        _put(tx, ConditionRow, {"entity_id": entity_id, "slug": condition.slug}, facts)
    for protocol in clinic.protocols:
        facts = {**asdict(protocol), "sessions": [asdict(session) for session in protocol.sessions]}
        _put(tx, ProtocolRow, {"entity_id": entity_id, "code": protocol.code}, facts)
    for drug in clinic.drugs:
        facts = {**asdict(drug), "mg_per_unit": str(drug.mg_per_unit)}
        _put(tx, DrugRow, {"entity_id": entity_id, "code": drug.code}, facts)
    publish_schedule(tx, entity_id=entity_id, schedule=clinic.fee_schedule, actor=actor, now=now)
    tx.session.flush()
    record_audit(tx, actor=actor, action="clinic.seed", subject_id=entity_id, now=now)
    return find_entity(tx, entity_id)


def publish_schedule(
    tx: Tx, *, entity_id: str, schedule: FeeSchedule, actor: Actor, now: datetime
) -> FeeSchedule:
    """Freeze a fee schedule under its code; the same one again changes nothing.

    Raises: ScheduleAlreadyPublished for other content under a code that was published.
    """
    body = canonical_json(body_of(schedule))
    sha256 = hashlib.sha256(body).hexdigest()
    published = tx.session.scalar(
        select(FeeScheduleRow).where(
            FeeScheduleRow.entity_id == entity_id, FeeScheduleRow.code == schedule.code
        )
    )
    if published is not None:
        if published.sha256 != sha256:
            raise ScheduleAlreadyPublished(
                f"Fee schedule {schedule.code} was published with other content, and never changes. "
                "Give the corrected one a new code.",
                schedule=schedule.code,
            )
        return replace(schedule, id=published.id)
    row = FeeScheduleRow(
        id=new_id("fs"),
        entity_id=entity_id,
        code=schedule.code,
        effective_from=schedule.effective_from,
        body=body.decode(),
        sha256=sha256,
        published_by=actor.id,
        published_at=now,
    )
    tx.session.add(row)
    record_audit(tx, actor=actor, action="fee_schedule.publish", subject_id=row.id, now=now)
    return replace(schedule, id=row.id)


def _put_entity(tx: Tx, clinic: Clinic) -> str:
    row = _put(tx, EntityRow, {"slug": clinic.entity.slug}, asdict(clinic.entity), new_id("ent"))
    tx.session.flush()
    return row.id


def _put(
    tx: Tx, table: type[Row], key: Mapping[str, str], facts: Mapping[str, Any], fresh_id: str | None = None
) -> Row:
    """The row of that key with these facts, made under `fresh_id` where it is not there yet."""
    row = tx.session.scalar(select(table).filter_by(**key))
    if row is None:
        ids = {"id": fresh_id} if fresh_id else {}
        row = table(**ids, **{**key, **facts})
        tx.session.add(row)
        return row
    for name, value in facts.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    return row
