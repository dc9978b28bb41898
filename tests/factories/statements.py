"""What is said to the database while something happens: one element a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event


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
