"""Why money goes back"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("reason", sa.String(20), nullable=True))


def downgrade() -> None:
    op.drop_column("refund", "reason")
