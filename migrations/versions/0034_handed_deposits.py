"""What was handed over at the desk of a deposit that was asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deposit_request", recreate="auto") as asked:
        asked.add_column(sa.Column("handed_cents", sa.BigInteger(), nullable=False, server_default="0"))
        asked.create_check_constraint(
            op.f("ck_deposit_request_handed"), "handed_cents >= 0 AND handed_cents <= amount_cents"
        )
