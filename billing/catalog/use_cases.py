"""Loading a clinic. Doing it twice is doing it once; a published fee schedule never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
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
    conditions = [{**asdict(each), "icd10": list(each.icd10)} for each in clinic.conditions]
    protocols = [
        {**asdict(each), "sessions": [asdict(session) for session in each.sessions]}
        for each in clinic.protocols
    ]
    drugs = [{**asdict(each), "mg_per_unit": str(each.mg_per_unit)} for each in clinic.drugs]
    _put(tx, SiteRow, entity_id, "code", [asdict(site) for site in clinic.sites], ids="site")
    _put(tx, ProviderRow, entity_id, "npi", [asdict(each) for each in clinic.providers], ids="prov")
    _put(tx, ConditionRow, entity_id, "slug", conditions)
    _put(tx, ProtocolRow, entity_id, "code", protocols)
    _put(tx, DrugRow, entity_id, "code", drugs)
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
    facts = asdict(clinic.entity)
    row = tx.session.scalar(select(EntityRow).where(EntityRow.slug == clinic.entity.slug))
    if row is None:
        row = EntityRow(id=new_id("ent"), **facts)
        tx.session.add(row)
        tx.session.flush()
    _bring_up(row, facts)
    return row.id


def _put(
    tx: Tx,
    table: type[Row],
    entity_id: str,
    key: str,
    wanted: Sequence[Mapping[str, Any]],
    ids: str | None = None,
) -> None:
    """The entity's rows with these facts, known by their `key`; what is not there yet is made."""
    rows = tx.session.scalars(select(table).filter_by(entity_id=entity_id))
    there = {getattr(row, key): row for row in rows}
    for facts in wanted:
        row = there.get(facts[key])
        if row is not None:
            _bring_up(row, facts)
            continue
        own_id = {"id": new_id(ids)} if ids else {}
        there[facts[key]] = made = table(**own_id, entity_id=entity_id, **facts)
        tx.session.add(made)


def _bring_up(row: Base, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
