"""Answers to disputes. What an evidence packet says is frozen elsewhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

SENDING = text("state = 'sending'")
APPROVED_BY_ANOTHER = (
    "NOT needs_approval OR state = 'waiting' "
    "OR (approved_by_person IS NOT NULL AND approved_by_person <> asked_by_person)"
)


class DisputeAnswerRow(Base):
    """The database refuses one that needed a second person and goes without."""

    __tablename__ = "dispute_answer"
    __table_args__ = (
        UniqueConstraint("dispute_id", "number"),
        Index(
            "uq_dispute_answer_sending",
            "dispute_id",
            unique=True,
            sqlite_where=SENDING,
            postgresql_where=SENDING,
        ),
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("(kind = 'evidence') = (document_id IS NOT NULL)", name="evidence_says_something"),
        CheckConstraint("NOT has_health_data OR needs_approval", name="health_data_is_approved"),
        CheckConstraint(APPROVED_BY_ANOTHER, name="approved_by_another"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    dispute_id: Mapped[Id] = mapped_column(ForeignKey("dispute.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), index=True)
    amount_cents: Mapped[int]
    facts: Mapped[str] = mapped_column(String(200))
    missing: Mapped[str] = mapped_column(String(200))
    left_out: Mapped[str] = mapped_column(String(200), server_default="")
    has_health_data: Mapped[bool]
    needs_approval: Mapped[bool]
    document_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("document.id"), unique=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    asked_by: Mapped[Id]
    asked_by_person: Mapped[Id]
    asked_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(40))
    approved_by_person: Mapped[str | None] = mapped_column(String(40))
    approved_at: Mapped[datetime | None]
    ordered_at: Mapped[datetime | None]
    file_reference: Mapped[str | None] = mapped_column(String(255))
    sent_at: Mapped[datetime | None]
