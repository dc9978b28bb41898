"""Which rows exist for an actor: those of the actor's legal entity and sites. Written once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from billing.kernel.permissions import Actor


def within_reach(actor: Actor, table: Any) -> list[ColumnElement[bool]]:
    """Conditions for a list of a mapped class that has `entity_id` and `site_id`.

    A single row is asked about with `actor.sees`.
    """
    conditions: list[ColumnElement[bool]] = []
    if actor.entity_id is not None:
        conditions.append(table.entity_id == actor.entity_id)
    if actor.site_ids is not None:
        conditions.append(table.site_id.in_(actor.site_ids))
    return conditions
