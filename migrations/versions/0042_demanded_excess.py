"""Demands that take of what an insurer paid above, the visit that each is about, and who repaid"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

VISITS = """
    UPDATE takeback SET session_id = COALESCE(
        (SELECT lot.session_id FROM credit_lot lot
            WHERE lot.source = 'reimbursement' AND lot.source_id = takeback.reimbursement_id),
        (SELECT x.session_id FROM reimbursement_excess x WHERE x.id = takeback.reimbursement_id),
        (SELECT MIN(m.session_id) FROM coverage_move m
            WHERE m.source_kind = 'reimbursement' AND m.source_id = takeback.reimbursement_id)
    )
"""
"""A claim is of one visit: its credit, what was above it, or what it settled says of which."""


def upgrade() -> None:
    op.add_column("takeback_return", sa.Column("returned_by_person", sa.String(40), nullable=True))
    with op.batch_alter_table("reimbursement_excess", recreate="auto") as excess:
        excess.add_column(sa.Column("demanded_cents", sa.BigInteger(), nullable=False, server_default="0"))
        excess.drop_constraint(op.f("ck_reimbursement_excess_shared_within"), type_="check")
        excess.create_check_constraint(
            op.f("ck_reimbursement_excess_nothing_below_zero"), "shared_cents >= 0 AND demanded_cents >= 0"
        )
        excess.create_check_constraint(
            op.f("ck_reimbursement_excess_shared_within"), "shared_cents + demanded_cents <= amount_cents"
        )
    with op.batch_alter_table("takeback", recreate="auto") as takeback:
        takeback.add_column(sa.Column("session_id", sa.String(40), nullable=True))
        takeback.add_column(sa.Column("excess_cents", sa.BigInteger(), nullable=False, server_default="0"))
        takeback.drop_constraint(op.f("ck_takeback_nothing_below_zero"), type_="check")
        takeback.drop_constraint(op.f("ck_takeback_shared_within"), type_="check")
        takeback.create_check_constraint(
            op.f("ck_takeback_nothing_below_zero"),
            "excess_cents >= 0 AND unspent_cents >= 0 AND billed_cents >= 0 AND forgiven_cents >= 0",
        )
        takeback.create_check_constraint(
            op.f("ck_takeback_shared_within"),
            "excess_cents + unspent_cents + billed_cents + forgiven_cents <= amount_cents",
        )
    op.execute(VISITS)
    with op.batch_alter_table("takeback", recreate="auto") as takeback:
        takeback.alter_column("session_id", existing_type=sa.String(40), nullable=False)
    op.create_index("ix_takeback_session_id", "takeback", ["session_id"])
