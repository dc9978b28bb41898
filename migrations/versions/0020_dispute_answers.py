"""Answers to disputes"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SENDING = sa.text("state = 'sending'")
APPROVED_BY_ANOTHER = (
    "NOT needs_approval OR state = 'waiting' "
    "OR (approved_by_person IS NOT NULL AND approved_by_person <> asked_by_person)"
)


def upgrade() -> None:
    op.create_table(
        "dispute_answer",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("dispute_id", sa.String(40), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.String(200), nullable=False),
        sa.Column("missing", sa.String(200), nullable=False),
        sa.Column("has_health_data", sa.Boolean(), nullable=False),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_by_person", sa.String(40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(40), nullable=True),
        sa.Column("approved_by_person", sa.String(40), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_reference", sa.String(255), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_dispute_answer_positive")),
        sa.CheckConstraint(
            "(kind = 'evidence') = (document_id IS NOT NULL)",
            name=op.f("ck_dispute_answer_evidence_says_something"),
        ),
        sa.CheckConstraint(
            "NOT has_health_data OR needs_approval", name=op.f("ck_dispute_answer_health_data_is_approved")
        ),
        sa.CheckConstraint(APPROVED_BY_ANOTHER, name=op.f("ck_dispute_answer_approved_by_another")),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_answer_dispute_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_dispute_answer_document_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_dispute_answer_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_answer")),
        sa.UniqueConstraint("dispute_id", "number", name=op.f("uq_dispute_answer_dispute_id_number")),
        sa.UniqueConstraint("document_id", name=op.f("uq_dispute_answer_document_id")),
    )
    op.create_index("ix_dispute_answer_patient_id", "dispute_answer", ["patient_id"])
    op.create_index("ix_dispute_answer_state", "dispute_answer", ["state"])
    op.create_index(
        "uq_dispute_answer_sending",
        "dispute_answer",
        ["dispute_id"],
        unique=True,
        sqlite_where=SENDING,
        postgresql_where=SENDING,
    )
