"""What a packet of evidence leaves out though it is on file"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dispute_answer", recreate="never") as answer:
        answer.add_column(sa.Column("left_out", sa.String(200), nullable=False, server_default=""))
