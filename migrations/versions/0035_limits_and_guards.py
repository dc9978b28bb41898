"""When a demand was forgiven, one row to lock a person by, a cashier's drawers of all sites"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limited_person",
        sa.Column("person_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_limited_person")),
    )
    op.create_index("ix_cash_drawer_cashier", "cash_drawer", ["cashier"])
    with op.batch_alter_table("takeback", recreate="never") as takeback:
        takeback.add_column(sa.Column("forgiven_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE takeback SET forgiven_at = (SELECT MAX(posted_at) FROM ledger_entry e "
        "WHERE e.source_kind = 'takeback' AND e.source_id = takeback.id AND e.purpose = 'forgiven') "
        "WHERE forgiven_by_person IS NOT NULL"
    )
    with op.batch_alter_table("takeback", recreate="auto") as takeback:
        takeback.create_check_constraint(
            op.f("ck_takeback_who_forgives_says_when"),
            "(forgiven_by_person IS NULL) = (forgiven_at IS NULL)",
        )
