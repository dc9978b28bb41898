"""Pages and links of other payers, and refunds to them"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

STANDS = "state IN ('created', 'open', 'processing')"


def upgrade() -> None:
    op.add_column("checkout", sa.Column("share_id", sa.String(40), nullable=True))
    op.drop_index("uq_checkout_standing", "checkout")
    _standing("uq_checkout_standing", "invoice_id", f"{STANDS} AND share_id IS NULL")
    _standing("uq_checkout_standing_share", "share_id", f"{STANDS} AND share_id IS NOT NULL")
    op.add_column("pay_link", sa.Column("share_id", sa.String(40), nullable=True))
    op.create_index("ix_pay_link_share_id", "pay_link", ["share_id"])
    op.add_column("refund", sa.Column("payer_id", sa.String(40), nullable=True))
    op.create_index("ix_refund_payer_id", "refund", ["payer_id"])


def _standing(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "checkout", [column], unique=True, sqlite_where=where, postgresql_where=where)
