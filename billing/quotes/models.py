"""The quote: what lists and other rooms need in columns, all else in its frozen document."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class QuoteRow(Base):
    """Written once. What was asked (which tells of health) and the explanation are in the document."""

    __tablename__ = "quote"
    __table_args__ = (
        CheckConstraint(
            "list_cents - package_cents - discount_cents = total_cents", name="reductions_lead_to_the_total"
        ),
        CheckConstraint("total_cents >= 0", name="total_is_never_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id] = mapped_column(ForeignKey("entity.id"), index=True)
    site_id: Mapped[Id] = mapped_column(ForeignKey("site.id"))
    patient_id: Mapped[Id | None] = mapped_column(ForeignKey("patient.id"), index=True)
    plan_id: Mapped[Id | None] = mapped_column(ForeignKey("treatment_plan.id"), index=True)
    schedule_id: Mapped[Id] = mapped_column(ForeignKey("fee_schedule.id"))
    schedule_code: Mapped[str] = mapped_column(String(40))
    is_sample: Mapped[bool]
    quoted_on: Mapped[date]
    list_cents: Mapped[int]
    package_cents: Mapped[int]
    discount_cents: Mapped[int]
    total_cents: Mapped[int]
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    issued_by: Mapped[Id]
    issued_at: Mapped[datetime]
