"""What became of claims: acknowledgements, the last day to file, and what reason codes mean"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claim", sa.Column("interchange_number", sa.BigInteger(), nullable=True))
    op.create_index("ix_claim_interchange_number", "claim", ["interchange_number"])
    op.add_column("claim", sa.Column("file_by", sa.Date(), nullable=True))
    op.create_index("ix_claim_file_by", "claim", ["file_by"])
    op.create_table(
        "claim_acknowledgement",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("codes", sa.String(3000), nullable=False),
        sa.Column("payer_claim_number", sa.String(50), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.String(40), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('accepted', 'rejected', 'noted')", name=op.f("ck_claim_acknowledgement_verdict_known")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_claim_acknowledgement_claim_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_acknowledgement")),
        sa.UniqueConstraint(
            "claim_id", "content_sha256", name=op.f("uq_claim_acknowledgement_claim_id_content_sha256")
        ),
    )
    op.create_table(
        "reason_code",
        sa.Column("list", sa.String(4), nullable=False),
        sa.Column("code", sa.String(5), nullable=False),
        sa.Column("words", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("list", "code", name=op.f("pk_reason_code")),
    )


def downgrade() -> None:
    op.drop_table("reason_code")
    op.drop_table("claim_acknowledgement")
    op.drop_index("ix_claim_file_by", "claim")
    op.drop_column("claim", "file_by")
    op.drop_index("ix_claim_interchange_number", "claim")
    op.drop_column("claim", "interchange_number")
