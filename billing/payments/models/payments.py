"""Money received. Counters that guard money have a CHECK behind them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

STANDS = text("state <> 'moved'")


class PaymentRow(Base):
    """One receipt of money. `refunded_cents` went back or is about to, `lost_cents` went in lost disputes.

    `payer_id` is who paid when it was not the patient, and `share_id` the part of theirs that it pays, where
    that is known; `corrects_id` is the payment that had been booked for
    the wrong patient, and `instrument` what the payer would recognise, such as `visa 4242`. `tendered_cents`
    is the cash that was handed over, where that is known, and `drawer_id` the open drawer that it fell into.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="positive"),
        CheckConstraint("refunded_cents >= 0 AND lost_cents >= 0", name="nothing_below_zero"),
        CheckConstraint("refunded_cents + lost_cents <= amount_cents", name="given_back_within"),
        Index(
            "uq_payment_charge_standing",
            "charge_reference",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
        CheckConstraint("fee_cents >= 0", name="fee_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    invoice_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("invoice.id"), index=True)
    checkout_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("checkout.id"), unique=True)
    payer_id: Mapped[str | None] = mapped_column(String(40), index=True)
    share_id: Mapped[str | None] = mapped_column(String(40), index=True)
    state: Mapped[str] = mapped_column(String(12))
    tender: Mapped[str] = mapped_column(String(12))
    instrument: Mapped[str | None] = mapped_column(String(40))
    is_health_account: Mapped[bool]
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    refunded_cents: Mapped[int]
    lost_cents: Mapped[int]
    charge_reference: Mapped[str | None] = mapped_column(String(255))
    corrects_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("payment.id"))
    drawer_id: Mapped[str | None] = mapped_column(String(40), index=True)
    tendered_cents: Mapped[int | None]
    received_on: Mapped[date]
    received_at: Mapped[datetime]
