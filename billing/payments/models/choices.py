"""What patients chose once for all of their insurers' money, and the letters that ask them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class StandingChoiceRow(Base):
    """One row a patient; without an election they are asked each time. The trail keeps what stood before."""

    __tablename__ = "standing_choice"

    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    election: Mapped[str | None] = mapped_column(String(10))
    changed_at: Mapped[datetime]


class ChoiceLetterRow(Base):
    """Asks a patient to choose. Until its mail leaves, `sealed` holds the address and the secret of a link,
    which opens to who knows the birth date; `tries_left` is a guarded counter. On paper, the document is what
    was posted.
    """

    __tablename__ = "choice_letter"
    __table_args__ = (
        CheckConstraint("tries_left >= 0", name="tries_not_negative"),
        Index("ix_choice_letter_state", "state"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    fingerprint: Mapped[str | None] = mapped_column(String(64), unique=True)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None]
    sealed: Mapped[bytes | None]
    document_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("document.id"))
    sha256: Mapped[str | None] = mapped_column(String(64))
    written_on: Mapped[date]
    written_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class LetteredCreditRow(Base):
    """A credit that a letter is about: at most one letter of each kind."""

    __tablename__ = "choice_letter_credit"

    lot_id: Mapped[Id] = mapped_column(ForeignKey("credit_lot.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    letter_id: Mapped[Id] = mapped_column(ForeignKey("choice_letter.id"), index=True)
