"""Statements that nearly every request says, handed to the database's driver as they are.

SQLAlchemy words each of them once; to let it prepare, run and unpack them at each request takes longer than
the database does. The rest of its part is done here: values and columns go through its types, a transaction
begins, who listens to the engine is told, and an error becomes one of its own.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError

Clause = Select[*tuple[Any, ...]] | Insert | Update
Values = Mapping[str, Any]


class Statement:
    """One statement, and its words for each kind of database."""

    def __init__(self, clause: Clause) -> None:
        self._clause = clause
        self._words: dict[str, Words] = {}

    def rows(self, connection: Connection, values: Values) -> list[Any]:
        """What it finds or returns: rows with their columns as attributes."""
        words = self._words_for(connection.dialect)
        with told(connection, words.text, words.parameters(values), is_many=False) as cursor:
            return [words.row(found) for found in cursor.fetchall()]

    def many(self, connection: Connection, listed: Sequence[Values]) -> int:
        """Say it for each of these values; the number of rows that it changed in all."""
        words = self._words_for(connection.dialect)
        parameters = [words.parameters(values) for values in listed]
        with told(connection, words.text, parameters, is_many=True) as cursor:
            changed: int = cursor.rowcount
            return changed

    def _words_for(self, dialect: Dialect) -> Words:
        if dialect.name not in self._words:
            self._words[dialect.name] = Words(self._clause, dialect)
        return self._words[dialect.name]


class Words:
    """A statement as one kind of database is told it, and how its values go in and come out."""

    def __init__(self, clause: Clause, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect)
        columns = clause.exported_columns
        self.text = str(compiled)
        self._own_values = compiled.params
        self._order: Sequence[str] | None = compiled.positiontup
        self._row = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
        into = ((name, bound.type.dialect_impl(dialect)) for name, bound in compiled.binds.items())
        self._into = {name: way for name, kind in into if (way := kind.bind_processor(dialect))}
        out = enumerate(column.type.dialect_impl(dialect) for column in columns)
        self._out = [(place, way) for place, kind in out if (way := kind.result_processor(dialect, None))]

    def parameters(self, values: Values) -> dict[str, Any] | list[Any]:
        """By name, or in their order, as the driver wants them; a column without a value is null."""
        told = {**self._own_values, **values}
        for name, way in self._into.items():
            told[name] = way(told[name])
        return told if self._order is None else [told[name] for name in self._order]

    def row(self, found: Sequence[Any]) -> Any:
        columns = list(found)
        for place, way in self._out:
            columns[place] = way(columns[place])
        return self._row(*columns)


@contextmanager
def told(connection: Connection, text: str, parameters: Any, *, is_many: bool) -> Iterator[Any]:
    """The driver's cursor when it has said the statement. Raises: DBAPIError, as SQLAlchemy raises it."""
    if not connection.in_transaction():
        connection.begin()
    with closing(connection.connection.cursor()) as cursor:
        for listener in connection.engine.dispatch.before_cursor_execute:
            listener(connection, cursor, text, parameters, None, is_many)
        try:
            (cursor.executemany if is_many else cursor.execute)(text, parameters)
            yield cursor
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy_has_it(connection, cursor, text, error) from error


def _as_sqlalchemy_has_it(connection: Connection, cursor: Any, text: str, error: Any) -> BaseException:
    """A lost connection is given up, so that nobody gets it out of the pool again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
    if is_lost:
        connection.invalidate(error)
    told: BaseException = DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
    return told
