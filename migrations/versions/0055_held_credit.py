"""What is still held of credit is found by its age, without reading all that was ever held"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0050"
branch_labels = None
depends_on = None

HELD = sa.text("available_cents > 0")


def upgrade() -> None:
    op.create_index("ix_credit_lot_held", "credit_lot", ["held_on"], sqlite_where=HELD, postgresql_where=HELD)


def downgrade() -> None:
    op.drop_index("ix_credit_lot_held", "credit_lot")
