"""What the processor paid out to the bank."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class PayoutRow(Base):
    """`matched_cents` is the sum of its lines, NULL until the processor has told them all."""

    __tablename__ = "payout"
    __table_args__ = (CheckConstraint("amount_cents <> 0", name="of_something"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    amount_cents: Mapped[int]
    arrives_on: Mapped[date]
    is_automatic: Mapped[bool]
    matched_cents: Mapped[int | None]


class PayoutLineRow(Base):
    """One movement of the processor's balance that a payout took to the bank, net of its fee."""

    __tablename__ = "payout_line"

    id: Mapped[Id] = mapped_column(primary_key=True)
    payout_id: Mapped[Id] = mapped_column(ForeignKey("payout.id"), index=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    source: Mapped[str | None] = mapped_column(String(255))
    reporting_category: Mapped[str] = mapped_column(String(60))
    net_cents: Mapped[int]
