"""Receipts of payments and refunds"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("payment_id", sa.String(40), nullable=True),
        sa.Column("refund_id", sa.String(40), nullable=True),
        sa.Column("refers_to_id", sa.String(40), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(payment_id IS NULL) <> (refund_id IS NULL)", name=op.f("ck_receipt_of_one_thing")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_receipt_positive")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_receipt_patient_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_receipt_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_receipt_refund_id")),
        sa.ForeignKeyConstraint(["refers_to_id"], ["receipt.id"], name=op.f("fk_receipt_refers_to_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_receipt_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("entity_id", "number", name=op.f("uq_receipt_entity_id_number")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_receipt_payment_id")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_receipt_refund_id")),
        sa.UniqueConstraint("document_id", name=op.f("uq_receipt_document_id")),
    )
    op.create_index("ix_receipt_patient_id", "receipt", ["patient_id"])
    op.create_index("ix_receipt_refers_to_id", "receipt", ["refers_to_id"])
    _guard()


def _guard() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER receipt_no_{deed.lower()} BEFORE {deed} ON receipt "
            "BEGIN SELECT RAISE(ABORT, 'receipt keeps what it holds'); END"
        )
