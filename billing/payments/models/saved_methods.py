"""Tables of saved cards, of what patients agreed to, and of links to save a card by."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

PENDING = text("state = 'pending'")


class ProcessorCustomerRow(Base):
    """One for each patient and legal entity. Our id is all that the processor learns."""

    __tablename__ = "processor_customer"
    __table_args__ = (UniqueConstraint("patient_id", "entity_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"))
    reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    made_at: Mapped[datetime]


class SavedMethodRow(Base):
    __tablename__ = "saved_method"
    __table_args__ = (
        Index(
            "uq_saved_method_pending",
            "patient_id",
            unique=True,
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        CheckConstraint(
            "state IN ('pending', 'abandoned') OR method_reference IS NOT NULL", name="kept_is_known"
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    customer_id: Mapped[Id] = mapped_column(ForeignKey("processor_customer.id"))
    state: Mapped[str] = mapped_column(String(10), index=True)
    method_reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    brand: Mapped[str | None] = mapped_column(String(40))
    last4: Mapped[str | None] = mapped_column(String(4))
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    blocked_for: Mapped[str | None] = mapped_column(String(60))
    page_reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    url: Mapped[str | None] = mapped_column(String(2_000))
    return_url: Mapped[str] = mapped_column(String(2_000))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    removal_asked_at: Mapped[datetime | None]


class ConsentTextRow(Base):
    """Append-only: what was agreed to can be read again, word for word."""

    __tablename__ = "consent_text"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)


class ConsentRow(Base):
    """Append-only: what was given stays, and what ends it is another row."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("(deed = 'given') = (text_sha256 IS NOT NULL)", name="given_to_a_text"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    saved_method_id: Mapped[Id] = mapped_column(ForeignKey("saved_method.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    deed: Mapped[str] = mapped_column(String(10))
    told_by: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[Id]
    signed_on: Mapped[date | None]
    text_sha256: Mapped[str | None] = mapped_column(String(64), ForeignKey("consent_text.sha256"))
    at: Mapped[datetime]


class CardLinkRow(Base):
    """`purposes` is a list of them, separated by spaces."""

    __tablename__ = "card_link"

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    purposes: Mapped[str] = mapped_column(String(100))
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[Id]
    expires_at: Mapped[datetime]
