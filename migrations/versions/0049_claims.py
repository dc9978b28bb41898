"""Claims, the files that they were sent in, and where a clinic sends them"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

PRESENT = sa.text("state NOT IN ('replaced', 'voided', 'closed')")


def upgrade() -> None:
    op.add_column("entity", sa.Column("clearinghouse_name", sa.String(60), nullable=True))
    op.add_column("entity", sa.Column("clearinghouse_id", sa.String(15), nullable=True))
    op.add_column("entity", sa.Column("submitter_id", sa.String(15), nullable=True))
    op.create_table(
        "claim_file",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("control_number", sa.BigInteger(), nullable=False),
        sa.Column("receiver_id", sa.String(15), nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("charge_cents", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("claims > 0", name=op.f("ck_claim_file_holds_claims")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_claim_file_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_file")),
        sa.UniqueConstraint("document_id", name=op.f("uq_claim_file_document_id")),
        sa.UniqueConstraint(
            "entity_id", "control_number", name=op.f("uq_claim_file_entity_id_control_number")
        ),
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("frequency", sa.String(1), nullable=False),
        sa.Column("original_reference", sa.String(50), nullable=True),
        sa.Column("supersedes_id", sa.String(40), nullable=True),
        sa.Column("control_number", sa.String(20), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("service_on", sa.Date(), nullable=False),
        sa.Column("charge_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_id", sa.String(40), nullable=True),
        sa.CheckConstraint("charge_cents >= 0", name=op.f("ck_claim_charge_not_negative")),
        sa.CheckConstraint("paid_cents >= 0", name=op.f("ck_claim_paid_not_negative")),
        sa.CheckConstraint("frequency IN ('1', '7', '8')", name=op.f("ck_claim_frequency_known")),
        sa.CheckConstraint(
            "(frequency = '1') = (original_reference IS NULL)", name=op.f("ck_claim_original_named")
        ),
        sa.CheckConstraint("file_id IS NULL OR filed_at IS NOT NULL", name=op.f("ck_claim_filed_in_a_file")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_claim_document_id")),
        sa.ForeignKeyConstraint(["file_id"], ["claim_file.id"], name=op.f("fk_claim_file_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_claim_patient_id")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["claim.id"], name=op.f("fk_claim_supersedes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("document_id", name=op.f("uq_claim_document_id")),
        sa.UniqueConstraint("entity_id", "number", name=op.f("uq_claim_entity_id_number")),
        sa.UniqueConstraint("session_id", "version", name=op.f("uq_claim_session_id_version")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_claim_supersedes_id")),
    )
    op.create_index("ix_claim_control_number", "claim", ["control_number"])
    op.create_index("ix_claim_file_id", "claim", ["file_id"])
    op.create_index("ix_claim_patient_id", "claim", ["patient_id"])
    op.create_index("ix_claim_service_on", "claim", ["service_on"])
    op.create_index(
        "uq_claim_present", "claim", ["session_id"], unique=True, sqlite_where=PRESENT, postgresql_where=PRESENT
    )
