"""What became of the checks that refunds went out by"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("cashed_on", sa.Date(), nullable=True))
    op.add_column("refund", sa.Column("voided_by_person", sa.String(40), nullable=True))
    op.add_column("refund", sa.Column("replaces_id", sa.String(40), nullable=True))
    op.create_index("ix_refund_replaces_id", "refund", ["replaces_id"], unique=True)
