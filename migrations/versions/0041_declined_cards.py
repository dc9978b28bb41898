"""Cards of a patient that were declined are found without reading every attempt"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    declined = sa.text("state = 'declined'")
    op.create_index(
        "ix_checkout_declined",
        "checkout",
        ["patient_id"],
        sqlite_where=declined,
        postgresql_where=declined,
    )
