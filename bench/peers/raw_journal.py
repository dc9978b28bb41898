"""Entries through psycopg: one by two statements, its balance checked in either of two ways, or many by COPY.

Only the commit can check all that the product's triggers check, an entry without lines included: deferred
constraint triggers, which PostgreSQL runs row by row. A trigger at the end of the second statement is
cheaper, and checks the lines of that statement alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from billing.kernel.ids import new_id
from tests.conftest import NOW

TABLES = """
CREATE TABLE entry (
    id varchar(40) PRIMARY KEY, entity_id varchar(40) NOT NULL, site_id varchar(40) NOT NULL,
    posted_at timestamptz NOT NULL, effective_on date NOT NULL, period varchar(7) NOT NULL,
    source_kind varchar(30) NOT NULL, source_id varchar(40) NOT NULL, purpose varchar(30) NOT NULL,
    reverses_id varchar(40) UNIQUE REFERENCES entry, actor_id varchar(40) NOT NULL,
    UNIQUE (source_kind, source_id, purpose));
CREATE INDEX ON entry (entity_id, period);
CREATE TABLE line (
    entry_id varchar(40) NOT NULL REFERENCES entry, place smallint NOT NULL, account varchar(10) NOT NULL,
    cents bigint NOT NULL CHECK (cents <> 0), patient_id varchar(40), PRIMARY KEY (entry_id, place));
CREATE INDEX ON line (account, patient_id);
"""
AT_COMMIT = """
CREATE FUNCTION check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT COALESCE(SUM(cents), 1) <> 0 OR COUNT(*) < 2 FROM line WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'an entry balances' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION check_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT SUM(cents) <> 0 FROM line WHERE entry_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'an entry balances' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION check_entry();
CREATE CONSTRAINT TRIGGER line_balances AFTER INSERT ON line DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION check_line();
"""
AT_STATEMENT = """
CREATE FUNCTION check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh GROUP BY entry_id HAVING SUM(cents) <> 0 OR COUNT(*) < 2) THEN
        RAISE EXCEPTION 'an entry balances' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balances AFTER INSERT ON line REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION check_balance();
"""
UNCHECKED = ""
ENTRY = """
INSERT INTO entry (id, entity_id, site_id, posted_at, effective_on, period, source_kind, source_id, purpose,
                   actor_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
LINES = (
    "INSERT INTO line (entry_id, place, account, cents, patient_id) VALUES "
    "(%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s)"
)
COPY_ENTRIES = """
COPY entry (id, entity_id, site_id, posted_at, effective_on, period, source_kind, source_id, purpose,
            actor_id) FROM STDIN
"""
COPY_LINES = "COPY line (entry_id, place, account, cents, patient_id) FROM STDIN"
Rows = list[tuple[object, ...]]
AMOUNTS = (("2100", 10_000), ("1100", 26_125), ("4900", 6_375), ("4000", -42_500))


class RawJournal:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def post(self) -> None:
        entry_id = new_id("je")
        cursor = self._connection.cursor()
        cursor.execute(ENTRY, _head(entry_id))
        cursor.execute(LINES, [value for line in _lines(entry_id) for value in line])
        self._connection.commit()

    def copy(self, heads: Rows, lines: Rows) -> None:
        """Post many at once, as fast as PostgreSQL takes rows."""
        cursor = self._connection.cursor()
        for statement, rows in ((COPY_ENTRIES, heads), (COPY_LINES, lines)):
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        self._connection.commit()


def rows_of(count: int) -> tuple[Rows, Rows]:
    """The rows of so many entries: of the entries themselves, and of their lines."""
    entry_ids = [new_id("je") for _ in range(count)]
    lines = [line for entry_id in entry_ids for line in _lines(entry_id)]
    return [_head(entry_id) for entry_id in entry_ids], lines


def _head(entry_id: str) -> tuple[object, ...]:
    day = NOW.date()
    period, source_id = f"{day:%Y-%m}", new_id("ses")
    return (
        entry_id, "ent_sample", "site_sample", NOW, day, period, "session", source_id, "given", "system",
    )  # fmt: skip


def _lines(entry_id: str) -> Rows:
    return [
        (entry_id, place, account, cents, "pat_sample") for place, (account, cents) in enumerate(AMOUNTS, 1)
    ]


@contextmanager
def opened(url: str, triggers: str) -> Iterator[RawJournal]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(TABLES + triggers)
        connection.commit()
        yield RawJournal(connection)
