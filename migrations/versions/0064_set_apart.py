"""Which provider adjustments of a payment a person set apart"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "remittance_adjustment",
        sa.Column("is_set_apart", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("remittance_adjustment", "is_set_apart")
