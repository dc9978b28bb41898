"""Bank deposits of cash and checks"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_deposit",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("banked_on", sa.Date(), nullable=False),
        sa.Column("banked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_bank_deposit_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_deposit")),
    )
    op.create_index("ix_bank_deposit_site_id", "bank_deposit", ["site_id"])
    op.create_table(
        "bank_deposit_item",
        sa.Column("payment_id", sa.String(40), nullable=False),
        sa.Column("deposit_id", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_deposit_item_payment_id")),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["bank_deposit.id"], name=op.f("fk_bank_deposit_item_deposit_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_bank_deposit_item")),
    )
    op.create_index("ix_bank_deposit_item_deposit_id", "bank_deposit_item", ["deposit_id"])
    for name in ("bank_deposit", "bank_deposit_item"):
        _guard(name)


def _guard(name: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {name}_no_{deed.lower()} BEFORE {deed} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} keeps what it holds'); END"
        )
