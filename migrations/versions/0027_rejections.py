"""Why a refund was rejected"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refund", recreate="never") as refund:
        refund.add_column(sa.Column("rejected_for", sa.String(20), nullable=True))
