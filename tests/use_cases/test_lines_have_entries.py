"""No line without its entry, whoever writes at the same time, gives up half-way, or goes past the product.

On PostgreSQL no foreign key says so but the trigger of the lines, which looks at the end of each statement:
these are the ways in which something could change behind its back.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError

from billing.ledger.models import EntryRow, LineRow
from billing.platform.data.errors import DatabaseBusy
from billing.platform.data.waiting import insert_together

AT_ONCE = insert_together("ledger_entry", "ledger_line")
LINE = "INSERT INTO ledger_line (entry_id, place, account, cents) VALUES"
ORPHANS = "SELECT COUNT(*) FROM ledger_line WHERE entry_id NOT IN (SELECT id FROM ledger_entry)"
UNWHOLE = """
    SELECT COUNT(*) FROM ledger_entry WHERE (line_count, 0) <> (
        SELECT COUNT(*), COALESCE(SUM(cents), 1) FROM ledger_line WHERE entry_id = ledger_entry.id)
"""
WAITING = """
    SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
REFUSED = (DatabaseError, DatabaseBusy)


class GaveUp(Exception):
    pass


@pytest.fixture
def many_writers(database):
    """For what cannot be asked of SQLite, where one writer waits until another has ended."""
    if database.write_engine.dialect.name != "postgresql":
        pytest.skip("on SQLite there is one writer at a time")
    return database.write_engine


def written(connection, entry_id, now):
    """An entry of two lines, as the product writes it but with an id that others can know before."""
    entry = {
        "id": entry_id,
        "entity_id": "ent_1",
        "site_id": "sit_1",
        "posted_at": now,
        "effective_on": date(2026, 11, 2),
        "period": "2026-11",
        "source_kind": "session",
        "source_id": entry_id,
        "purpose": "given",
        "reverses_id": None,
        "actor_id": "system",
        "line_count": 2,
    }
    lines = [
        {"entry_id": entry_id, "place": place, "account": "1000", "cents": cents, "patient_id": None}
        for place, cents in ((1, 5), (2, -5))
    ]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(AT_ONCE, (json.dumps([entry], default=str), json.dumps(lines)))
    else:
        connection.execute(insert(LineRow), lines)
        connection.execute(insert(EntryRow), entry)


def pair(entry_id, first):
    """Two more lines that balance, from a place on."""
    return text(f"{LINE} ('{entry_id}', {first}, '1000', 9), ('{entry_id}', {first + 1}, '1000', -9)")


def counted(database, query):
    with database.reading() as read:
        return read.connection.execute(text(query)).scalar_one()


def ended(deed, *refusals):
    try:
        deed()
    except refusals:
        return False
    return True


def test_writers_that_post_give_up_and_add_lines_at_once_leave_whole_entries(database, now):
    """Each id is wanted by one who posts, one who posts and gives up, and two who add lines."""

    def post_it(entry_id, gives_up=False):
        def work(tx):
            written(tx.connection, entry_id, now)
            if gives_up:
                raise GaveUp

        return ended(lambda: database.in_transaction(work), GaveUp, *REFUSED)

    def add(entry_id, first):
        return ended(
            lambda: database.in_transaction(lambda tx: tx.connection.execute(pair(entry_id, first))), *REFUSED
        )

    ids = [f"je_race_{number}" for number in range(12)]
    with ThreadPoolExecutor(8) as writers:
        asked = [
            (
                writers.submit(add, entry_id, 1),
                writers.submit(post_it, entry_id, gives_up=True),
                writers.submit(add, entry_id, 3),
                writers.submit(post_it, entry_id),
            )
            for entry_id in ids
        ]
    assert [[each.result() for each in four] for four in asked] == [[False, False, False, True]] * len(ids)
    assert (counted(database, ORPHANS), counted(database, UNWHOLE)) == (0, 0)
    assert counted(database, "SELECT COUNT(*) FROM ledger_line") == 2 * len(ids)


