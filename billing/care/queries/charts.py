"""Reads of what clinicians recorded. Sealed rows are opened here and leave as records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from billing.care.models import SessionChartRow, SessionRow
from billing.care.queries import session_of
from billing.care.records import (
    Chart,
    Evaluation,
    EvaluationKind,
    GivenDrug,
    Hydration,
    HydrationPurpose,
    Order,
    Session,
    Way,
)
from billing.care.states import SessionState
from billing.catalog.records import Drug
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.vault import Vault


def charts_of(read: Read, session_id: str) -> tuple[Chart, ...]:
    """Every version of a session's chart, oldest first."""
    query = (
        select(SessionChartRow)
        .where(SessionChartRow.session_id == session_id)
        .order_by(SessionChartRow.version)
    )
    return tuple(chart_of(read.vault, row) for row in read.session.scalars(query))


def signed_chart(read: Read, session_id: str) -> Chart | None:
    """What stands signed of a session now."""
    query = (
        select(SessionChartRow)
        .where(SessionChartRow.session_id == session_id, SessionChartRow.is_signed)
        .order_by(SessionChartRow.version.desc())
        .limit(1)
    )
    row = read.session.scalar(query)
    return chart_of(read.vault, row) if row else None


def waiting_for_clinician(read: Read, actor: Actor, *, limit: int) -> Sequence[tuple[Session, Chart | None]]:
    """Sessions whose patient is checked in, oldest day first, with what is recorded of them so far."""
    query = (
        select(SessionRow)
        .where(SessionRow.state == SessionState.CHECKED_IN, *within_reach(actor, SessionRow))
        .order_by(SessionRow.planned_on, SessionRow.id)
        .limit(limit)
    )
    sessions = [session_of(read.vault, row) for row in read.session.scalars(query)]
    drafts = _latest(read, [session.id for session in sessions])
    return [(session, drafts.get(session.id)) for session in sessions]


def _latest(read: Read, session_ids: Sequence[str]) -> Mapping[str, Chart]:
    newest = (
        select(SessionChartRow.session_id, func.max(SessionChartRow.version).label("version"))
        .where(SessionChartRow.session_id.in_(session_ids))
        .group_by(SessionChartRow.session_id)
        .subquery()
    )
    query = select(SessionChartRow).join(
        newest,
        (SessionChartRow.session_id == newest.c.session_id) & (SessionChartRow.version == newest.c.version),
    )
    return {row.session_id: chart_of(read.vault, row) for row in read.session.scalars(query)}


def chart_of(vault: Vault, row: SessionChartRow) -> Chart:
    told = vault.open(SessionChartRow.__tablename__, row.id, row.sealed)
    hydration, evaluation = told["hydration"], told["evaluation"]
    return Chart(
        id=row.id,
        session_id=row.session_id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        version=row.version,
        is_signed=row.is_signed,
        written_by=row.written_by,
        written_at=row.written_at,
        started_at=_moment(told["started_at"]),
        stopped_at=_moment(told["stopped_at"]),
        provider_id=told["provider_id"],
        drugs=tuple(_drug(each) for each in told["drugs"]),
        hydration=_hydration(hydration) if hydration else None,
        evaluation=_evaluation(evaluation) if evaluation else None,
        psychotherapy_minutes=told["psychotherapy_minutes"],
        reason=told["reason"],
    )


def seal_chart(vault: Vault, chart: Chart) -> bytes:
    """What was done and why it was amended; instants and doses as text, to come back as they were."""
    told = asdict(chart)
    kept = (
        "started_at", "stopped_at", "provider_id", "drugs", "hydration", "evaluation",
        "psychotherapy_minutes", "reason",
    )  # fmt: skip
    return vault.seal(SessionChartRow.__tablename__, chart.id, _plain({name: told[name] for name in kept}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _drug(told: dict[str, Any]) -> GivenDrug:
    listed = told["listed"]
    return GivenDrug(
        drug=told["drug"],
        dose_mg=Decimal(told["dose_mg"]),
        way=Way(told["way"]),
        order=Order(told["order"]),
        started_at=_moment(told["started_at"]),
        stopped_at=_moment(told["stopped_at"]),
        ndc=told["ndc"],
        is_at_second_site=told["is_at_second_site"],
        listed=Drug(**listed | {"mg_per_unit": Decimal(listed["mg_per_unit"])}),
    )


def _hydration(told: dict[str, Any]) -> Hydration:
    return Hydration(
        started_at=_moment(told["started_at"]),
        stopped_at=_moment(told["stopped_at"]),
        purpose=HydrationPurpose(told["purpose"]),
    )


def _evaluation(told: dict[str, Any]) -> Evaluation:
    return Evaluation(
        kind=EvaluationKind(told["kind"]),
        minutes=told["minutes"],
        outside_minutes=told.get("outside_minutes", 0),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
