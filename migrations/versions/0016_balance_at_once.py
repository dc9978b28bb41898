"""PostgreSQL: an entry's lines are checked by what their own statement wrote"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHECK_BALANCE = """
    CREATE OR REPLACE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- All lines of an entry come in one statement, at the places 1 to line_count. A second statement would
        -- need these places again, which are taken; so what was checked once stays true.
        IF EXISTS (
            SELECT 1 FROM fresh GROUP BY entry_id
            HAVING SUM(cents) <> 0 OR MIN(place) <> 1 OR MAX(place) <> COUNT(*)
                OR COUNT(*) IS DISTINCT FROM (SELECT line_count FROM ledger_entry WHERE id = entry_id)
        ) THEN
            RAISE EXCEPTION 'an entry balances over the lines that it counts' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(CHECK_BALANCE)
        # The trigger finds the entry of every line, all at once, and entries are never deleted: the key would
        # look each of them up again, one by one, which is a third of the time of posting many.
        op.drop_constraint("fk_ledger_line_entry_id", "ledger_line", type_="foreignkey")
