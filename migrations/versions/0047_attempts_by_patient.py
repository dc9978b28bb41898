"""Attempts to pay are found by their patient, or by the payer's part, without reading all of them"""

from alembic import op

revision = "0047"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_checkout_patient_id", "checkout", ["patient_id"])
    op.create_index("ix_checkout_share_id", "checkout", ["share_id"])
    op.drop_index("ix_checkout_declined", "checkout")
