"""Tables of what insurers answered, what people decided about it, and letters that patients sent."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.insurance.models import POSTED
from billing.platform.data.base import Base, Id

NOT_UNDONE = text("state <> 'undone'")


class RemittanceFileRow(Base):
    """A file that was read to its end, known by its bytes; the bytes themselves stay with the sender."""

    __tablename__ = "remittance_file"

    id: Mapped[Id] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    received_at: Mapped[datetime]
    received_by: Mapped[Id]


class RemittanceRow(Base):
    """One ST transaction. What an entity was paid under a payer, trace, amount and date is posted once.

    While it is parked, `sealed` holds all of it; `waits` when what it is about may still come. One that was
    undone stays, and the same content may come again.
    """

    __tablename__ = "remittance"
    __table_args__ = (
        Index(
            "uq_remittance_content", "payer_id", "trace", "amount_cents", "paid_on", "content_sha256",
            unique=True, sqlite_where=NOT_UNDONE, postgresql_where=NOT_UNDONE,
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
    is_on_paper: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str | None] = mapped_column(String(500))
    waits: Mapped[bool]
    received_at: Mapped[datetime]


class RemittanceClaimRow(Base):
    """What the insurer said of one claim; `sealed` holds the procedures and adjustments.

    `reverses_id` is the earlier answer that a reversal negates.
    """

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
    reverses_id: Mapped[str | None] = mapped_column(String(40), index=True)
    sealed: Mapped[bytes]


class RemittanceAdjustmentRow(Base):
    """A PLB pair of one ST transaction: a positive amount reduces what was paid.

    One that `is_set_apart` is on account 2240, since nobody could say what it is.
    """

    __tablename__ = "remittance_adjustment"
    __table_args__ = (UniqueConstraint("remittance_id", "place"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"))
    place: Mapped[int]
    code: Mapped[str] = mapped_column(String(2))
    reference: Mapped[str] = mapped_column(String(50))
    amount_cents: Mapped[int]
    is_set_apart: Mapped[bool]


class RemittanceTakingRow(Base):
    """What a payment took back of an earlier one: `demanded_cents` of it were not demanded before.

    `returned_cents` were kept out of this payment; the rest is still owed to the payer.
    """

    __tablename__ = "remittance_taking"
    __table_args__ = (
        CheckConstraint("demanded_cents >= 0 AND returned_cents >= 0", name="nothing_below_zero"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"), index=True)
    reimbursement_id: Mapped[Id]
    takeback_id: Mapped[Id]
    demanded_cents: Mapped[int]
    returned_cents: Mapped[int]


class RemittanceUndoRow(Base):
    """Somebody undid a payment that had been posted; `sealed` holds why."""

    __tablename__ = "remittance_undo"

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"), unique=True)
    undone_at: Mapped[datetime]
    undone_by: Mapped[Id]
    sealed: Mapped[bytes]


class RestoredClaimRow(Base):
    """Money of a claim that is there again, since the payment that had taken it back was undone.

    It is a reimbursement of its own, under this id; `claim_id` is the answer that had paid it first.
    """

    __tablename__ = "restored_claim"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    undo_id: Mapped[Id] = mapped_column(ForeignKey("remittance_undo.id"), index=True)
    claim_id: Mapped[Id] = mapped_column(index=True)
    amount_cents: Mapped[int]


class RemittanceContentRow(Base):
    """What a parked transaction said, whole, so that it can be looked at again without its file."""

    __tablename__ = "remittance_content"

    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"), primary_key=True)
    sealed: Mapped[bytes]


class RemittanceDecisionRow(Base):
    """What a person decided about a parked transaction, and why. Of a claim, the newest decision holds.

    `entity_id` is whose the transaction was then, if it was anybody's.
    """

    __tablename__ = "remittance_decision"
    __table_args__ = (
        CheckConstraint("(kind IN ('match', 'unmatch')) = (claim_key IS NOT NULL)", name="of_a_claim"),
        CheckConstraint("(kind = 'match') = (session_id IS NOT NULL)", name="of_a_session"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"), index=True)
    entity_id: Mapped[str | None] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    claim_key: Mapped[str | None] = mapped_column(String(80))
    session_id: Mapped[str | None] = mapped_column(String(40))
    sealed: Mapped[bytes]
    decided_at: Mapped[datetime]
    decided_by: Mapped[Id]


class RemittanceCopyRow(Base):
    """A transaction that was posted, or set aside, came once more; nothing was done."""

    __tablename__ = "remittance_copy"

    id: Mapped[Id] = mapped_column(primary_key=True)
    remittance_id: Mapped[Id] = mapped_column(ForeignKey("remittance.id"), index=True)
    received_at: Mapped[datetime]
    received_by: Mapped[Id]


class RemittanceUploadRow(Base):
    """A file that somebody sent, for them alone. `sealed` is gone once it was posted or refused.

    `entity_id` and `site_ids` are the reach of who ordered its posting; `refusal` says sealed why it cannot
    be read.
    """

    __tablename__ = "remittance_upload"
    __table_args__ = (CheckConstraint("(posted_at IS NULL) OR (sealed IS NULL)", name="kept_until_posted"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    sealed: Mapped[bytes | None]
    uploaded_at: Mapped[datetime] = mapped_column(index=True)
    uploaded_by: Mapped[Id]
    posted_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10))
    entity_id: Mapped[str | None] = mapped_column(String(40))
    site_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    claims: Mapped[int]
    claims_done: Mapped[int]
    refusal: Mapped[bytes | None]


class RemittanceUploadPartRow(Base):
    """One ST transaction of such a file: what it would do, and what it did; `sealed` holds what it said."""

    __tablename__ = "remittance_upload_part"

    upload_id: Mapped[Id] = mapped_column(ForeignKey("remittance_upload.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    claims: Mapped[int]
    amount_cents: Mapped[int]
    expected: Mapped[str | None] = mapped_column(String(10))
    status: Mapped[str | None] = mapped_column(String(10))
    remittance_id: Mapped[str | None] = mapped_column(String(40))
    sealed: Mapped[bytes]


class LetterLinkRow(Base):
    """Takes letters from who has the link and knows the birth date; both counters are guarded."""

    __tablename__ = "letter_link"
    __table_args__ = (
        CheckConstraint("tries_left >= 0", name="tries_not_negative"),
        CheckConstraint("letters_left >= 0", name="letters_not_negative"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    letters_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]
    made_by: Mapped[Id]


class InsurerLetterRow(Base):
    """A letter that an insurer sent to a patient. `told` is the patient's own day of the visit, sealed."""

    __tablename__ = "insurer_letter"

    id: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id]
    site_id: Mapped[Id]
    patient_id: Mapped[Id] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[str | None] = mapped_column(String(40), index=True)
    link_id: Mapped[Id] = mapped_column(ForeignKey("letter_link.id"))
    outcome: Mapped[str] = mapped_column(String(20))
    media_type: Mapped[str] = mapped_column(String(20))
    told: Mapped[bytes]
    sealed: Mapped[bytes]
    received_at: Mapped[datetime]
