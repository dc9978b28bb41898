"""What the processor lists, and what of it cannot be explained. All of it is only ever added to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class MovementRow(Base):
    """A balance transaction of the processor. It has one account for all entities, so this is of none."""

    __tablename__ = "processor_movement"

    id: Mapped[Id] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    object_id: Mapped[str] = mapped_column(String(255), index=True)
    source: Mapped[str | None] = mapped_column(String(255))
    reporting_category: Mapped[str] = mapped_column(String(60))
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    charge: Mapped[str | None] = mapped_column(String(255))
    operation: Mapped[str | None] = mapped_column(String(40), index=True)
    moved_at: Mapped[datetime]


class NamedExceptionRow(Base):
    """`occurrence` counts how often the same thing was seen again after it had been resolved."""

    __tablename__ = "named_exception"
    __table_args__ = (
        UniqueConstraint("kind", "object_id", "occurrence"),
        Index(None, "entity_id", "site_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(255))
    occurrence: Mapped[int]
    cents: Mapped[int]
    first_seen_at: Mapped[datetime]


class ExceptionEndRow(Base):
    """Its exception was not there any more."""

    __tablename__ = "named_exception_end"

    exception_id: Mapped[Id] = mapped_column(ForeignKey("named_exception.id"), primary_key=True)
    resolved_at: Mapped[datetime]


class ExceptionBookingRow(Base):
    """What a person found it to be; `moved_cents` is the sum of the debits of its entry."""

    __tablename__ = "named_exception_booking"

    exception_id: Mapped[Id] = mapped_column(ForeignKey("named_exception.id"), primary_key=True)
    moved_cents: Mapped[int]
    booked_by: Mapped[Id]
    booked_at: Mapped[datetime]


class ReconciliationRow(Base):
    """One time that the processor was held against the books, to the end."""

    __tablename__ = "reconciliation"

    id: Mapped[Id] = mapped_column(primary_key=True)
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    balance_cents: Mapped[int]
    clearing_cents: Mapped[int]
    under_way_cents: Mapped[int]
    named_cents: Mapped[int]
    done_at: Mapped[datetime]
