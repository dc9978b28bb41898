"""What waits of insurers' answers, files that are looked at first, and letters that patients send"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

APPEND_ONLY = ("remittance_decision", "remittance_copy", "insurer_letter")


def upgrade() -> None:
    op.add_column(
        "remittance", sa.Column("is_on_paper", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "remittance_content",
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_content_remittance_id_remittance")
        ),
        sa.PrimaryKeyConstraint("remittance_id", name=op.f("pk_remittance_content")),
    )
    _create_decisions()
    op.create_table(
        "remittance_copy",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_copy_remittance_id_remittance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_copy")),
    )
    op.create_index("ix_remittance_copy_remittance_id", "remittance_copy", ["remittance_id"])
    op.create_table(
        "remittance_upload",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.String(40), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(posted_at IS NULL) OR (sealed IS NULL)", name=op.f("ck_remittance_upload_kept_until_posted")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_upload")),
    )
    op.create_index("ix_remittance_upload_uploaded_at", "remittance_upload", ["uploaded_at"])
    _create_letters()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def _create_decisions() -> None:
    op.create_table(
        "remittance_decision",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("claim_key", sa.String(80), nullable=True),
        sa.Column("session_id", sa.String(40), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(40), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('match', 'unmatch')) = (claim_key IS NOT NULL)",
            name=op.f("ck_remittance_decision_of_a_claim"),
        ),
        sa.CheckConstraint(
            "(kind = 'match') = (session_id IS NOT NULL)", name=op.f("ck_remittance_decision_of_a_session")
        ),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_decision_remittance_id_remittance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_decision")),
    )
    op.create_index("ix_remittance_decision_remittance_id", "remittance_decision", ["remittance_id"])


def _create_letters() -> None:
    op.create_table(
        "letter_link",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.Column("letters_left", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.CheckConstraint("tries_left >= 0", name=op.f("ck_letter_link_tries_not_negative")),
        sa.CheckConstraint("letters_left >= 0", name=op.f("ck_letter_link_letters_not_negative")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_letter_link_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_link")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_letter_link_fingerprint")),
    )
    op.create_index("ix_letter_link_patient_id", "letter_link", ["patient_id"])
    op.create_table(
        "insurer_letter",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=True),
        sa.Column("link_id", sa.String(40), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("media_type", sa.String(20), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_insurer_letter_patient_id_patient")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["letter_link.id"], name=op.f("fk_insurer_letter_link_id_letter_link")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurer_letter")),
    )
    op.create_index("ix_insurer_letter_patient_id", "insurer_letter", ["patient_id"])
    op.create_index("ix_insurer_letter_session_id", "insurer_letter", ["session_id"])


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
        )


def downgrade() -> None:
    op.drop_table("insurer_letter")
    op.drop_table("letter_link")
    for table in ("remittance_upload", "remittance_copy", "remittance_decision", "remittance_content"):
        op.drop_table(table)
    op.drop_column("remittance", "is_on_paper")
