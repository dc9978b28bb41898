"""What given sessions of a stopped package cost more"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("invoice", recreate="never") as invoice:
        invoice.add_column(sa.Column("reprices_id", sa.String(40), nullable=True))
    op.create_index("ix_invoice_reprices_id", "invoice", ["reprices_id"], unique=True)
