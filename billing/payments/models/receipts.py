"""What was issued to payers. What a receipt says is frozen elsewhere; here is what it is found by."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class ReceiptRow(Base):
    """Of one payment received or of one refund sent; a refund's names the receipt of what was paid."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("entity_id", "number"),
        CheckConstraint("(payment_id IS NULL) <> (refund_id IS NULL)", name="of_one_thing"),
        CheckConstraint("amount_cents > 0", name="positive"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    number: Mapped[str] = mapped_column(String(20))
    payment_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"), unique=True)
    refund_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("refund.id"), unique=True)
    refers_to_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("receipt.id"), index=True)
    amount_cents: Mapped[int]
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    issued_on: Mapped[date]
    issued_at: Mapped[datetime]
