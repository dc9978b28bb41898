"""Tables of attempts to pay, and of links to pay by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

STANDS = "state IN ('created', 'open', 'processing')"
ANY = text(STANDS)
OF_PATIENT, OF_PAYER = text(f"{STANDS} AND share_id IS NULL"), text(f"{STANDS} AND share_id IS NOT NULL")

POSITIVE = "amount_cents > 0 OR (amount_cents = 0 AND reference IS NULL)"
"""Credit may have covered all; then the processor was not asked."""

ONE_PURPOSE = "(invoice_id IS NULL) <> (deposit_request_id IS NULL)"


class CheckoutRow(Base):
    """`share_id` is what another payer takes of the invoice, when that is to be paid.

    What is paid is an invoice or a deposit that was asked for, never both.
    """

    __tablename__ = "checkout"
    __table_args__ = (
        Index(
            "uq_checkout_standing",
            "invoice_id",
            unique=True,
            sqlite_where=OF_PATIENT,
            postgresql_where=OF_PATIENT,
        ),
        Index(
            "uq_checkout_standing_share",
            "share_id",
            unique=True,
            sqlite_where=OF_PAYER,
            postgresql_where=OF_PAYER,
        ),
        Index(
            "uq_checkout_standing_deposit",
            "deposit_request_id",
            unique=True,
            sqlite_where=ANY,
            postgresql_where=ANY,
        ),
        CheckConstraint(POSITIVE, name="positive"),
        CheckConstraint(ONE_PURPOSE, name="one_purpose"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("invoice.id"))
    deposit_request_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("deposit_request.id"))
    share_id: Mapped[str | None] = mapped_column(String(40), index=True)
    patient_id: Mapped[Id] = mapped_column(index=True)
    way: Mapped[str] = mapped_column(String(10))
    reader_id: Mapped[str | None] = mapped_column(String(80))
    saved_method_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("saved_method.id"), index=True)
    consent_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("consent.id"))
    descriptor: Mapped[str | None] = mapped_column(String(22))
    decline: Mapped[str | None] = mapped_column(String(60))
    amount_cents: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), index=True)
    reference: Mapped[str | None] = mapped_column(String(255), unique=True)
    url: Mapped[str | None] = mapped_column(String(2_000))
    return_url: Mapped[str] = mapped_column(String(2_000))
    is_health_account: Mapped[bool]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    request_key: Mapped[str | None] = mapped_column(String(300), unique=True)
    request_sha256: Mapped[str | None] = mapped_column(String(64))


class PayLinkRow(Base):
    __tablename__ = "pay_link"
    __table_args__ = (CheckConstraint(ONE_PURPOSE, name="one_purpose"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    invoice_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("invoice.id"), index=True)
    deposit_request_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("deposit_request.id"))
    share_id: Mapped[str | None] = mapped_column(String(40), index=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[Id]
    expires_at: Mapped[datetime]
