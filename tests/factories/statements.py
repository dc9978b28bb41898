"""What is said to the database while something happens: one element a round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event


@contextmanager
def statements_on(engine: Engine) -> Iterator[list[str]]:
    """The statements of an engine, but for the beginning and the end of its transactions."""
    told: list[str] = []

    def note(_connection, _cursor, text, _parameters, _context, _is_many) -> None:
        if not text.startswith(("BEGIN", "SET TRANSACTION")):
            told.append(" ".join(text.split()))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan_of_first(connection: Connection, work: Callable[[], object]) -> str:
    """How the database does the first statement of some work: by an index where it can, however few rows."""
    told: list[tuple[str, Any]] = []
    event.listen(
        connection, "before_cursor_execute", lambda _c, _k, text, values, *_: told.append((text, values))
    )
    work()
    statement, values = told[0]
    if connection.dialect.name == "sqlite":
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return str(connection.exec_driver_sql(f"EXPLAIN {statement}", values).all())
