"""What clinicians record and sign of a visit, a clinic's codes, and lines that staff changed"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

KEPT = ("session_chart", "code_set", "line_override")
"""Tables whose rows are never changed."""


def upgrade() -> None:
    op.create_table(
        "session_chart",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("written_by", sa.String(40), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_session_chart_versions_from_one")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["treatment_session.id"],
            name=op.f("fk_session_chart_session_id_treatment_session"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_chart")),
        sa.UniqueConstraint("session_id", "version", name=op.f("uq_session_chart_session_id_version")),
    )
    op.create_table(
        "code_set",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_by", sa.String(40), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_code_set_versions_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_set")),
        sa.UniqueConstraint(
            "entity_id", "starts_on", "version", name=op.f("uq_code_set_entity_id_starts_on_version")
        ),
    )
    op.create_table(
        "line_override",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("written_by", sa.String(40), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_line_override_versions_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_override")),
        sa.UniqueConstraint("session_id", "version", name=op.f("uq_line_override_session_id_version")),
    )
    for table in KEPT:
        _keep_rows(table)


def downgrade() -> None:
    for table in reversed(KEPT):
        op.drop_table(table)


def _keep_rows(table: str) -> None:
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
