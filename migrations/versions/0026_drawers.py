"""Cash drawers, and a site's change"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    _tables()
    op.add_column("payment", sa.Column("drawer_id", sa.String(40), nullable=True))
    op.add_column("payment", sa.Column("tendered_cents", sa.BigInteger(), nullable=True))
    op.create_index("ix_payment_drawer_id", "payment", ["drawer_id"])
    op.add_column(
        "bank_deposit", sa.Column("float_cents", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("bank_deposit_item", sa.Column("from_drawer_id", sa.String(40), nullable=True))
    op.create_index("ix_bank_deposit_item_from_drawer_id", "bank_deposit_item", ["from_drawer_id"])
    _guards()


def _tables() -> None:
    op.create_table(
        "change_fund",
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("free_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_change_fund")),
    )
    op.create_table(
        "cash_float",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("brought_on", sa.Date(), nullable=False),
        sa.Column("brought_by", sa.String(40), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_cash_float_positive")),
        sa.ForeignKeyConstraint(["site_id"], ["change_fund.site_id"], name=op.f("fk_cash_float_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_float")),
    )
    op.create_index("ix_cash_float_site_id", "cash_float", ["site_id"])
    op.create_table(
        "cash_drawer",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("cashier", sa.String(40), nullable=False),
        sa.Column("float_cents", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_cents", sa.BigInteger(), nullable=True),
        sa.Column("banked_cents", sa.BigInteger(), nullable=True),
        sa.Column("expected_cents", sa.BigInteger(), nullable=True),
        sa.Column("limit_cents", sa.BigInteger(), nullable=True),
        sa.Column("counted_cents", sa.BigInteger(), nullable=True),
        sa.Column("counted_by", sa.String(40), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_cents", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", sa.String(40), nullable=True),
        sa.Column("difference_cents", sa.BigInteger(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("float_cents >= 0", name=op.f("ck_cash_drawer_float_not_negative")),
        sa.CheckConstraint(
            "state = 'open' OR expected_cents IS NOT NULL", name=op.f("ck_cash_drawer_counted_against")
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (difference_cents IS NOT NULL)", name=op.f("ck_cash_drawer_closed_with")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["change_fund.site_id"], name=op.f("fk_cash_drawer_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_drawer")),
    )
    op.create_index("ix_cash_drawer_site_id", "cash_drawer", ["site_id"])
    op.create_index(
        "uq_cash_drawer_open",
        "cash_drawer",
        ["site_id", "cashier"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )


def _guards() -> None:
    """What was brought stays as it is, and so does a drawer once it is closed."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER cash_float_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cash_float "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER cash_drawer_stays BEFORE DELETE OR TRUNCATE ON cash_drawer "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER cash_drawer_closed BEFORE UPDATE ON cash_drawer "
            "FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION refuse_change()"
        )
        return
    for name, deed, when in (
        ("cash_float", "UPDATE", ""),
        ("cash_float", "DELETE", ""),
        ("cash_drawer", "UPDATE", "WHEN OLD.state = 'closed' "),
        ("cash_drawer", "DELETE", ""),
    ):
        op.execute(
            f"CREATE TRIGGER {name}_no_{deed.lower()} BEFORE {deed} ON {name} {when}"
            f"BEGIN SELECT RAISE(ABORT, '{name} keeps what it holds'); END"
        )
