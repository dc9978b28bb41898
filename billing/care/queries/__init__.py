"""Reads. Sealed rows are opened here and leave as records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from billing.care.errors import NoSuchPlan, NoSuchSession
from billing.care.models import CoverageMoveRow, CoverageRow, PlanRow, SessionRow
from billing.care.records import (
    LETS_NOBODY_IN,
    PROMISED,
    REFUNDED,
    Coverage,
    Plan,
    SeenSession,
    Session,
)
from billing.care.states import SessionState
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import row_where, rows_among
from billing.platform.data.statements import Statement
from billing.platform.data.states import StateChange
from billing.platform.data.vault import Vault

CENTS = func.sum(CoverageMoveRow.cents).label("cents")
COVERED_AT = Statement(
    select(CoverageMoveRow.source_kind, CoverageMoveRow.source_id, CENTS)
    .where(
        CoverageMoveRow.session_id == bindparam("session"), CoverageMoveRow.moved_at <= bindparam("instant")
    )
    .group_by(CoverageMoveRow.source_kind, CoverageMoveRow.source_id)
    .having(func.sum(CoverageMoveRow.cents) > 0)
    .order_by(CoverageMoveRow.source_kind, CoverageMoveRow.source_id)
)
COVERS = Statement(
    select(CoverageRow.source_kind, CoverageRow.source_id, CoverageRow.amount_cents)
    .where(CoverageRow.session_id == bindparam("session"), CoverageRow.amount_cents > 0)
    .order_by(CoverageRow.source_kind, CoverageRow.source_id)
)


def find_plan(read: Read, plan_id: str, actor: Actor) -> Plan:
    """Raises: NoSuchPlan, also for one of a site that the actor may not know of."""
    row = read.session.get(PlanRow, plan_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchPlan("There is no such treatment plan. Check the id.")
    return plan_of(read.vault, row, sessions_of_plan(read, plan_id))


def plans_of(read: Read, patient_id: str) -> tuple[Plan, ...]:
    """A patient's plans, newest first."""
    rows = read.session.scalars(
        select(PlanRow).where(PlanRow.patient_id == patient_id).order_by(PlanRow.id.desc())
    ).all()
    return tuple(plan_of(read.vault, row, sessions_of_plan(read, row.id)) for row in rows)