def test_an_entry_that_was_given_up_within_its_transaction_takes_its_lines_along(database, now):
    def work(tx, *, with_more):
        attempt = tx.connection.begin_nested()
        written(tx.connection, "je_back", now)
        attempt.rollback()
        if with_more:
            tx.connection.execute(pair("je_back", 1))

    database.in_transaction(lambda tx: work(tx, with_more=False))
    with pytest.raises(DatabaseError):
        database.in_transaction(lambda tx: work(tx, with_more=True))
    assert counted(database, "SELECT COUNT(*) FROM ledger_line") == 0


def test_the_entry_of_somebody_who_has_not_committed_is_none(many_writers, database, now):
    with many_writers.connect() as other:
        written(other, "je_other", now)
        for level in LEVELS:
            with pytest.raises(DatabaseError):
                _add_later(many_writers, level, first=3)
        other.rollback()
    assert counted(database, ORPHANS) == 0


@pytest.mark.parametrize(("ending", "left"), [("commit", 2), ("rollback", 0)])
def test_lines_that_waited_for_the_places_of_another_writer_are_refused(
    many_writers, database, now, ending, left
):
    """When the other rolls back, the places are free and the lines go in: to be found without an entry."""
    for number, level in enumerate(LEVELS, 1):
        with many_writers.connect() as other, ThreadPoolExecutor(1) as clerk:
            written(other, f"je_{number}", now)
            asked = clerk.submit(
                ended, partial(_add_later, many_writers, level, first=1, to=f"je_{number}"), DatabaseError
            )
            _wait_until_somebody_waits(database)
            getattr(other, ending)()
            assert not asked.result()
        assert counted(database, ORPHANS) == 0
        assert counted(database, "SELECT COUNT(*) FROM ledger_line") == left * number


ROUNDABOUT = [
    f"{LINE} ('je_1', 1, '1000', 9), ('je_1', 3, '1000', 9) ON CONFLICT DO NOTHING",  # one more
    # two writes in one statement
    f"WITH one AS ({LINE} ('je_2', 1, '1000', 9), ('je_2', 2, '1000', -9)) {LINE} ('je_2', 3, '1000', 9)",
    f"DO $$ BEGIN {LINE} ('je_2', 1, '1000', 9), ('je_2', 2, '1000', -9); END $$",  # within a block
    "UPDATE ledger_line SET entry_id = 'je_2'",  # lines that change their entry
    "UPDATE ledger_entry SET id = 'je_2'",  # an entry that changes its id
    "DELETE FROM ledger_entry",  # an entry that is deleted
    "TRUNCATE ledger_entry CASCADE",  # all entries at once
]


def test_no_way_about_parts_lines_from_their_entry(many_writers, database, now):
    database.in_transaction(lambda tx: written(tx.connection, "je_1", now))
    for statement in ROUNDABOUT:
        with pytest.raises(DatabaseError), many_writers.begin() as connection:
            connection.exec_driver_sql(statement)
        assert (counted(database, ORPHANS), counted(database, UNWHOLE)) == (0, 0)


def test_lines_that_are_copied_in_need_their_entry_too(many_writers, database):
    def work(tx):
        cursor = tx.connection.connection.cursor()
        with cursor.copy("COPY ledger_line (entry_id, place, account, cents) FROM STDIN") as copy:
            for line in (("je_2", 1, "1000", 9), ("je_2", 2, "1000", -9)):
                copy.write_row(line)

    with pytest.raises(Exception, match="balances over the lines"):
        database.in_transaction(work)
    assert counted(database, ORPHANS) == 0


def _add_later(engine, level, *, first, to="je_other"):
    """Two lines, by a transaction that has looked at the books before."""
    with engine.connect() as connection:
        late = connection.execution_options(isolation_level=level)
        late.execute(text(ORPHANS))
        late.execute(pair(to, first))
        late.commit()


def _wait_until_somebody_waits(database):
    for _ in range(200):
        if counted(database, WAITING):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
