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

from billing.platform.data.database import SQLITE_SETTINGS, Database, Rehearsed, Tx

Connection = Any
"""Of psycopg or of sqlite3, outside of a transaction."""


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: Any
    is_many: bool


def statements_of(engine: Engine, request: Callable[[], object]) -> list[Statement]:
    """What the writers of an engine say for one request, all of which is rolled back."""
    told: list[Statement] = []

    def note(
        _connection: Any, _cursor: Any, text: str, parameters: Any, _context: Any, is_many: bool
    ) -> None:
        if not text.startswith("BEGIN"):
            told.append(Statement(text, parameters, is_many))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(Database, "in_transaction", _rehearse):
            request()
    finally:
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
    """One transaction; what is read is fetched."""
    cursor = connection.cursor()
    if isinstance(connection, sqlite3.Connection):
        cursor.execute("BEGIN IMMEDIATE")
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
        raise Rehearsed(answer)

    try:
        _commit(database, play)
    except Rehearsed as end:
        return end.answer
    raise AssertionError("a rehearsal ends by its exception")
