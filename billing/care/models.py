"""Tables of plans, sessions and their cover. Conditions, minutes, doses and weights are sealed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class PlanRow(Base):
    """`sealed` holds the condition and the protocol."""

    __tablename__ = "treatment_plan"

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    planned_at: Mapped[datetime]
    sealed: Mapped[bytes]


class SessionRow(Base):
    """`covered_cents` counts the cover of all sources; it never passes `due_cents`, None until priced.

    `moved_as_id`: this day was missed, and the visit moved to another, as which it stands. `sealed` holds the
    clinical part: condition, minutes, doses, weight, add-ons, a reason for an override.
    """

    __tablename__ = "treatment_session"
    __table_args__ = (
        UniqueConstraint("plan_id", "number"),
        CheckConstraint("due_cents >= 0", name="due_is_never_negative"),
        CheckConstraint(
            "covered_cents >= 0 AND covered_cents <= COALESCE(due_cents, 0)",
            name="cover_stays_between_nothing_and_due",
        ),
        CheckConstraint("stopped_at > started_at", name="stop_comes_after_start"),
        Index("ix_treatment_session_day", "site_id", "planned_on"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    plan_id: Mapped[Id] = mapped_column(ForeignKey("treatment_plan.id"))
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    provider_id: Mapped[Id | None]
    number: Mapped[int]
    service: Mapped[str] = mapped_column(String(40))
    planned_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(20))
    moved_as_id: Mapped[str | None] = mapped_column(String(40))
    checked_in_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    due_cents: Mapped[int | None]
    covered_cents: Mapped[int]
    sealed: Mapped[bytes]


class CoverageMoveRow(Base):
    """How cover came and went: the sum of a source's moves is what it covers, now and at any instant."""

    __tablename__ = "coverage_move"
    __table_args__ = (CheckConstraint("cents <> 0", name="moves_something"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    session_id: Mapped[Id] = mapped_column(ForeignKey("treatment_session.id"), index=True)
    source_kind: Mapped[str] = mapped_column(String(30))
    source_id: Mapped[Id]
    cents: Mapped[int]
    moved_at: Mapped[datetime]


class CoverageRow(Base):
    """What one source covers of one session; nothing is left as 0, so that the pair is never made twice."""

    __tablename__ = "session_coverage"
    __table_args__ = (CheckConstraint("amount_cents >= 0", name="cover_is_never_negative"),)

    session_id: Mapped[Id] = mapped_column(ForeignKey("treatment_session.id"), primary_key=True)
    source_kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    source_id: Mapped[Id] = mapped_column(primary_key=True)
    amount_cents: Mapped[int]


class SessionChartRow(Base):
    """A version of what the clinician recorded of a session; rows are never changed.

    `sealed` holds what was done, and why what was signed before was amended.
    """

    __tablename__ = "session_chart"
    __table_args__ = (
        UniqueConstraint("session_id", "version"),
        CheckConstraint("version >= 1", name="versions_from_one"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    session_id: Mapped[Id] = mapped_column(ForeignKey("treatment_session.id"))
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    version: Mapped[int]
    is_signed: Mapped[bool]
    written_by: Mapped[Id]
    written_at: Mapped[datetime]
    sealed: Mapped[bytes]