def find_session(read: Read, session_id: str, actor: Actor) -> Session:
    """Raises: NoSuchSession, also for one of a site that the actor may not know of."""
    row = row_where(read, SessionRow, id=session_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise no_such_session()
    return session_of(read.vault, row)


def sessions_among(read: Read, session_ids: Collection[str]) -> dict[str, Session]:
    """Those of these sessions that there are, by id."""
    rows = rows_among(read, SessionRow, "id", session_ids)
    return {row.id: session_of(read.vault, row) for row in rows}


def sessions_of_plan(read: Read, plan_id: str) -> tuple[Session, ...]:
    """By number."""
    return _sessions(
        read, select(SessionRow).where(SessionRow.plan_id == plan_id).order_by(SessionRow.number)
    )


def sessions_on(
    read: Read, on: date, *, actor: Actor, site_id: str | None, cursor: str | None, limit: int
) -> tuple[Session, ...]:
    """A day's sessions at the actor's sites or at one of them; one more than `limit` when there are more."""
    query = (
        select(SessionRow)
        .where(SessionRow.planned_on == on, *within_reach(actor, SessionRow))
        .order_by(SessionRow.id.desc())
        .limit(limit + 1)
    )
    if site_id is not None:
        query = query.where(SessionRow.site_id == site_id)
    if cursor is not None:
        query = query.where(SessionRow.id < cursor)
    return _sessions(read, query)


def coverage_of(read: Read, session_id: str) -> tuple[Coverage, ...]:
    """What covers a session, source by source."""
    rows = COVERS.rows(read.about(CoverageRow), {"session": session_id})
    return tuple(
        Coverage(source_kind=row.source_kind, source_id=row.source_id, amount=Money(row.amount_cents))
        for row in rows
    )


def seen_sessions(read: Read, sessions: Collection[Session]) -> tuple[SeenSession, ...]:
    """With what of their cover counts at check-in, in one statement for all of them."""
    loose = _loose_cover(read, [session.id for session in sessions])
    return tuple(
        SeenSession(
            **vars(session),
            went_back=loose.get((session.id, REFUNDED), ZERO),
            promised=loose.get((session.id, PROMISED), ZERO),
        )
        for session in sessions
    )


def seen_session(read: Read, session: Session) -> SeenSession:
    """One alone."""
    return seen_sessions(read, [session])[0]


def seen_plan(read: Read, plan: Plan) -> Plan:
    """With its sessions as they are shown."""
    return replace(plan, sessions=seen_sessions(read, plan.sessions))


def _loose_cover(read: Read, session_ids: Collection[str]) -> Mapping[tuple[str, str], Money]:
    """How much of what covers sessions lets nobody in, by session and kind."""
    rows = read.session.execute(
        select(CoverageRow.session_id, CoverageRow.source_kind, func.sum(CoverageRow.amount_cents))
        .where(CoverageRow.session_id.in_(session_ids), CoverageRow.source_kind.in_(LETS_NOBODY_IN))
        .group_by(CoverageRow.session_id, CoverageRow.source_kind)
    )
    return {(session_id, kind): Money(int(cents)) for session_id, kind, cents in rows}


def covered_by(read: Read, session_id: str, source_kind: str, source_id: str) -> Money:
    """How much of a session one source covers now."""
    named = (source_kind, source_id)
    return next(
        (
            part.amount
            for part in coverage_of(read, session_id)
            if (part.source_kind, part.source_id) == named
        ),
        Money(0),
    )


def visit_covered_by(read: Read, source_kind: str, source_id: str) -> str:
    """The visit that a source covers, or covered once; of one that covers a single visit."""
    return read.session.scalars(
        select(CoverageMoveRow.session_id)
        .where(CoverageMoveRow.source_kind == source_kind, CoverageMoveRow.source_id == source_id)
        .distinct()
    ).one()


def cover_among(read: Read, session_ids: Collection[str]) -> Sequence[tuple[str, Coverage]]:
    """What covers sessions, source by source, with the session of each."""
    rows = read.session.execute(
        select(
            CoverageRow.session_id, CoverageRow.source_kind, CoverageRow.source_id, CoverageRow.amount_cents
        ).where(CoverageRow.session_id.in_(session_ids), CoverageRow.amount_cents > 0)
    )
    return [
        (session_id, Coverage(source_kind=kind, source_id=of, amount=Money(cents)))
        for session_id, kind, of, cents in rows
    ]


def had_covered_missed(read: Read, missed: Session, source_kinds: Collection[str]) -> Sequence[str]:
    """The ids of the sources of these kinds that covered a visit when its day was missed, or had before.

    What came later, to a visit that moved on, is of its new day.
    """
    missed_at = select(func.min(StateChange.at)).where(
        StateChange.subject_id == missed.id, StateChange.after == SessionState.NO_SHOW
    )
    return read.session.scalars(
        select(CoverageMoveRow.source_id)
        .where(
            CoverageMoveRow.session_id == (missed.moved_as_id or missed.id),
            CoverageMoveRow.source_kind.in_(source_kinds),
            CoverageMoveRow.moved_at <= missed_at.scalar_subquery(),
        )
        .distinct()
    ).all()


def coverage_at(read: Read, session_id: str, instant: datetime) -> tuple[Coverage, ...]:
    """What covered a session at an instant, what came at that very instant included."""
    rows = COVERED_AT.rows(read.about(CoverageMoveRow), {"session": session_id, "instant": instant})
    return tuple(Coverage(source_kind=kind, source_id=of, amount=Money(int(much))) for kind, of, much in rows)


def no_such_session() -> NoSuchSession:
    return NoSuchSession("There is no such session. Check the id.")


def plan_of(vault: Vault, row: PlanRow, sessions: Iterable[Session]) -> Plan:
    sealed = vault.open(PlanRow.__tablename__, row.id, row.sealed)
    return Plan(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        condition=sealed["condition"],
        protocol=sealed["protocol"],
        sessions=tuple(sessions),
    )


def session_of(vault: Vault, row: Any) -> Session:
    clinical = open_clinical(vault, row)
    return Session(
        id=row.id,
        plan_id=row.plan_id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        provider_id=row.provider_id,
        number=row.number,
        service=row.service,
        condition=clinical["condition"],
        planned_on=row.planned_on,
        planned_minutes=clinical["planned_minutes"],
        planned_dose_mg=_decimal_or_none(clinical["planned_dose_mg"]),
        weight_kg=_decimal_or_none(clinical["weight_kg"]),
        add_ons=clinical["add_ons"],
        state=SessionState(row.state),
        moved_as_id=row.moved_as_id,
        checked_in_at=row.checked_in_at,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        dose_mg=_decimal_or_none(clinical["dose_mg"]),
        due=None if row.due_cents is None else Money(row.due_cents),
        covered=Money(row.covered_cents),
        override_reason=clinical["override_reason"],
    )


def open_clinical(vault: Vault, row: Any) -> dict[str, Any]:
    return vault.open(SessionRow.__tablename__, row.id, row.sealed)


def seal_clinical(vault: Vault, session_id: str, clinical: dict[str, Any]) -> bytes:
    """Decimals are sealed as text, so that they come back as they were."""
    told = {name: str(value) if isinstance(value, Decimal) else value for name, value in clinical.items()}
    return vault.seal(SessionRow.__tablename__, session_id, told)


def _sessions(read: Read, query: Select[SessionRow]) -> tuple[Session, ...]:
    return tuple(session_of(read.vault, row) for row in read.session.scalars(query))


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
