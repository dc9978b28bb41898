"""What the processor lists, and what of it cannot be explained"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "processor_movement",
    "named_exception",
    "named_exception_end",
    "named_exception_booking",
    "reconciliation",
)


def upgrade() -> None:
    _movements()
    _exceptions()
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("clearing_cents", sa.BigInteger(), nullable=False),
        sa.Column("under_way_cents", sa.BigInteger(), nullable=False),
        sa.Column("named_cents", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    _guard()


def _movements() -> None:
    op.create_table(
        "processor_movement",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=True),
        sa.Column("reporting_category", sa.String(60), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("charge", sa.String(255), nullable=True),
        sa.Column("operation", sa.String(40), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processor_movement")),
        sa.UniqueConstraint("reference", name=op.f("uq_processor_movement_reference")),
    )
    op.create_index("ix_processor_movement_object_id", "processor_movement", ["object_id"])
    op.create_index("ix_processor_movement_operation", "processor_movement", ["operation"])


def _exceptions() -> None:
    op.create_table(
        "named_exception",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("occurrence", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_exception")),
        sa.UniqueConstraint(
            "kind", "object_id", "occurrence", name=op.f("uq_named_exception_kind_object_id_occurrence")
        ),
    )
    op.create_index("ix_named_exception_entity_id_site_id", "named_exception", ["entity_id", "site_id"])
    op.create_table(
        "named_exception_end",
        sa.Column("exception_id", sa.String(40), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exception_id"], ["named_exception.id"], name=op.f("fk_named_exception_end_exception_id")
        ),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_named_exception_end")),
    )
    op.create_table(
        "named_exception_booking",
        sa.Column("exception_id", sa.String(40), nullable=False),
        sa.Column("moved_cents", sa.BigInteger(), nullable=False),
        sa.Column("booked_by", sa.String(40), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exception_id"], ["named_exception.id"], name=op.f("fk_named_exception_booking_exception_id")
        ),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_named_exception_booking")),
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
