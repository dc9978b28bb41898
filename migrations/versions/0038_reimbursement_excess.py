"""What insurers paid above what was the patient's, and what of it became the patient's later"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

APPEND_ONLY = ("excess_share",)


def upgrade() -> None:
    op.create_table(
        "reimbursement_excess",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("shared_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_reimbursement_excess_positive")),
        sa.CheckConstraint(
            "shared_cents BETWEEN 0 AND amount_cents", name=op.f("ck_reimbursement_excess_shared_within")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_reimbursement_excess_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reimbursement_excess")),
    )
    op.create_index("ix_reimbursement_excess_session_id", "reimbursement_excess", ["session_id"])
    op.create_table(
        "excess_share",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("excess_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("shared_on", sa.Date(), nullable=False),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_excess_share_positive")),
        sa.ForeignKeyConstraint(
            ["excess_id"], ["reimbursement_excess.id"], name=op.f("fk_excess_share_excess_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excess_share")),
    )
    op.create_index("ix_excess_share_excess_id", "excess_share", ["excess_id"])
    _take_over()
    _guard()


def _take_over() -> None:
    """What was received before: the entry tells the excess, and the claim its visit."""
    op.execute(
        """
        INSERT INTO reimbursement_excess
            (id, entity_id, site_id, patient_id, session_id, amount_cents, shared_cents)
        SELECT c.id, e.entity_id, e.site_id, l.patient_id, c.session_id, -SUM(l.cents), 0
        FROM remittance_claim c
        JOIN ledger_entry e
            ON e.source_kind = 'reimbursement' AND e.source_id = c.id AND e.purpose = 'received'
        JOIN ledger_line l ON l.entry_id = e.id AND l.account = '2220' AND l.cents < 0
        GROUP BY c.id, e.entity_id, e.site_id, l.patient_id, c.session_id
        """
    )


def _guard() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in APPEND_ONLY:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
            )
