"""Links by which patients open their statements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class StatementLinkRow(Base):
    """Opens the statement for who has the link and knows the birth date; the counter is guarded."""

    __tablename__ = "statement_link"
    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries_not_negative"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]
    made_by: Mapped[Id]
