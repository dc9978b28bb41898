"""Money that payers demand back"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("takeback_return",)


def upgrade() -> None:
    op.create_table(
        "takeback",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("reimbursement_id", sa.String(40), nullable=False),
        sa.Column("demand", sa.String(60), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("unspent_cents", sa.BigInteger(), nullable=False),
        sa.Column("billed_cents", sa.BigInteger(), nullable=False),
        sa.Column("forgiven_cents", sa.BigInteger(), nullable=False),
        sa.Column("returned_cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("demanded_on", sa.Date(), nullable=False),
        sa.Column("demanded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("demanded_by_person", sa.String(40), nullable=False),
        sa.Column("forgiven_by_person", sa.String(40), nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_takeback_positive")),
        sa.CheckConstraint(
            "unspent_cents >= 0 AND billed_cents >= 0 AND forgiven_cents >= 0",
            name=op.f("ck_takeback_nothing_below_zero"),
        ),
        sa.CheckConstraint(
            "unspent_cents + billed_cents + forgiven_cents <= amount_cents",
            name=op.f("ck_takeback_shared_within"),
        ),
        sa.CheckConstraint(
            "returned_cents BETWEEN 0 AND amount_cents", name=op.f("ck_takeback_returned_within")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_takeback_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeback")),
        sa.UniqueConstraint("entity_id", "demand", name=op.f("uq_takeback_entity_id_demand")),
    )
    op.create_index("ix_takeback_patient_id", "takeback", ["patient_id"])
    op.create_index("ix_takeback_reimbursement_id", "takeback", ["reimbursement_id"])
    op.create_table(
        "takeback_return",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("takeback_id", sa.String(40), nullable=False),
        sa.Column("source_id", sa.String(40), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_takeback_return_positive")),
        sa.ForeignKeyConstraint(["takeback_id"], ["takeback.id"], name=op.f("fk_takeback_return_takeback_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeback_return")),
        sa.UniqueConstraint(
            "takeback_id", "source_id", name=op.f("uq_takeback_return_takeback_id_source_id")
        ),
    )
    _guard()


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
