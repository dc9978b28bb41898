"""Rows that are read and not changed: whole, by the values of columns, without the objects of the ORM.

A row has the attributes of its mapped class. What the session has not written yet is written first, so that
both ways of reading see one state.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, select

from billing.platform.data.base import Base
from billing.platform.data.database import Read


def row_where(read: Read, model: type[Base], **values: Any) -> Any | None:
    """The one row with these values, or None."""
    read.session.flush()
    return read.connection.execute(select_where(model, *values), values).one_or_none()


def rows_where(read: Read, model: type[Base], **values: Any) -> Sequence[Any]:
    read.session.flush()
    return read.connection.execute(select_where(model, *values), values).all()


def rows_among(read: Read, model: type[Base], column: str, values: Collection[Any]) -> Sequence[Any]:
    """The rows whose column has one of these values."""
    if not values:
        return []
    read.session.flush()
    return read.connection.execute(_select_among(model, column), {"values": list(values)}).all()


@cache
def select_where(model: type[Base], *names: str) -> Select[*tuple[Any, ...]]:
    """The SELECT by these columns, made once: to word it anew for each row costs more than to run it."""
    table = cast(Table, model.__table__)
    return select(table).where(*(table.c[name] == bindparam(name) for name in names))


@cache
def _select_among(model: type[Base], column: str) -> Select[*tuple[Any, ...]]:
    table = cast(Table, model.__table__)
    return select(table).where(table.c[column].in_(bindparam("values", expanding=True)))
