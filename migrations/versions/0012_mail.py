"""Links to receipts, and the mails that carry them"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_link",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("receipt_id", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tries_left >= 0", name=op.f("ck_receipt_link_tries_not_negative")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_receipt_link_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_link")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_receipt_link_fingerprint")),
    )
    op.create_index("ix_receipt_link_receipt_id", "receipt_link", ["receipt_id"])
    op.create_table(
        "mail",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("receipt_id", sa.String(40), nullable=False),
        sa.Column("link_id", sa.String(40), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("turn", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_mail_receipt_id")),
        sa.ForeignKeyConstraint(["link_id"], ["receipt_link.id"], name=op.f("fk_mail_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("link_id", name=op.f("uq_mail_link_id")),
        sa.UniqueConstraint(
            "receipt_id", "recipient", "turn", name=op.f("uq_mail_receipt_id_recipient_turn")
        ),
    )
