"""Tables. Triggers of the migrations say the rest: an entry balances and is never changed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class EntryRow(Base):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("source_kind", "source_id", "purpose"),
        CheckConstraint("line_count >= 2", name="two_lines"),
        Index("ix_ledger_entry_period", "entity_id", "period"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    posted_at: Mapped[datetime]
    effective_on: Mapped[date]
    period: Mapped[str] = mapped_column(String(7))
    source_kind: Mapped[str] = mapped_column(String(30))
    source_id: Mapped[Id]
    purpose: Mapped[str] = mapped_column(String(30))
    reverses_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("ledger_entry.id"), unique=True)
    actor_id: Mapped[Id]
    line_count: Mapped[int] = mapped_column(SmallInteger)


class LineRow(Base):
    """On SQLite written before its entry, which is why the foreign key waits for the end of the transaction.

    On PostgreSQL one statement writes an entry and its lines, and its trigger does what the key does here.
    """

    __tablename__ = "ledger_line"
    __table_args__ = (
        CheckConstraint("cents <> 0", name="carries_an_amount"),
        Index("ix_ledger_line_balance", "account", "patient_id"),
    )

    entry_id: Mapped[Id] = mapped_column(
        ForeignKey("ledger_entry.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account: Mapped[str] = mapped_column(String(10))
    cents: Mapped[int]
    patient_id: Mapped[str | None] = mapped_column(String(40))
