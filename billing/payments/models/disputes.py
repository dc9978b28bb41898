"""Payments that a bank takes back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class DisputeRow(Base):
    """`reimbursed_cents` is what insurers had given the patient for what it took, when it was lost."""

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("lost_cents BETWEEN 0 AND amount_cents", name="lost_within"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    payment_id: Mapped[Id] = mapped_column(ForeignKey("payment.id"), index=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(60))
    amount_cents: Mapped[int]
    lost_cents: Mapped[int]
    reimbursed_cents: Mapped[int]
    due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]


class DisputeMovementRow(Base):
    """What one movement of the processor's balance took (negative) or gave back, and its fee.

    `made_good_cents` of what came back after the loss is the clinic's, which had paid it twice.
    """

    __tablename__ = "dispute_movement"

    id: Mapped[Id] = mapped_column(primary_key=True)
    dispute_id: Mapped[Id] = mapped_column(ForeignKey("dispute.id"), index=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    reporting_category: Mapped[str] = mapped_column(String(60))
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    made_good_cents: Mapped[int]
    moved_at: Mapped[datetime]
