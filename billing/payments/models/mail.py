"""Links to receipts, and the mails that carry them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class ReceiptLinkRow(Base):
    """Opens one receipt to who has the link and knows the birth date; `tries_left` is a guarded counter."""

    __tablename__ = "receipt_link"
    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries_not_negative"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    receipt_id: Mapped[Id] = mapped_column(ForeignKey("receipt.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]


class MailRow(Base):
    """A mail of a receipt. `sealed` holds the address and the link's secret, `recipient` a fingerprint."""

    __tablename__ = "mail"
    __table_args__ = (UniqueConstraint("receipt_id", "recipient", "turn"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    receipt_id: Mapped[Id] = mapped_column(ForeignKey("receipt.id"))
    link_id: Mapped[Id] = mapped_column(ForeignKey("receipt_link.id"), unique=True)
    recipient: Mapped[str] = mapped_column(String(64))
    turn: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes]
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
