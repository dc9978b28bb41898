"""Credits whose owners show no sign"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dormant_credit",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("lot_id", sa.String(40), nullable=False),
        sa.Column("us_state", sa.String(2), nullable=False),
        sa.Column("dormant_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("letter_on", sa.Date(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("set_aside_on", sa.Date(), nullable=True),
        sa.Column("remitted_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(60), nullable=True),
        sa.Column("claimed_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_dormant_credit_positive")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_dormant_credit_patient_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["credit_lot.id"], name=op.f("fk_dormant_credit_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dormant_credit")),
        sa.UniqueConstraint("lot_id", "dormant_on", name=op.f("uq_dormant_credit_lot_id_dormant_on")),
    )
    op.create_index("ix_dormant_credit_patient_id", "dormant_credit", ["patient_id"])
