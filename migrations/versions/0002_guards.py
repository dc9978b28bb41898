"""Triggers: entries balance, and what is issued is never changed or taken away"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "ledger_entry",
    "ledger_line",
    "audit_row",
    "audit_seal",
    "state_change",
    "document",
    "rendering",
    "fee_schedule",
    "quote",
    "invoice_line",
    "invoice_tender",
    "invoice_return",
    "credit_application",
    "webhook_event",
)

SQLITE_BALANCE = (
    """
    CREATE TRIGGER ledger_line_before_entry BEFORE INSERT ON ledger_line
    WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id)
    BEGIN SELECT RAISE(ABORT, 'a posted entry takes no more lines'); END
    """,
    """
    CREATE TRIGGER ledger_entry_balances BEFORE INSERT ON ledger_entry
    WHEN (SELECT COALESCE(SUM(cents), 1) <> 0 OR COUNT(*) < 2 OR COUNT(*) <> NEW.line_count
          FROM ledger_line WHERE entry_id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'an entry balances over the lines that it counts'); END
    """,
)

POSTGRESQL_BALANCE = (
    """
    CREATE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT 1
            FROM (SELECT DISTINCT entry_id FROM fresh) AS touched
            LEFT JOIN ledger_entry AS entry ON entry.id = touched.entry_id
            LEFT JOIN LATERAL (
                SELECT COUNT(*) AS lines, SUM(cents) AS balance
                FROM ledger_line WHERE entry_id = touched.entry_id
            ) AS told ON true
            WHERE entry.id IS NULL OR told.balance <> 0 OR told.lines <> entry.line_count
        ) THEN
            RAISE EXCEPTION 'an entry balances over the lines that it counts' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_line_balances AFTER INSERT ON ledger_line
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_balance()
    """,
    """
    CREATE FUNCTION ledger_check_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT 1 FROM fresh
            WHERE NOT EXISTS (SELECT 1 FROM ledger_line WHERE entry_id = fresh.id)
        ) THEN
            RAISE EXCEPTION 'an entry is posted together with its lines' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_entry_has_lines AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_lines()
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% keeps what it holds', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END $$
    """,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL_BALANCE:
            op.execute(statement)
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for statement in SQLITE_BALANCE:
        op.execute(statement)
    for table in APPEND_ONLY:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
            )
