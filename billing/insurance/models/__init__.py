"""Tables. What an insurer is shown is frozen elsewhere; here is what it is found and summed by."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from billing.platform.data.base import Base, Id

PRESENT, POSTED = text("state = 'issued'"), text("state = 'posted'")
CLAIM_PRESENT = text("state NOT IN ('replaced', 'voided', 'closed')")


def _paper_rules() -> tuple[SchemaItem, ...]:
    """What holds for every paper of a session."""
    return (
        UniqueConstraint("entity_id", "number"),
        UniqueConstraint("session_id", "version"),
        CheckConstraint("charge_cents >= 0", name="charge_not_negative"),
        CheckConstraint("paid_cents >= 0", name="paid_not_negative"),
    )


class PaperColumns:
    """A version of what tells an insurer of a session, as it is found and summed."""

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    control_number: Mapped[str] = mapped_column(String(20), index=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    service_on: Mapped[date] = mapped_column(index=True)
    charge_cents: Mapped[int]
    paid_cents: Mapped[int]
    issued_at: Mapped[datetime]


class SuperbillRow(PaperColumns, Base):
    """A version of a session's superbill; at most one of a session is not superseded or void."""

    __tablename__ = "superbill"
    __table_args__ = (
        *_paper_rules(),
        Index(
            "uq_superbill_present", "session_id", unique=True, sqlite_where=PRESENT, postgresql_where=PRESENT
        ),
    )

    state: Mapped[str] = mapped_column(String(10))
    supersedes_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("superbill.id"), unique=True)


class DiagnosisEditionRow(Base):
    """An edition of ICD-10-CM that was loaded; of those that start on one day the newest version holds."""

    __tablename__ = "diagnosis_edition"
    __table_args__ = (
        UniqueConstraint("starts_on", "version"),
        CheckConstraint("version >= 1", name="versions_from_one"),
        CheckConstraint("billable_count >= 1 AND billable_count <= code_count", name="counts_agree"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    starts_on: Mapped[date]
    version: Mapped[int]
    code_count: Mapped[int]
    billable_count: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes]
    loaded_at: Mapped[datetime]
    loaded_by: Mapped[Id]


class CodeSetRow(Base):
    """Codes that a clinic bills by from a day of service on; of one day's the newest version holds."""

    __tablename__ = "code_set"
    __table_args__ = (
        UniqueConstraint("entity_id", "starts_on", "version"),
        CheckConstraint("version >= 1", name="versions_from_one"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    starts_on: Mapped[date]
    version: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime]
    loaded_by: Mapped[Id]


class LineOverrideRow(Base):
    """What staff changed on the lines of a session; of its versions the newest holds.

    `sealed` has the lines and the reason.
    """

    __tablename__ = "line_override"
    __table_args__ = (
        UniqueConstraint("session_id", "version"),
        CheckConstraint("version >= 1", name="versions_from_one"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    session_id: Mapped[Id]
    version: Mapped[int]
    written_by: Mapped[Id]
    written_at: Mapped[datetime]
    sealed: Mapped[bytes]


class ClaimFileRow(Base):
    """A file of claims, made to be sent; its control number is the sender's, and never given again."""

    __tablename__ = "claim_file"
    __table_args__ = (
        UniqueConstraint("entity_id", "control_number"),
        CheckConstraint("claims > 0", name="holds_claims"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    control_number: Mapped[int]
    receiver_id: Mapped[str] = mapped_column(String(15))
    claims: Mapped[int]
    charge_cents: Mapped[int]
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


class ClaimRow(PaperColumns, Base):
    """A version of a session's claim; at most one of a session is not replaced, voided or closed."""

    __tablename__ = "claim"
    __table_args__ = (
        *_paper_rules(),
        Index(
            "uq_claim_present", "session_id", unique=True,
            sqlite_where=CLAIM_PRESENT, postgresql_where=CLAIM_PRESENT,
        ),
        CheckConstraint("frequency IN ('1', '7', '8')", name="frequency_known"),
        CheckConstraint("(frequency = '1') = (original_reference IS NULL)", name="original_named"),
        CheckConstraint("file_id IS NULL OR filed_at IS NOT NULL", name="filed_in_a_file"),
    )  # fmt: skip

    state: Mapped[str] = mapped_column(String(30))
    frequency: Mapped[str] = mapped_column(String(1))
    original_reference: Mapped[str | None] = mapped_column(String(50))
    supersedes_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("claim.id"), unique=True)
    filed_at: Mapped[datetime | None]
    sent_reason: Mapped[bytes | None]
    """Sealed: why it went out by hand though it was to stay here, as a person said."""
    file_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("claim_file.id"), index=True)
    file_by: Mapped[date | None] = mapped_column(index=True)
    """The last day on which the plan takes it; None when that is not known."""
    interchange_number: Mapped[int | None] = mapped_column(index=True)
    """Of the claim in a file of its own; one that was issued before these were kept has none."""


class ClaimAcknowledgementRow(Base):
    """What a program on the way, or the insurer's own, said of a claim that was sent; the same once."""

    __tablename__ = "claim_acknowledgement"
    __table_args__ = (
        UniqueConstraint("claim_id", "content_sha256"),
        CheckConstraint("verdict IN ('accepted', 'rejected', 'noted')", name="verdict_known"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    claim_id: Mapped[Id] = mapped_column(ForeignKey("claim.id"))
    kind: Mapped[str] = mapped_column(String(5))
    verdict: Mapped[str] = mapped_column(String(10))
    codes: Mapped[str] = mapped_column(String(3000))
    payer_claim_number: Mapped[str] = mapped_column(String(50))
    content_sha256: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    received_by: Mapped[Id]


class ReasonCodeRow(Base):
    """What a reason or remark code means, as the clinic's own list has it; none is shipped."""

    __tablename__ = "reason_code"

    list: Mapped[str] = mapped_column(String(4), primary_key=True)
    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    words: Mapped[str] = mapped_column(String(2000))
