"""Why a person says that a claim went out though it was to stay here"""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claim", sa.Column("sent_reason", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("claim", "sent_reason")
