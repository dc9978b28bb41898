"""Money that a payer demands back. Counters that guard money have a CHECK behind them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class TakebackRow(Base):
    """Of `amount_cents`, `excess_cents` was never the patient's, and `unspent_cents` still their credit.

    They may owe the rest. Of that, later claims of the visit paid `covered_cents`, invoices owe
    `billed_cents` again, and the clinic bears `forgiven_cents`.
    The payer has got `returned_cents` by now.
    """

    __tablename__ = "takeback"
    __table_args__ = (
        UniqueConstraint("entity_id", "demand"),
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint(
            "excess_cents >= 0 AND unspent_cents >= 0 AND covered_cents >= 0 AND billed_cents >= 0 "
            "AND forgiven_cents >= 0",
            name="nothing_below_zero",
        ),
        CheckConstraint(
            "excess_cents + unspent_cents + covered_cents + billed_cents + forgiven_cents <= amount_cents",
            name="shared_within",
        ),
        CheckConstraint("returned_cents BETWEEN 0 AND amount_cents", name="returned_within"),
        CheckConstraint(
            "(forgiven_by_person IS NULL) = (forgiven_at IS NULL)", name="who_forgives_says_when"
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[Id] = mapped_column(index=True)
    reimbursement_id: Mapped[Id] = mapped_column(index=True)
    demand: Mapped[str] = mapped_column(String(60))
    amount_cents: Mapped[int]
    excess_cents: Mapped[int]
    unspent_cents: Mapped[int]
    covered_cents: Mapped[int]
    billed_cents: Mapped[int]
    forgiven_cents: Mapped[int]
    returned_cents: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    demanded_on: Mapped[date]
    demanded_at: Mapped[datetime]
    demanded_by_person: Mapped[Id]
    forgiven_by_person: Mapped[str | None] = mapped_column(String(40))
    forgiven_at: Mapped[datetime | None]


class UncountedGiftRow(Base):
    """A demand that was forgiven before gifts of one day counted together; the database takes no more."""

    __tablename__ = "uncounted_gift"

    takeback_id: Mapped[Id] = mapped_column(ForeignKey("takeback.id"), primary_key=True)


class TakebackReturnRow(Base):
    """Money that the payer got back: `source_id` is the reimbursement it was withheld from, if it was.

    `returned_by_person` sent it; rows from before it was kept do not say who.
    """

    __tablename__ = "takeback_return"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        UniqueConstraint("takeback_id", "source_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    takeback_id: Mapped[Id] = mapped_column(ForeignKey("takeback.id"))
    source_id: Mapped[str | None] = mapped_column(String(40))
    amount_cents: Mapped[int]
    returned_on: Mapped[date]
    returned_at: Mapped[datetime]
    returned_by_person: Mapped[str | None] = mapped_column(String(40))
