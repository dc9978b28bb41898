"""Editions of ICD-10-CM that were loaded beside the shipped one"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "diagnosis_edition",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code_count", sa.BigInteger(), nullable=False),
        sa.Column("billable_count", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_by", sa.String(40), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_diagnosis_edition_versions_from_one")),
        sa.CheckConstraint(
            "billable_count >= 1 AND billable_count <= code_count",
            name=op.f("ck_diagnosis_edition_counts_agree"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnosis_edition")),
        sa.UniqueConstraint("starts_on", "version", name=op.f("uq_diagnosis_edition_starts_on_version")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER diagnosis_edition_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON diagnosis_edition FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER diagnosis_edition_no_{deed.lower()} BEFORE {deed} ON diagnosis_edition "
            "BEGIN SELECT RAISE(ABORT, 'diagnosis_edition keeps what it holds'); END"
        )
