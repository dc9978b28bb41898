"""Gifts from before those of a day were counted together; which dashboard refund a person refused to book"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

ASKED = """
    FROM audit_row a JOIN named_exception n ON n.id = a.subject_id
    WHERE a.action = 'exception.refund' AND a.at = refund.requested_at AND a.actor_id = refund.requested_by
        AND ABS(n.cents) = refund.amount_cents
"""
"""A refund of the dashboard was asked for in the instant in which its exception says so."""


def upgrade() -> None:
    op.create_table(
        "uncounted_gift",
        sa.Column("takeback_id", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["takeback_id"], ["takeback.id"], name=op.f("fk_uncounted_gift_takeback_id")
        ),
        sa.PrimaryKeyConstraint("takeback_id", name=op.f("pk_uncounted_gift")),
    )
    op.execute(
        "INSERT INTO uncounted_gift (takeback_id) "
        "SELECT id FROM takeback WHERE forgiven_by_person = demanded_by_person"
    )
    _close_list()
    with op.batch_alter_table("refund", recreate="never") as refund:
        refund.add_column(sa.Column("refused_reference", sa.String(255), nullable=True))
    op.create_index("ix_refund_refused_reference", "refund", ["refused_reference"])
    op.execute(f"UPDATE refund SET made_by_hand = true WHERE method = 'card' AND EXISTS (SELECT 1 {ASKED})")
    op.execute(
        f"UPDATE refund SET refused_reference = (SELECT MAX(n.object_id) {ASKED}) "
        "WHERE state = 'rejected' AND method = 'card'"
    )


def _close_list() -> None:
    """The list of old gifts takes no more of them, and keeps those that it has."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER uncounted_gift_closed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
            "ON uncounted_gift FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("INSERT", "UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER uncounted_gift_no_{deed.lower()} BEFORE {deed} ON uncounted_gift "
            "BEGIN SELECT RAISE(ABORT, 'uncounted_gift keeps what it holds'); END"
        )
