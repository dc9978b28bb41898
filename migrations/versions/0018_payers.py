"""Other payers, and what they take of an invoice"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payer",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer")),
    )
    op.create_index("ix_payer_site_id", "payer", ["site_id"])
    op.create_table(
        "payer_share",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("invoice_id", sa.String(40), nullable=False),
        sa.Column("payer_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("agreed_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("open_cents", sa.BigInteger(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("denied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(20), nullable=True),
        sa.Column("borne_by", sa.String(10), nullable=True),
        sa.Column("asked_by_person", sa.String(40), nullable=True),
        sa.Column("ended_by_person", sa.String(40), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("agreed_cents > 0", name=op.f("ck_payer_share_positive")),
        sa.CheckConstraint(
            "open_cents >= 0 AND paid_cents >= 0", name=op.f("ck_payer_share_nothing_below_zero")
        ),
        sa.CheckConstraint(
            "open_cents + paid_cents <= agreed_cents", name=op.f("ck_payer_share_within_what_was_agreed")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_payer_share_patient_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payer_share_invoice_id")),
        sa.ForeignKeyConstraint(["payer_id"], ["payer.id"], name=op.f("fk_payer_share_payer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_share")),
    )
    for name in ("patient_id", "invoice_id", "payer_id"):
        op.create_index(f"ix_payer_share_{name}", "payer_share", [name])
