"""What a request says to the database, said again through the bare driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy import Engine, event, make_url

from billing.platform.data.database import Database, Rehearsed, Tx
from billing.platform.data.engines import SQLITE_SETTINGS

Connection = Any
"""Of psycopg or of sqlite3, outside of a transaction."""


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: Any
    is_many: bool
    is_read: bool
    """Said by a reader, in a transaction of its own before the write: who carries this token?"""


def statements_of(writer: Engine, reader: Engine, request: Callable[[], object]) -> list[Statement]:
    """All that is said to the database for one request, whose effect is rolled back."""
    told: list[Statement] = []

    def note(connection: Any, _cursor: Any, text: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if not text.startswith("BEGIN"):
            told.append(Statement(text, parameters, is_many, is_read=connection.engine is reader))

    engines = (writer, reader)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(Database, "in_transaction", _rehearse):
            request()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    return told


def read_once(statements: Sequence[Statement]) -> list[Statement]:
    """The same without the reads that were made before."""
    kept: list[Statement] = []
    seen: set[str] = set()
    for statement in statements:
        said = f"{statement.text} {statement.parameters}"
        if not statement.text.startswith("SELECT") or said not in seen:
            kept.append(statement)
        seen.add(said)
    return kept


def say(connection: Connection, statements: Sequence[Statement]) -> None:
    """The reads before the write as the product says them, then the write; what is read is fetched."""
    reads = [each for each in statements if each.is_read]
    writes = [each for each in statements if not each.is_read]
    if isinstance(connection, sqlite3.Connection):
        _say_together(connection, reads, "BEGIN")
    else:  # a read alone is its own transaction
        connection.autocommit = len(reads) == 1
        _say_together(connection, reads, "BEGIN")
        connection.autocommit = False
    _say_together(connection, writes, "BEGIN IMMEDIATE")


def _say_together(connection: Connection, statements: Sequence[Statement], begin: str) -> None:
    cursor = connection.cursor()
    if isinstance(connection, sqlite3.Connection):
        cursor.execute(begin)
    for statement in statements:
        if statement.is_many:
            cursor.executemany(statement.text, statement.parameters)
        else:
            cursor.execute(statement.text, statement.parameters)
            if cursor.description:
                cursor.fetchall()
    connection.commit()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A bare connection with the product's settings."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        connection: Connection = sqlite3.connect(str(address.database), isolation_level=None)
        for setting in SQLITE_SETTINGS:
            connection.execute(f"PRAGMA {setting}").close()
    else:
        plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg.connect(plain, options="-c timezone=UTC")
    try:
        yield connection
    finally:
        connection.close()


_commit = Database.in_transaction


def _rehearse(database: Database, work: Callable[[Tx], Any]) -> Any:
    """In the place of `in_transaction`: the answer of the work, and nothing of its effect."""

    def play(tx: Tx) -> None:
        answer = work(tx)
        tx.announce()
        tx.flush()
        raise Rehearsed(answer)

    try:
        _commit(database, play)
    except Rehearsed as end:
        return end.answer
    raise AssertionError("a rehearsal ends by its exception")
