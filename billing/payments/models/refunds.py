"""Money given back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class RefundRow(Base):
    """`payer_id` is whom it goes to when that is not the patient.

    `made_by_hand`: in the processor's dashboard, and then asked for here; `refused_reference` is its id there
    once a person refused to book it. Of a check: `cashed_on` is when
    the bank paid it, `voided_by_person` who said that it never will, and `replaces_id` the voided one whose
    money this is.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        UniqueConstraint("entity_id", "method", "reference"),
        Index("ix_refund_replaces_id", "replaces_id", unique=True),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"), index=True)
    payment_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"), index=True)
    payer_id: Mapped[str | None] = mapped_column(String(40), index=True)
    method: Mapped[str] = mapped_column(String(10))
    amount_cents: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), index=True)
    requested_by: Mapped[Id]
    requested_by_person: Mapped[Id]
    requested_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(40))
    approved_by_person: Mapped[str | None] = mapped_column(String(40))
    approved_at: Mapped[datetime | None]
    refunded_on: Mapped[date | None]
    reference: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(String(20))
    refused_reference: Mapped[str | None] = mapped_column(String(255), index=True)
    rejected_for: Mapped[str | None] = mapped_column(String(20))
    made_by_hand: Mapped[bool] = mapped_column(server_default=false())
    cashed_on: Mapped[date | None]
    voided_by_person: Mapped[str | None] = mapped_column(String(40))
    replaces_id: Mapped[str | None] = mapped_column(String(40))
