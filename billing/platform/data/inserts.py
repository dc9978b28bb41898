"""The insert that gives way to a row that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from billing.platform.data.base import Base
from billing.platform.data.database import Tx


def insert_unless_there(
    tx: Tx, table: type[Base], values: Mapping[str, Any], key: list[str], where: TextClause | None = None
) -> None:
    """Waits for another transaction that is writing the same key at this moment.

    `where` is the condition of an index that holds the key for some of the rows alone.
    """
    dialect = tx.session.get_bind().dialect.name
    statement = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(table).values(**values)
    tx.session.execute(statement.on_conflict_do_nothing(index_elements=key, index_where=where))
