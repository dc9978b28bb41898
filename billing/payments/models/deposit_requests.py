"""Deposits that were asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class DepositRequestRow(Base):
    __tablename__ = "deposit_request"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("handed_cents >= 0 AND handed_cents <= amount_cents", name="handed"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    amount_cents: Mapped[int]
    handed_cents: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[Id]
    asked_at: Mapped[datetime]
