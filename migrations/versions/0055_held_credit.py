"""Held credit is found by its age; what a bank makes good of a lost dispute, and insurers gave beside it"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

ADDED = (("dispute_movement", "made_good_cents"), ("dispute", "reimbursed_cents"))
HELD = sa.text("available_cents > 0")


def upgrade() -> None:
    op.create_index("ix_credit_lot_held", "credit_lot", ["held_on"], sqlite_where=HELD, postgresql_where=HELD)
    for table, column in ADDED:
        with op.batch_alter_table(table, recreate="never") as altered:
            altered.add_column(sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table, column in ADDED:
        with op.batch_alter_table(table, recreate="never") as altered:
            altered.drop_column(column)
    op.drop_index("ix_credit_lot_held", "credit_lot")
