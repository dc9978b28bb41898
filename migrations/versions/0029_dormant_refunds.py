"""Refunds that wait for a check can be dormant, as credits can"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dormant_credit", recreate="auto") as dormant:
        dormant.add_column(sa.Column("refund_id", sa.String(40), nullable=True))
        dormant.add_column(sa.Column("subject_id", sa.String(40), nullable=True))
    op.execute("UPDATE dormant_credit SET subject_id = lot_id")
    with op.batch_alter_table("dormant_credit", recreate="auto") as dormant:
        dormant.alter_column("subject_id", existing_type=sa.String(40), nullable=False)
        dormant.create_foreign_key(op.f("fk_dormant_credit_refund_id"), "refund", ["refund_id"], ["id"])
        dormant.drop_constraint(op.f("uq_dormant_credit_lot_id_dormant_on"), type_="unique")
        dormant.create_unique_constraint(
            op.f("uq_dormant_credit_subject_id_dormant_on"), ["subject_id", "dormant_on"]
        )
        dormant.create_check_constraint(
            op.f("ck_dormant_credit_one_subject"), "subject_id = COALESCE(refund_id, lot_id)"
        )
    op.create_index("ix_dormant_credit_refund_id", "dormant_credit", ["refund_id"])
