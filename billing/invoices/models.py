"""Tables. An invoice's lines are frozen when it is issued; its balance is a guarded counter."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class InvoiceRow(Base):
    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("entity_id", "number"),
        CheckConstraint("open_cents BETWEEN 0 AND total_cents", name="open_within_total"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[int]
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    quote_id: Mapped[Id] = mapped_column(ForeignKey("quote.id"))
    reprices_id: Mapped[str | None] = mapped_column(String(40), index=True, unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), index=True)
    total_cents: Mapped[int]
    open_cents: Mapped[int]
    issued_on: Mapped[date]
    issued_at: Mapped[datetime]
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    void_reason: Mapped[bytes | None]


class InvoiceLineRow(Base):
    __tablename__ = "invoice_line"
    __table_args__ = (
        UniqueConstraint("invoice_id", "place"),
        CheckConstraint("charge_cents - discount_cents = net_cents", name="net"),
        CheckConstraint("net_cents >= 0", name="net_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"))
    place: Mapped[int] = mapped_column(SmallInteger)
    session_id: Mapped[Id] = mapped_column(index=True)
    service: Mapped[str] = mapped_column(String(30))
    service_on: Mapped[date]
    charge_cents: Mapped[int]
    discount_cents: Mapped[int]
    net_cents: Mapped[int]


class InvoicedSession(Base):
    """A session stands on one invoice at a time; voiding the invoice or returning the item frees it."""

    __tablename__ = "invoiced_session"

    session_id: Mapped[Id] = mapped_column(primary_key=True)
    line_id: Mapped[Id] = mapped_column(ForeignKey("invoice_line.id"), unique=True)


class TenderRow(Base):
    """What a payment, credit or insurer's money settled of an invoice."""

    __tablename__ = "invoice_tender"
    __table_args__ = (
        UniqueConstraint("invoice_id", "source_kind", "source_id"),
        CheckConstraint("cents > 0", name="positive"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"))
    source_kind: Mapped[str] = mapped_column(String(30))
    source_id: Mapped[Id] = mapped_column(index=True)
    cents: Mapped[int]
    applied_at: Mapped[datetime]


class TenderReversalRow(Base):
    """What a tender no longer settles of an invoice: it bounced, or its money went elsewhere."""

    __tablename__ = "invoice_tender_reversal"
    __table_args__ = (
        CheckConstraint("cents > 0", name="positive"),
        Index("ix_invoice_tender_reversal_of", "invoice_id", "source_kind", "source_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"))
    source_kind: Mapped[str] = mapped_column(String(30))
    source_id: Mapped[Id]
    cents: Mapped[int]
    reversed_at: Mapped[datetime]


class ReturnRow(Base):
    """An invoiced session that was called off: its price, and what of it had been paid.

    What had been refunded of its price before is in neither.
    """

    __tablename__ = "invoice_return"
    __table_args__ = (CheckConstraint("freed_cents BETWEEN 0 AND cents", name="freed_within"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"))
    line_id: Mapped[Id] = mapped_column(ForeignKey("invoice_line.id"), unique=True)
    cents: Mapped[int]
    freed_cents: Mapped[int]
    returned_at: Mapped[datetime]


class ReturnPartRow(Base):
    """What one source had covered of a returned item."""

    __tablename__ = "invoice_return_part"
    __table_args__ = (CheckConstraint("cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    return_id: Mapped[Id] = mapped_column(ForeignKey("invoice_return.id"), index=True)
    source_kind: Mapped[str] = mapped_column(String(30))
    source_id: Mapped[Id]
    cents: Mapped[int]


class PayerRow(Base):
    """Who pays for others. `sealed` holds the name and how to reach them."""

    __tablename__ = "payer"

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(20))
    added_at: Mapped[datetime]
    sealed: Mapped[bytes]


class PayerShareRow(Base):
    """A payer's part of an invoice, a tender of it. `sealed` holds the authorization's number, if any.

    What was neither paid nor is open any more was returned or ended.
    """

    __tablename__ = "payer_share"
    __table_args__ = (
        CheckConstraint("agreed_cents > 0", name="positive"),
        CheckConstraint("open_cents >= 0 AND paid_cents >= 0", name="nothing_below_zero"),
        CheckConstraint("open_cents + paid_cents <= agreed_cents", name="within_what_was_agreed"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    invoice_id: Mapped[Id] = mapped_column(ForeignKey("invoice.id"), index=True)
    payer_id: Mapped[Id] = mapped_column(ForeignKey("payer.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    agreed_cents: Mapped[int]
    paid_cents: Mapped[int]
    open_cents: Mapped[int]
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]
    agreed_on: Mapped[date]
    agreed_at: Mapped[datetime]
    denied_at: Mapped[datetime | None]
    ending: Mapped[str | None] = mapped_column(String(20))
    borne_by: Mapped[str | None] = mapped_column(String(10))
    asked_by_person: Mapped[str | None] = mapped_column(String(40))
    ended_by_person: Mapped[str | None] = mapped_column(String(40))
    sealed: Mapped[bytes | None]
