"""Who a clinic's mail is from, in words"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entity", sa.Column("mail_name", sa.String(60), nullable=True))
