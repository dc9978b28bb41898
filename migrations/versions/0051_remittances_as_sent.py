"""Remittances as they are sent: reversals, what payers take back, what is undone, what waits"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

POSTED, NOT_UNDONE = sa.text("state = 'posted'"), sa.text("state <> 'undone'")
APPEND_ONLY = ("remittance_taking", "remittance_undo", "restored_claim")
KEY = ["payer_id", "trace", "amount_cents", "paid_on"]


def upgrade() -> None:
    op.drop_index("uq_remittance_posted", "remittance")
    with op.batch_alter_table("remittance", recreate="auto") as remittance:
        remittance.drop_constraint("uq_remittance_content", type_="unique")
        remittance.add_column(sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
    _unique("uq_remittance_posted", ["entity_id", *KEY], POSTED)
    _unique("uq_remittance_content", [*KEY, "content_sha256"], NOT_UNDONE)
    op.add_column("remittance_claim", sa.Column("reverses_id", sa.String(40), nullable=True))
    op.create_index("ix_remittance_claim_reverses_id", "remittance_claim", ["reverses_id"])
    _create_tables()
    for table in APPEND_ONLY:
        _refuse_change(table)


def _refuse_change(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
        )


def _unique(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "remittance", columns, unique=True, sqlite_where=where, postgresql_where=where)


def _create_tables() -> None:
    op.create_table(
        "remittance_adjustment",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(2), nullable=False),
        sa.Column("reference", sa.String(50), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        _of("remittance", "remittance_adjustment"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_adjustment")),
        sa.UniqueConstraint(
            "remittance_id", "place", name=op.f("uq_remittance_adjustment_remittance_id_place")
        ),
    )
    op.create_table(
        "remittance_taking",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("reimbursement_id", sa.String(40), nullable=False),
        sa.Column("takeback_id", sa.String(40), nullable=False),
        sa.Column("demanded_cents", sa.BigInteger(), nullable=False),
        sa.Column("returned_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "demanded_cents >= 0 AND returned_cents >= 0",
            name=op.f("ck_remittance_taking_nothing_below_zero"),
        ),
        _of("remittance", "remittance_taking"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_taking")),
    )
    op.create_index("ix_remittance_taking_remittance_id", "remittance_taking", ["remittance_id"])
    op.create_table(
        "remittance_undo",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("remittance_id", sa.String(40), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _of("remittance", "remittance_undo"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_undo")),
        sa.UniqueConstraint("remittance_id", name=op.f("uq_remittance_undo_remittance_id")),
    )
    op.create_table(
        "restored_claim",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("undo_id", sa.String(40), nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_restored_claim_positive")),
        sa.ForeignKeyConstraint(
            ["undo_id"], ["remittance_undo.id"], name=op.f("fk_restored_claim_undo_id_remittance_undo")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restored_claim")),
    )
    op.create_index("ix_restored_claim_undo_id", "restored_claim", ["undo_id"])
    op.create_index("ix_restored_claim_claim_id", "restored_claim", ["claim_id"])


def _of(table: str, owner: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{owner}_{table}_id_{table}")
    return sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"], name=name)
