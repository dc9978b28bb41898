"""Why money goes back"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("reason", sa.String(20), nullable=True))


def downgrade() -> None:
    op.drop_column("refund", "reason")
