"""What patients chose once for all of their insurers' money."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class StandingChoiceRow(Base):
    """One row a patient; without an election they are asked each time. The trail keeps what stood before."""

    __tablename__ = "standing_choice"

    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    election: Mapped[str | None] = mapped_column(String(10))
    changed_at: Mapped[datetime]
