"""Tables of the clinic: who it is, what it treats, what it charges. No health data."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

Listed = Annotated[list[Any], mapped_column(JSON().with_variant(JSONB(), "postgresql"))]
Code = Annotated[str, mapped_column(String(40))]
Words = Annotated[str, mapped_column(String(200))]
Owner = Annotated[str, mapped_column(String(40), ForeignKey("entity.id"))]


class EntityRow(Base):
    """`address` holds the fields of records.Address."""

    __tablename__ = "entity"

    id: Mapped[Id] = mapped_column(primary_key=True)
    slug: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Words]
    trade_name: Mapped[Words]
    statement_descriptor: Mapped[str | None] = mapped_column(String(22))
    mail_name: Mapped[str | None] = mapped_column(String(60))
    tin: Mapped[str] = mapped_column(String(10))
    npi: Mapped[str] = mapped_column(String(10))
    taxonomy: Mapped[str] = mapped_column(String(10))
    timezone: Mapped[str] = mapped_column(String(60))
    address: Mapped[dict[str, Any]]
    phone: Mapped[str] = mapped_column(String(25))
    clearinghouse_name: Mapped[str | None] = mapped_column(String(60))
    clearinghouse_id: Mapped[str | None] = mapped_column(String(15))
    submitter_id: Mapped[str | None] = mapped_column(String(15))


class SiteRow(Base):
    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("entity_id", "code"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Owner]
    code: Mapped[Code]
    name: Mapped[Words]
    address: Mapped[dict[str, Any]]
    phone: Mapped[str] = mapped_column(String(25))
    timezone: Mapped[str] = mapped_column(String(60))


class ProviderRow(Base):
    __tablename__ = "provider"
    __table_args__ = (UniqueConstraint("entity_id", "npi"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Owner]
    name: Mapped[Words]
    credentials: Mapped[Words]
    npi: Mapped[str] = mapped_column(String(10))
    license_number: Mapped[Words]
    license_state: Mapped[str] = mapped_column(String(2))


class ConditionRow(Base):
    """`icd10` is a list of codes."""

    __tablename__ = "condition"

    entity_id: Mapped[Owner] = mapped_column(primary_key=True)
    slug: Mapped[Code] = mapped_column(primary_key=True)
    name: Mapped[Words]
    category: Mapped[Code]
    icd10: Mapped[Listed]


class ProtocolRow(Base):
    """`sessions` is a list of the fields of records.ProtocolSession."""

    __tablename__ = "protocol"

    entity_id: Mapped[Owner] = mapped_column(primary_key=True)
    code: Mapped[Code] = mapped_column(primary_key=True)
    name: Mapped[Words]
    category: Mapped[Code]
    sessions: Mapped[Listed]


class DrugRow(Base):
    """`mg_per_unit` is a decimal number in words, since it must stay exact."""

    __tablename__ = "drug"

    entity_id: Mapped[Owner] = mapped_column(primary_key=True)
    code: Mapped[Code] = mapped_column(primary_key=True)
    name: Mapped[Words]
    strength: Mapped[Words]
    ndc: Mapped[str] = mapped_column(String(13))
    unit: Mapped[str] = mapped_column(String(2))
    mg_per_unit: Mapped[str] = mapped_column(String(12))
    hcpcs: Mapped[str] = mapped_column(String(5))


class FeeScheduleRow(Base):
    """Published once, never changed. `body` is canonical JSON, and `sha256` its hash."""

    __tablename__ = "fee_schedule"
    __table_args__ = (
        UniqueConstraint("entity_id", "code"),
        Index("ix_fee_schedule_in_force", "entity_id", "effective_from"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Owner]
    code: Mapped[Code]
    effective_from: Mapped[date]
    body: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    published_by: Mapped[Id]
    published_at: Mapped[datetime]
