"""What an actor may know of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from billing.kernel.errors import NotFound
from billing.kernel.permissions import Actor
from billing.platform.data.reach import within_reach


def seen(row: Any, actor: Actor, missing: NotFound) -> Any:
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise missing
    return row


def visible(table: Any, actor: Actor, cursor: str | None, limit: int) -> Select[Any]:
    query = select(table).where(*within_reach(actor, table)).order_by(table.id.desc()).limit(limit)
    return query if cursor is None else query.where(table.id < cursor)
