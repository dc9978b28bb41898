"""Cash and checks that were taken to the bank. Triggers of the migrations keep both tables as they are."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class BankDepositRow(Base):
    """`float_cents` of the amount is the site's change; below zero, what was missing in its drawers."""

    __tablename__ = "bank_deposit"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id] = mapped_column(index=True)
    amount_cents: Mapped[int]
    float_cents: Mapped[int] = mapped_column(server_default="0")
    banked_on: Mapped[date]
    banked_at: Mapped[datetime]


class BankDepositItemRow(Base):
    """A payment is banked once. One booked again for another patient has its item beside the first.

    `from_drawer_id` is the drawer that it was taken out of before the drawer was counted.
    """

    __tablename__ = "bank_deposit_item"

    payment_id: Mapped[Id] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    deposit_id: Mapped[Id] = mapped_column(ForeignKey("bank_deposit.id"), index=True)
    from_drawer_id: Mapped[str | None] = mapped_column(String(40), index=True)
