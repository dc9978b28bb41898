"""Where money came from, how cover moved, and tenders that are undone"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPEND_ONLY = ("coverage_move", "invoice_tender_reversal", "invoice_return_part", "credit_reversal")
STANDS = sa.text("state <> 'moved'")

PAST_COVER = """
    INSERT INTO coverage_move (id, session_id, source_kind, source_id, cents, moved_at)
    SELECT 'cvm_' || substr(c.source_id, 5, 13) || substr(c.session_id, 18, 13), c.session_id, c.source_kind,
        c.source_id, c.amount_cents, e.posted_at
    FROM session_coverage c
    JOIN ledger_entry e ON e.source_kind = c.source_kind AND e.source_id = c.source_id
        AND e.purpose IN ('received', 'applied')
    WHERE c.amount_cents > 0
"""


def upgrade() -> None:
    _new_tables()
    _payment()
    with op.batch_alter_table("credit_lot", recreate="auto") as lot:
        lot.add_column(sa.Column("origin_payment_id", sa.String(40), nullable=True))
        lot.add_column(sa.Column("payer_id", sa.String(40), nullable=True))
        lot.create_foreign_key(op.f("fk_credit_lot_origin_payment_id"), "payment", ["origin_payment_id"], ["id"])
    op.create_index("ix_credit_lot_origin_payment_id", "credit_lot", ["origin_payment_id"])
    op.create_index("ix_credit_lot_payer_id", "credit_lot", ["payer_id"])
    op.execute("UPDATE credit_lot SET origin_payment_id = source_id WHERE source = 'overpayment'")
    op.execute(PAST_COVER)
    _guard()


def _new_tables() -> None:
    op.create_table(
        "coverage_move",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("source_kind", sa.String(30), nullable=False),
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cents <> 0", name=op.f("ck_coverage_move_moves_something")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["treatment_session.id"], name=op.f("fk_coverage_move_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_move")),
    )
    op.create_index("ix_coverage_move_session_id", "coverage_move", ["session_id"])
    op.create_table(
        "invoice_tender_reversal",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("invoice_id", sa.String(40), nullable=False),
        sa.Column("source_kind", sa.String(30), nullable=False),
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cents > 0", name=op.f("ck_invoice_tender_reversal_positive")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_tender_reversal_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_tender_reversal")),
    )
    op.create_index(
        "ix_invoice_tender_reversal_of", "invoice_tender_reversal", ["invoice_id", "source_kind", "source_id"]
    )
    op.create_table(
        "invoice_return_part",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("return_id", sa.String(40), nullable=False),
        sa.Column("source_kind", sa.String(30), nullable=False),
        sa.Column("source_id", sa.String(40), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cents > 0", name=op.f("ck_invoice_return_part_positive")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["invoice_return.id"], name=op.f("fk_invoice_return_part_return_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_return_part")),
    )
    op.create_index("ix_invoice_return_part_return_id", "invoice_return_part", ["return_id"])
    op.create_table(
        "credit_reversal",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("application_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reversed_on", sa.Date(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_credit_reversal_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["credit_application.id"], name=op.f("fk_credit_reversal_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_reversal")),
    )
    op.create_index("ix_credit_reversal_application_id", "credit_reversal", ["application_id"])


def _payment() -> None:
    with op.batch_alter_table("payment", recreate="auto") as payment:
        payment.alter_column("invoice_id", existing_type=sa.String(40), nullable=True)
        payment.alter_column("tender", existing_type=sa.String(10), type_=sa.String(12))
        payment.add_column(sa.Column("payer_id", sa.String(40), nullable=True))
        payment.add_column(sa.Column("state", sa.String(12), nullable=False, server_default="received"))
        payment.add_column(sa.Column("instrument", sa.String(40), nullable=True))
        payment.add_column(
            sa.Column("is_health_account", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        payment.add_column(sa.Column("lost_cents", sa.BigInteger(), nullable=False, server_default="0"))
        payment.add_column(sa.Column("corrects_id", sa.String(40), nullable=True))
        payment.drop_constraint(op.f("uq_payment_charge_reference"), type_="unique")
        payment.drop_constraint(op.f("ck_payment_refunded_within"), type_="check")
        payment.create_check_constraint(
            op.f("ck_payment_nothing_below_zero"), "refunded_cents >= 0 AND lost_cents >= 0"
        )
        payment.create_check_constraint(
            op.f("ck_payment_given_back_within"), "refunded_cents + lost_cents <= amount_cents"
        )
        payment.create_foreign_key(op.f("fk_payment_corrects_id"), "payment", ["corrects_id"], ["id"])
    op.create_index("ix_payment_payer_id", "payment", ["payer_id"])
    op.create_index(
        "uq_payment_charge_standing",
        "payment",
        ["charge_reference"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )


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
