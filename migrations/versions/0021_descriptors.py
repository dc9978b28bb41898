"""What payers read on their card statements"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entity", sa.Column("statement_descriptor", sa.String(22), nullable=True))
    op.add_column("checkout", sa.Column("descriptor", sa.String(22), nullable=True))
