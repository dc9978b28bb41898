"""Tables of patients. What is personal is sealed; ids, dates of effect and numbers are plain."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class PatientRow(Base):
    """`sealed` holds the fields of records.Person."""

    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("entity_id", "number"),
        CheckConstraint("number >= 1", name="numbers_count_from_one"),
        CheckConstraint("version >= 1", name="versions_count_from_one"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id] = mapped_column(index=True)
    number: Mapped[int]
    version: Mapped[int]
    added_at: Mapped[datetime]
    sealed: Mapped[bytes]


class PatientLookup(Base):
    """What a patient can be found by: keyed fingerprints of name beginnings, birth date and phone."""

    __tablename__ = "patient_lookup"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), primary_key=True, index=True)


class PolicyRow(Base):
    """`sealed` holds the fields of records.PolicyTerms."""

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on >= effective_from", name="policy_ends_after_it_begins"),
        Index("ix_policy_in_force", "patient_id", "effective_from"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"))
    effective_from: Mapped[date]
    ends_on: Mapped[date | None]
    added_at: Mapped[datetime]
    sealed: Mapped[bytes]


class EligibilityRow(Base):
    """`sealed` holds the fields of records.Evidence."""

    __tablename__ = "eligibility"
    __table_args__ = (
        CheckConstraint("expires_on IS NULL OR expires_on > verified_on", name="right_lasts_a_while"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    verified_on: Mapped[date]
    expires_on: Mapped[date | None]
    added_at: Mapped[datetime]
    sealed: Mapped[bytes]


class PlanLimitsRow(Base):
    """`sealed` holds the fields of records.PlanLimits; the latest row of a patient is what holds."""

    __tablename__ = "plan_limits"

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[Id]
    sealed: Mapped[bytes]


class AccountHoldRow(Base):
    """`sealed` holds the fields of records.HoldTerms, and once it is lifted `why_lifted`."""

    __tablename__ = "account_hold"
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="who_lifts_says_when"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    effective_from: Mapped[date]
    placed_at: Mapped[datetime]
    placed_by: Mapped[Id]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[Id | None]
    sealed: Mapped[bytes]
