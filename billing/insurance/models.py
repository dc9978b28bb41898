"""Tables. What an insurer is shown is frozen elsewhere; here is what it is found and summed by."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id

PRESENT, POSTED = text("state = 'issued'"), text("state = 'posted'")


class SuperbillRow(Base):
    """A version of a session's superbill; at most one of a session is not superseded or void."""

    __tablename__ = "superbill"
    __table_args__ = (
        UniqueConstraint("entity_id", "number"),
        UniqueConstraint("session_id", "version"),
        Index(
            "uq_superbill_present", "session_id", unique=True, sqlite_where=PRESENT, postgresql_where=PRESENT
        ),
        CheckConstraint("charge_cents >= 0", name="charge_not_negative"),
        CheckConstraint("paid_cents >= 0", name="paid_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    supersedes_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("superbill.id"), unique=True)
    control_number: Mapped[str] = mapped_column(String(20), index=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    service_on: Mapped[date] = mapped_column(index=True)
    charge_cents: Mapped[int]
    paid_cents: Mapped[int]
    issued_at: Mapped[datetime]


class RemittanceFileRow(Base):
    """A file that was read to its end, known by its bytes; the bytes themselves stay with the sender."""

    __tablename__ = "remittance_file"

    id: Mapped[Id] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    received_at: Mapped[datetime]
    received_by: Mapped[Id]


class RemittanceRow(Base):
    """One ST transaction. What an entity was paid under a payer, trace, amount and date is posted once."""

    __tablename__ = "remittance"
    __table_args__ = (
        UniqueConstraint(
            "payer_id", "trace", "amount_cents", "paid_on", "content_sha256", name="uq_remittance_content"
        ),
        Index(
            "uq_remittance_posted", "entity_id", "payer_id", "trace", "amount_cents", "paid_on",
            unique=True, sqlite_where=POSTED, postgresql_where=POSTED,
        ),
    )  # fmt: skip

    id: Mapped[Id] = mapped_column(primary_key=True)
    file_id: Mapped[Id] = mapped_column(ForeignKey("remittance_file.id"))
    entity_id: Mapped[str | None] = mapped_column(String(40), index=True)
    payer_id: Mapped[str] = mapped_column(String(80))
    payer_name: Mapped[str] = mapped_column(String(80))
    trace: Mapped[str] = mapped_column(String(50))
    amount_cents: Mapped[int]
    paid_on: Mapped[date]
    content_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str | None] = mapped_column(String(500))
    received_at: Mapped[datetime]


class RemittanceClaimRow(Base):
    """What the insurer said of one claim; `sealed` holds the procedures and adjustments."""

    __tablename__ = "remittance_claim"
    __table_args__ = (UniqueConstraint("remittance_id", "place"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"))
    place: Mapped[int]
    control_number: Mapped[str] = mapped_column(String(50))
    payer_claim_number: Mapped[str] = mapped_column(String(50), index=True)
    claim_status: Mapped[str] = mapped_column(String(2))
    charge_cents: Mapped[int]
    paid_cents: Mapped[int]
    patient_cents: Mapped[int]
    outcome: Mapped[str | None] = mapped_column(String(20))
    session_id: Mapped[str | None] = mapped_column(String(40), index=True)
    credit_cents: Mapped[int]
    sealed: Mapped[bytes]
