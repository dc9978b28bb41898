"""Rows that are read and not changed: whole, by the values of columns, without the objects of the ORM.

A row has the attributes of its mapped class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.exc import MultipleResultsFound

from billing.platform.data.base import Base
from billing.platform.data.database import Read
from billing.platform.data.statements import Statement

BATCH = 500
"""How many values one statement compares with."""


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """Each value once, as many at a time as one statement may compare with."""
    listed = sorted(set(values))
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))


def row_where(read: Read, model: type[Base], **values: Any) -> Any | None:
    """The one row with these values, or None. Raises: MultipleResultsFound."""
    found = rows_where(read, model, **values)
    if len(found) > 1:
        raise MultipleResultsFound(f"{model.__tablename__} has {len(found)} rows with these values")
    return found[0] if found else None


def rows_where(read: Read, model: type[Base], **values: Any) -> Sequence[Any]:
    return _where(model, *values).rows(read.about(model), values)


def rows_among(read: Read, model: type[Base], column: str, values: Collection[Any]) -> Sequence[Any]:
    """The rows whose column has one of these values."""
    if not values:
        return []
    named = {f"value_{place}": value for place, value in enumerate(values)}
    return _among(model, column, len(named)).rows(read.about(model), named)


@cache
def _where(model: type[Base], *names: str) -> Statement:
    return Statement(select_where(model, *names))


@cache
def select_where(model: type[Base], *names: str) -> Select[*tuple[Any, ...]]:
    """The SELECT by these columns, made once: to word it anew for each row costs more than to run it."""
    table = cast(Table, model.__table__)
    return select(table).where(*(table.c[name] == bindparam(name) for name in names))


@lru_cache(maxsize=500)
def _among(model: type[Base], column: str, count: int) -> Statement:
    table = cast(Table, model.__table__)
    kind = table.c[column].type
    return Statement(
        select(table).where(
            table.c[column].in_([bindparam(f"value_{place}", type_=kind) for place in range(count)])
        )
    )
