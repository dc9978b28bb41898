"""What insurers paid above what was the patient's. Counters that guard money have a CHECK behind them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class ReimbursementExcessRow(Base):
    """Of one claim, whose id it has: owed to the payer, but for `shared_cents`, the patient's by now.

    The payer asked for `demanded_cents` of it, which nobody else gets.
    """

    __tablename__ = "reimbursement_excess"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("shared_cents >= 0 AND demanded_cents >= 0", name="nothing_below_zero"),
        CheckConstraint("shared_cents + demanded_cents <= amount_cents", name="shared_within"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"))
    session_id: Mapped[Id] = mapped_column(index=True)
    amount_cents: Mapped[int]
    shared_cents: Mapped[int]
    demanded_cents: Mapped[int]


class ExcessShareRow(Base):
    """What of it became the patient's credit when money of theirs had come back on the visit."""

    __tablename__ = "excess_share"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    excess_id: Mapped[Id] = mapped_column(ForeignKey("reimbursement_excess.id"), index=True)
    amount_cents: Mapped[int]
    shared_on: Mapped[date]
    shared_at: Mapped[datetime]
