"""Which part of an invoice another payer's payment pays"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

OF_ITS_PAYER = "s.invoice_id = payment.invoice_id AND s.payer_id = payment.payer_id"
# A part that was agreed anew after a bounce has a twin of which nothing is paid any more.
PAID_STILL = f"{OF_ITS_PAYER} AND s.paid_cents > 0 AND payment.state = 'received'"


def _by_the_only_one(condition: str) -> str:
    candidates = f"FROM payer_share s WHERE {condition}"
    return (
        f"UPDATE payment SET share_id = (SELECT MIN(s.id) {candidates}) "
        f"WHERE payer_id IS NOT NULL AND share_id IS NULL AND (SELECT COUNT(*) {candidates}) = 1"
    )


FILL = (
    "UPDATE payment SET share_id = (SELECT c.share_id FROM checkout c WHERE c.id = payment.checkout_id) "
    "WHERE payer_id IS NOT NULL AND checkout_id IS NOT NULL",
    _by_the_only_one(OF_ITS_PAYER),
    _by_the_only_one(PAID_STILL),
)


def upgrade() -> None:
    with op.batch_alter_table("payment", recreate="never") as payment:
        payment.add_column(sa.Column("share_id", sa.String(40), nullable=True))
    op.create_index("ix_payment_share_id", "payment", ["share_id"])
    for statement in FILL:
        op.execute(statement)
