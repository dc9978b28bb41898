"""Rows that wait to be inserted, so that PostgreSQL gets those of many tables in one round trip.

They wait until something else is said in their transaction, or until it ends: nothing that is said later can
tell the difference. A row that the database refuses is refused then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import IntegrityError

from billing.platform.data.base import Base, Instant
from billing.platform.data.statements import Statement, told

Row = Mapping[str, Any]
Refusal = Callable[[IntegrityError], Exception | None]
"""What a refused row is called, when it is the row that was refused."""


class WaitingRows:
    """The rows of one transaction, by table, in the order in which they came."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listed: list[tuple[type[Base], list[Row]]] = []
        self._refusals: list[Refusal] = []

    def __bool__(self) -> bool:
        return bool(self._listed)

    def has(self, model: type[Base]) -> bool:
        return any(listed is model for listed, _ in self._listed)

    def add(self, model: type[Base], rows: Sequence[Row], refusal: Refusal | None = None) -> None:
        if not rows:
            return
        if self._listed and self._listed[-1][0] is model:
            self._listed[-1][1].extend(rows)
        else:
            self._listed.append((model, list(rows)))
        if refusal:
            self._refusals.append(refusal)

    def send(self) -> None:
        """Raises: IntegrityError, or what a refusal makes of it."""
        listed, refusals = self._listed, self._refusals
        self._listed, self._refusals = [], []
        try:
            if self._connection.dialect.name == "postgresql":
                _insert_together(self._connection, listed)
            else:
                for model, rows in listed:
                    _insert_into(model).many(self._connection, rows)
        except IntegrityError as error:
            if told := [each for refusal in refusals if (each := refusal(error))]:
                raise _one_of(told) from error
            raise


def _one_of(told: Sequence[Exception]) -> Exception:
    """Of rows that went together the database does not say which one it refused: all of them are named."""
    if len(told) == 1:
        return told[0]
    return type(told[0])(f"Nothing was written, for one of these: {' '.join(map(str, told))}")


@cache
def _insert_into(model: type[Base]) -> Statement:
    return Statement(insert(cast(Table, model.__table__)))


def _insert_together(connection: Connection, listed: Sequence[tuple[type[Base], Sequence[Row]]]) -> None:
    """One statement, as JSON that the tables' own columns read; keys and triggers look when it ends."""
    by_table: dict[str, list[Row]] = {}
    for model, rows in listed:
        _refuse_naive(model, rows)
        by_table.setdefault(model.__tablename__, []).extend(rows)
    lists = [orjson.dumps(rows, _as_text).decode() for rows in by_table.values()]
    with told(connection, insert_together(*by_table), lists, is_many=False):
        pass


def _refuse_naive(model: type[Base], rows: Sequence[Row]) -> None:
    """As the column type does: PostgreSQL would take an instant without its offset for one of UTC."""
    for name in _instants(model):
        if any((instant := row.get(name)) and instant.tzinfo is None for row in rows):
            raise ValueError("an instant needs its offset")


@cache
def _instants(model: type[Base]) -> list[str]:
    return [column.name for column in model.__table__.columns if isinstance(column.type, Instant)]


@cache
def insert_together(*tables: str) -> str:
    """PostgreSQL's statement that inserts rows into all of these tables; it takes a list in JSON for each."""
    *others, last = (
        f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s)"  # noqa: S608 - our names
        for table in tables
    )
    named = ", ".join(f"t{place} AS ({each})" for place, each in enumerate(others))
    return f"WITH {named} {last}" if others else last


def _as_text(value: object) -> str:
    """What JSON has no words for, as PostgreSQL reads it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"no column of ours holds a {type(value).__name__}")
