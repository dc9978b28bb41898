"""Insurers' files that the worker reads and posts, part by part; whose a decision about a payment was"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0058"
branch_labels = None
depends_on = None

DECISION = "remittance_decision"
WHOSE = """
UPDATE remittance_decision SET entity_id = coalesce(
    (SELECT staff_user.entity_id FROM staff_user WHERE staff_user.id = remittance_decision.decided_by),
    (SELECT api_token.entity_id FROM api_token WHERE api_token.id = remittance_decision.decided_by),
    (SELECT remittance.entity_id FROM remittance WHERE remittance.id = remittance_decision.remittance_id)
)
"""
"""Who works for one clinic decided for that one; of others the payment itself says it as it stands now."""


def upgrade() -> None:
    op.add_column(DECISION, sa.Column("entity_id", sa.String(40), nullable=True))
    _allow_changes()
    op.execute(WHOSE)
    _refuse_changes()
    # What was posted is in the list of answers; the page of its file was there for a day.
    op.execute("DELETE FROM remittance_upload WHERE posted_at IS NOT NULL")
    op.drop_column("remittance_upload", "outcome")
    for column in (
        sa.Column("state", sa.String(10), nullable=False, server_default="read"),
        sa.Column("entity_id", sa.String(40), nullable=True),
        sa.Column("site_ids", sa.JSON(), nullable=True),
        sa.Column("claims", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("claims_done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("refusal", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("remittance_upload", column)
    op.create_table(
        "remittance_upload_part",
        sa.Column("upload_id", sa.String(40), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.String(10), nullable=True),
        sa.Column("status", sa.String(10), nullable=True),
        sa.Column("remittance_id", sa.String(40), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["remittance_upload.id"],
            name=op.f("fk_remittance_upload_part_upload_id_remittance_upload"),
        ),
        sa.PrimaryKeyConstraint("upload_id", "place", name=op.f("pk_remittance_upload_part")),
    )


def _allow_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {DECISION} DISABLE TRIGGER {DECISION}_append_only")
    else:
        op.execute(f"DROP TRIGGER {DECISION}_no_update")


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {DECISION} ENABLE TRIGGER {DECISION}_append_only")
    else:
        op.execute(
            f"CREATE TRIGGER {DECISION}_no_update BEFORE UPDATE ON {DECISION} "
            f"BEGIN SELECT RAISE(ABORT, '{DECISION} keeps what it holds'); END"
        )


def downgrade() -> None:
    op.drop_table("remittance_upload_part")
    op.execute("DELETE FROM remittance_upload")
    for column in ("refusal", "claims_done", "claims", "site_ids", "entity_id", "state"):
        op.drop_column("remittance_upload", column)
    op.add_column("remittance_upload", sa.Column("outcome", sa.LargeBinary(), nullable=True))
    op.drop_column(DECISION, "entity_id")
