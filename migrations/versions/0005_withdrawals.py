"""What leaves a credit otherwise than for an invoice or a refund"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = ("credit_withdrawal",)


def upgrade() -> None:
    op.create_table(
        "credit_withdrawal",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("lot_id", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_credit_withdrawal_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["credit_lot.id"], name=op.f("fk_credit_withdrawal_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_withdrawal")),
        sa.UniqueConstraint(
            "lot_id", "reason", "subject_id", name=op.f("uq_credit_withdrawal_lot_id_reason_subject_id")
        ),
    )
    op.create_index("ix_credit_withdrawal_subject_id", "credit_withdrawal", ["subject_id"])
    _guard()


def _guard() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in APPEND_ONLY:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
            )
