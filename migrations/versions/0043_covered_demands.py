"""Demands that what a later claim of the visit brings covers"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("takeback", recreate="auto") as takeback:
        takeback.add_column(sa.Column("covered_cents", sa.BigInteger(), nullable=False, server_default="0"))
        takeback.drop_constraint(op.f("ck_takeback_nothing_below_zero"), type_="check")
        takeback.drop_constraint(op.f("ck_takeback_shared_within"), type_="check")
        takeback.create_check_constraint(
            op.f("ck_takeback_nothing_below_zero"),
            "excess_cents >= 0 AND unspent_cents >= 0 AND covered_cents >= 0 AND billed_cents >= 0 "
            "AND forgiven_cents >= 0",
        )
        takeback.create_check_constraint(
            op.f("ck_takeback_shared_within"),
            "excess_cents + unspent_cents + covered_cents + billed_cents + forgiven_cents <= amount_cents",
        )
