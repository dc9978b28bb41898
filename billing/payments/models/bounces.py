"""Checks that a bank did not pay."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class BounceRow(Base):
    """A check bounces once. Of its amount, `owed_cents` is owed on invoices again; the rest was credit."""

    __tablename__ = "bounce"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("owed_cents BETWEEN 0 AND amount_cents", name="owed_within"),
        CheckConstraint("fee_cents >= 0", name="fee_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"))
    payment_id: Mapped[Id] = mapped_column(ForeignKey("payment.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(20))
    amount_cents: Mapped[int]
    owed_cents: Mapped[int]
    fee_cents: Mapped[int]
    bounced_on: Mapped[date]
    recorded_at: Mapped[datetime]
