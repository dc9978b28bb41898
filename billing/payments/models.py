"""Tables. Counters that guard money have a CHECK behind them; what must happen once is unique."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

STANDING = text("state IN ('created', 'open')")


class CheckoutRow(Base):
    __tablename__ = "checkout"
    __table_args__ = (
        Index(
            "uq_checkout_standing",
            "invoice_id",
            unique=True,
            sqlite_where=STANDING,
            postgresql_where=STANDING,
        ),
        CheckConstraint("amount_cents > 0", name="positive"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"))
    patient_id: Mapped[Id]
    amount_cents: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), index=True)
    reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    url: Mapped[str | None] = mapped_column(String(2_000))
    return_url: Mapped[str] = mapped_column(String(2_000))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    request_key: Mapped[str | None] = mapped_column(String(300), unique=True)
    request_sha256: Mapped[str | None] = mapped_column(String(64))


class PaymentRow(Base):
    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="refunded_within"),
        CheckConstraint("fee_cents >= 0", name="fee_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"), index=True)
    checkout_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("checkout.id"), unique=True)
    tender: Mapped[str] = mapped_column(String(10))
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    refunded_cents: Mapped[int]
    charge_reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    received_on: Mapped[date]
    received_at: Mapped[datetime]


class CreditLotRow(Base):
    __tablename__ = "credit_lot"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("available_cents BETWEEN 0 AND amount_cents", name="never_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[Id]
    session_id: Mapped[str | None] = mapped_column(String(40), index=True)
    amount_cents: Mapped[int]
    available_cents: Mapped[int]
    election: Mapped[str | None] = mapped_column(String(10))
    elected_at: Mapped[datetime | None]
    held_on: Mapped[date]


class CreditApplicationRow(Base):
    __tablename__ = "credit_application"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"), index=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_cents: Mapped[int]
    applied_on: Mapped[date]
    applied_at: Mapped[datetime]


class RefundRow(Base):
    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        UniqueConstraint("entity_id", "method", "reference"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"), index=True)
    payment_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"), index=True)
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


class WebhookEventRow(Base):
    """What the processor told us, as it came; kept before it is acknowledged."""

    __tablename__ = "webhook_event"

    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str] = mapped_column(String(255))
    sealed: Mapped[bytes]
    received_at: Mapped[datetime]


class PayLinkRow(Base):
    __tablename__ = "pay_link"

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[Id]
    expires_at: Mapped[datetime]
