"""Deposits that are asked for, and paid by card or link before there is an invoice"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

STANDS = sa.text("state IN ('created', 'open', 'processing')")


def upgrade() -> None:
    op.create_table(
        "deposit_request",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_deposit_request_positive")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_deposit_request_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_request")),
    )
    op.create_index("ix_deposit_request_patient_id", "deposit_request", ["patient_id"])
    for name in ("checkout", "pay_link"):
        _may_be_of_a_deposit(name)
    op.create_index(
        "uq_checkout_standing_deposit",
        "checkout",
        ["deposit_request_id"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )


def _may_be_of_a_deposit(name: str) -> None:
    with op.batch_alter_table(name, recreate="auto") as table:
        table.alter_column("invoice_id", existing_type=sa.String(40), nullable=True)
        table.add_column(sa.Column("deposit_request_id", sa.String(40), nullable=True))
        table.create_foreign_key(
            op.f(f"fk_{name}_deposit_request_id"), "deposit_request", ["deposit_request_id"], ["id"]
        )
        table.create_check_constraint(
            op.f(f"ck_{name}_one_purpose"), "(invoice_id IS NULL) <> (deposit_request_id IS NULL)"
        )
