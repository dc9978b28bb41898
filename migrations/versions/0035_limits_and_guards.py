"""When a demand was forgiven, one row to lock a person by, a cashier's drawers of all sites, stops that stay"""

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
    _guard_stops()


def _guard_stops() -> None:
    """A stop of charges is lifted once, and stays as it was entered; only what says why is added to it."""
    changed = "OLD.lifted_at IS NOT NULL OR " + " OR ".join(
        f"NEW.{name} <> OLD.{name}" for name in ("id", "patient_id", "effective_from", "placed_at", "placed_by")
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER account_hold_stays BEFORE DELETE OR TRUNCATE ON account_hold "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER account_hold_as_entered BEFORE UPDATE ON account_hold "
            f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed, when in (("UPDATE", f"WHEN {changed} "), ("DELETE", "")):
        op.execute(
            f"CREATE TRIGGER account_hold_no_{deed.lower()} BEFORE {deed} ON account_hold {when}"
            "BEGIN SELECT RAISE(ABORT, 'account_hold keeps what it holds'); END"
        )
