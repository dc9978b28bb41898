"""Deposits that were asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class DepositRequestRow(Base):
    """`handed_cents` is what of it came and stands, as its payments say."""

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


class DepositPaymentRow(Base):
    """What of a payment was for a deposit that was asked for; all of one by card.

    Without `payment_id` it does not bounce: of the time before, when nobody recorded which payment it was, or
    of a check that bounced after its money was spent, so that an invoice owes it instead.
    """

    __tablename__ = "deposit_payment"
    __table_args__ = (
        UniqueConstraint("payment_id", "deposit_request_id"),
        CheckConstraint("amount_cents > 0", name="positive"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    deposit_request_id: Mapped[Id] = mapped_column(ForeignKey("deposit_request.id"), index=True)
    payment_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"))
    amount_cents: Mapped[int]
