"""State in one SQLite file: a restart loses nothing. One writer at a time, as this is one small process."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Thing = dict[str, Any]
"""One of the processor's objects, as it answers it. Keys that begin with `_` are the stand-in's own."""

Condition = tuple[str, str, Any]
"""(field, operator, value); the field comes from code, never from a request."""

LETTERS = string.ascii_letters + string.digits
SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS thing_kind ON thing (kind, place);
CREATE INDEX IF NOT EXISTS thing_status ON thing (kind, json_extract(body, '$.status'));
CREATE INDEX IF NOT EXISTS thing_charge ON thing (kind, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS thing_intent ON thing (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS thing_source ON thing (kind, json_extract(body, '$.source'));
CREATE INDEX IF NOT EXISTS thing_type ON thing (kind, json_extract(body, '$.type'));
CREATE INDEX IF NOT EXISTS thing_customer ON thing (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS thing_due ON thing (kind, json_extract(body, '$._due_at'));
CREATE TABLE IF NOT EXISTS delivery (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    answer TEXT
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (delivered, due_at);
CREATE TABLE IF NOT EXISTS kept_answer (
    key TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER,
    body TEXT
);
CREATE TABLE IF NOT EXISTS request_log (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    idempotency_key TEXT,
    status INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def new_reference(prefix: str, length: int = 24) -> str:
    return f"{prefix}_" + "".join(secrets.choice(LETTERS) for _ in range(length))


class Shelf:
    """The objects, inside one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def add(self, thing: Thing) -> Thing:
        """`_created` of an object whose kind does not say when it was made."""
        created = thing["created"] if "created" in thing else thing["_created"]
        self.database.execute(
            "INSERT INTO thing (id, kind, created, body) VALUES (?, ?, ?, ?)",
            (thing["id"], thing["object"], created, json.dumps(thing)),
        )
        return thing

    def save(self, thing: Thing) -> Thing:
        self.database.execute("UPDATE thing SET body = ? WHERE id = ?", (json.dumps(thing), thing["id"]))
        return thing

    def find(self, reference: str, kind: str | None = None) -> Thing | None:
        row = self.database.execute("SELECT kind, body FROM thing WHERE id = ?", (reference,)).fetchone()
        if row is None or kind not in (None, row["kind"]):
            return None
        return dict(json.loads(row["body"]))

    def select(
        self, kind: str, conditions: Sequence[Condition] = (), *, limit: int = -1, oldest_first: bool = False
    ) -> list[Thing]:
        where = ["kind = ?", *(_comparison(name, operator) for name, operator, _ in conditions)]
        rows = self.database.execute(
            f"SELECT body FROM thing WHERE {' AND '.join(where)}"  # noqa: S608 (names come from code)
            f" ORDER BY place {'ASC' if oldest_first else 'DESC'} LIMIT ?",
            (kind, *(value for _, _, value in conditions), limit),
        )
        return [json.loads(row["body"]) for row in rows]

    def place_of(self, reference: str, kind: str) -> int | None:
        """Where an object stands in the order of creation."""
        query = "SELECT place FROM thing WHERE id = ? AND kind = ?"
        row = self.database.execute(query, (reference, kind)).fetchone()
        return None if row is None else int(row["place"])

    @contextmanager
    def undone_by(self, error: type[Exception]) -> Generator[None]:
        """Undoes what was written inside when such an error leaves it, unless that says `keeps_writes`."""
        self.database.execute("SAVEPOINT attempt")
        try:
            yield
        except error as raised:
            if not getattr(raised, "keeps_writes", False):
                self.database.execute("ROLLBACK TO attempt")
            raise
        finally:
            self.database.execute("RELEASE attempt")

    def switch(self, name: str, default: Any) -> Any:
        row = self.database.execute("SELECT value FROM switch WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def set_switch(self, name: str, value: Any) -> None:
        self.database.execute("INSERT OR REPLACE INTO switch VALUES (?, ?)", (name, json.dumps(value)))


def _comparison(name: str, operator: str) -> str:
    """`among` takes a JSON list."""
    column = name if name in ("created", "place") else f"json_extract(body, '$.{name}')"
    if operator == "among":
        return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 (names come from code)
    return f"{column} {operator} ?"


class Store:
    """The file. Claims of requests that were under way when it was last closed are void."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self._database.execute("DELETE FROM kept_answer WHERE status IS NULL")

    @contextmanager
    def transaction(self) -> Generator[Shelf]:
        """All of it or nothing. Not to be nested."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield Shelf(self._database)
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._database.close()
