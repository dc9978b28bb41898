"""An entry by two statements through psycopg, with a trigger at the end of the second one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from billing.kernel.ids import new_id
from tests.conftest import NOW

SCHEMA = """
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
ENTRY = """
INSERT INTO entry (id, entity_id, site_id, posted_at, effective_on, period, source_kind, source_id, purpose,
                   actor_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
LINES = (
    "INSERT INTO line (entry_id, place, account, cents, patient_id) VALUES "
    "(%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s)"
)
AMOUNTS = (("2100", 10_000), ("1100", 26_125), ("4900", 6_375), ("4000", -42_500))


class RawJournal:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def post(self) -> None:
        entry_id, source_id = new_id("je"), new_id("ses")
        day = NOW.date()
        head = (
            entry_id,
            "ent_sample",
            "site_sample",
            NOW,
            day,
            f"{day:%Y-%m}",
            "session",
            source_id,
            "given",
        )
        lines: list[object] = []
        for place, (account, cents) in enumerate(AMOUNTS, 1):
            lines += (entry_id, place, account, cents, "pat_sample")
        cursor = self._connection.cursor()
        cursor.execute(ENTRY, (*head, "system"))
        cursor.execute(LINES, lines)
        self._connection.commit()


@contextmanager
def opened(url: str) -> Iterator[RawJournal]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(SCHEMA)
        connection.commit()
        yield RawJournal(connection)
