"""The secrets of links in letters that wait to be mailed no more"""

from alembic import op

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE choice_letter SET sealed = NULL WHERE state <> 'queued'")


def downgrade() -> None:
    """What was forgotten stays so; nothing reads it."""
