"""Money held for a patient. Counters that guard money have a CHECK behind them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

HELD = text("available_cents > 0")


class CreditLotRow(Base):
    """`origin_payment_id` brought the money, `payer_id` owns it when that is not the patient."""

    __tablename__ = "credit_lot"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("available_cents BETWEEN 0 AND amount_cents", name="never_negative"),
        Index("ix_credit_lot_held", "held_on", sqlite_where=HELD, postgresql_where=HELD),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[Id]
    session_id: Mapped[str | None] = mapped_column(String(40), index=True)
    origin_payment_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"), index=True)
    payer_id: Mapped[str | None] = mapped_column(String(40), index=True)
    amount_cents: Mapped[int]
    available_cents: Mapped[int]
    election: Mapped[str | None] = mapped_column(String(10))
    elected_at: Mapped[datetime | None]
    elected_by: Mapped[str | None] = mapped_column(String(10))
    held_on: Mapped[date]
    reopened_on: Mapped[date | None]


class CreditApplicationRow(Base):
    """`checkout_id` is the attempt to pay by card for which it came off, and which it falls with."""

    __tablename__ = "credit_application"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"), index=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_cents: Mapped[int]
    checkout_id: Mapped[str | None] = mapped_column(String(40), index=True)
    applied_on: Mapped[date]
    applied_at: Mapped[datetime]


class CreditWithdrawalRow(Base):
    """What left a credit otherwise than for an invoice or a refund; `subject_id` is why.

    `withdrawn_on` is the site's day, which rows from before it was kept do not have.
    """

    __tablename__ = "credit_withdrawal"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        UniqueConstraint("lot_id", "reason", "subject_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"))
    reason: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[Id] = mapped_column(index=True)
    amount_cents: Mapped[int]
    withdrawn_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime]


class CreditReversalRow(Base):
    """Credit that came off an invoice again, and is held once more."""

    __tablename__ = "credit_reversal"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    application_id: Mapped[Id] = mapped_column(ForeignKey("credit_application.id"), index=True)
    amount_cents: Mapped[int]
    reversed_on: Mapped[date]
    reversed_at: Mapped[datetime]
