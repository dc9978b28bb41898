"""Credits, and refunds that nobody takes, whose owner shows no sign."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class DormantCreditRow(Base):
    """`subject_id` is the credit, or the refund of it that waits for a check; that one is `refund_id` too."""

    __tablename__ = "dormant_credit"
    __table_args__ = (
        UniqueConstraint("subject_id", "dormant_on"),
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("subject_id = COALESCE(refund_id, lot_id)", name="one_subject"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"))
    refund_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("refund.id"), index=True)
    subject_id: Mapped[Id]
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
