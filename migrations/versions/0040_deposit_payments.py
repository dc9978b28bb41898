"""Which payments paid a deposit that was asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

BY_HAND_BEFORE = """
    INSERT INTO deposit_payment (id, deposit_request_id, payment_id, amount_cents)
    SELECT REPLACE(id, 'dpr_', 'dpp_'), id, NULL, handed_cents FROM deposit_request WHERE handed_cents > 0
"""
"""Of the time before nobody recorded which payments they were: they count, and do not bounce."""

BY_CARD_BEFORE = """
    INSERT INTO deposit_payment (id, deposit_request_id, payment_id, amount_cents)
    SELECT REPLACE(p.id, 'pay_', 'dpp_'), c.deposit_request_id, p.id, p.amount_cents
    FROM payment p JOIN checkout c ON c.id = p.checkout_id WHERE c.deposit_request_id IS NOT NULL
"""
ALL_THAT_CAME = """
    UPDATE deposit_request SET handed_cents = (
        SELECT CASE WHEN SUM(l.amount_cents) < deposit_request.amount_cents
            THEN SUM(l.amount_cents) ELSE deposit_request.amount_cents END
        FROM deposit_payment l WHERE l.deposit_request_id = deposit_request.id
    ) WHERE EXISTS (SELECT 1 FROM deposit_payment l WHERE l.deposit_request_id = deposit_request.id)
"""


def upgrade() -> None:
    op.create_table(
        "deposit_payment",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("deposit_request_id", sa.String(40), nullable=False),
        sa.Column("payment_id", sa.String(40), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_deposit_payment_positive")),
        sa.ForeignKeyConstraint(
            ["deposit_request_id"], ["deposit_request.id"], name=op.f("fk_deposit_payment_deposit_request_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_deposit_payment_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_payment")),
        sa.UniqueConstraint(
            "payment_id", "deposit_request_id", name=op.f("uq_deposit_payment_payment_id_deposit_request_id")
        ),
    )
    op.create_index("ix_deposit_payment_deposit_request_id", "deposit_payment", ["deposit_request_id"])
    for statement in (BY_HAND_BEFORE, BY_CARD_BEFORE, ALL_THAT_CAME):
        op.execute(statement)
    _guard("deposit_payment")


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
