"""Cash drawers, and a site's change. Triggers of the migrations keep a closed drawer as it is."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

IS_OPEN = text("state = 'open'")


class ChangeFundRow(Base):
    """A site's own cash for change that is in no drawer: below zero once drawers were short of takings."""

    __tablename__ = "change_fund"

    site_id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    free_cents: Mapped[int]


class CashFloatRow(Base):
    """Change that was brought from the bank. Never changed."""

    __tablename__ = "cash_float"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id] = mapped_column(ForeignKey("change_fund.site_id"), index=True)
    amount_cents: Mapped[int]
    brought_on: Mapped[date]
    brought_by: Mapped[Id]
    brought_at: Mapped[datetime]


class CashDrawerRow(Base):
    """One shift of one person. `cashier`, `counted_by` and `confirmed_by` are who answers for the deed.

    `limit_cents` is the largest difference that needed no second person when it was counted.
    """

    __tablename__ = "cash_drawer"
    __table_args__ = (
        CheckConstraint("float_cents >= 0", name="float_not_negative"),
        CheckConstraint("state = 'open' OR expected_cents IS NOT NULL", name="counted_against"),
        CheckConstraint("(state = 'closed') = (difference_cents IS NOT NULL)", name="closed_with"),
        Index(
            "uq_cash_drawer_open",
            "site_id",
            "cashier",
            unique=True,
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id] = mapped_column(ForeignKey("change_fund.site_id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    cashier: Mapped[Id] = mapped_column(index=True)
    float_cents: Mapped[int]
    opened_on: Mapped[date]
    opened_at: Mapped[datetime]
    taken_cents: Mapped[int | None]
    banked_cents: Mapped[int | None]
    expected_cents: Mapped[int | None]
    limit_cents: Mapped[int | None]
    counted_cents: Mapped[int | None]
    counted_by: Mapped[str | None] = mapped_column(String(40))
    counted_at: Mapped[datetime | None]
    confirmed_cents: Mapped[int | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(40))
    difference_cents: Mapped[int | None]
    closed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
