"""Payments on card readers at the desk"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkout", sa.Column("way", sa.String(10), nullable=False, server_default="page"))
    op.add_column("checkout", sa.Column("reader_id", sa.String(80), nullable=True))
