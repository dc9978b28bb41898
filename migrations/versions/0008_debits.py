"""Debits of bank accounts take days, and stand meanwhile"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STANDING = sa.text("state IN ('created', 'open', 'processing')")


def upgrade() -> None:
    op.add_column(
        "checkout", sa.Column("is_health_account", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.drop_index("uq_checkout_standing", "checkout")
    op.create_index(
        "uq_checkout_standing",
        "checkout",
        ["invoice_id"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )
