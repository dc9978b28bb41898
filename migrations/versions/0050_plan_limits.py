"""What stands between a patient's care and a health plan: federal programs, and plans that are not told"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_limits",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_plan_limits_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_limits")),
    )
    op.create_index("ix_plan_limits_patient_id", "plan_limits", ["patient_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER plan_limits_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON plan_limits FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER plan_limits_no_{deed.lower()} BEFORE {deed} ON plan_limits "
            "BEGIN SELECT RAISE(ABORT, 'plan_limits keeps what it holds'); END"
        )
