"""Alembic's way into the schema: by Flask-Migrate, or by a caller that hands a connection in."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from billing.platform.data.base import Instant


def render_item(kind: str, item: Any, _autogen: Any) -> Any:
    """Our own column type is written as what it is in the database: versions import nothing of ours."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def migrate(connection: Any, metadata: Any) -> None:
    """SQLite changes a table by making it anew, which foreign keys would not survive: they rest meanwhile."""
    rests = connection.dialect.name == "sqlite" and not connection.in_transaction()
    if rests:
        _foreign_keys(connection, "OFF")
    try:
        _migrate(connection, metadata)
    finally:
        if rests:
            connection.rollback()  # what is left open; a PRAGMA counts outside transactions only
            _foreign_keys(connection, "ON")


def _foreign_keys(connection: Any, state: str) -> None:
    connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={state}")


def _migrate(connection: Any, metadata: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        compare_type=True,
        render_as_batch=False,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes
if "connection" in handed_in:
    migrate(handed_in["connection"], handed_in.get("metadata"))
else:
    db = current_app.extensions["migrate"].db
    with db.engine.connect() as connection:
        migrate(connection, db.metadata)
