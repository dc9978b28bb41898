"""Credit whose owner shows no sign."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class DormantCreditRow(Base):
    __tablename__ = "dormant_credit"
    __table_args__ = (
        UniqueConstraint("lot_id", "dormant_on"),
        CheckConstraint("amount_cents > 0", name="positive"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"))
    us_state: Mapped[str] = mapped_column(String(2))
    dormant_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10))
    listed_at: Mapped[datetime]
    letter_on: Mapped[date | None]
    amount_cents: Mapped[int | None]
    set_aside_on: Mapped[date | None]
    remitted_on: Mapped[date | None]
    reference: Mapped[str | None] = mapped_column(String(60))
    claimed_on: Mapped[date | None]
