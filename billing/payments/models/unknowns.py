"""When operations without an outcome are looked up again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class OutcomeLookRow(Base):
    """`subject_id` is a checkout, refund or answer that was looked up; it may have an outcome by now."""

    __tablename__ = "outcome_look"

    subject_id: Mapped[Id] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
