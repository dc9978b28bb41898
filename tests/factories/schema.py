"""A migration that meets rows of its time."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import text

from billing.platform.data.base import Base
from billing.platform.data.database import Database
from tests.architecture.source import ROOT

OLDER_DECISIONS = (
    "older_decisions",
    "DROP TABLE uncounted_gift",
    "DROP INDEX ix_refund_refused_reference",
    "ALTER TABLE refund DROP COLUMN refused_reference",
)
"""The migration, and what takes it back."""


def revision(name: str) -> Any:
    """The module of a migration, by its name without the number."""
    return _script(name)[0].module


def _script(name: str) -> tuple[Script, Config]:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    (script,) = [
        each
        for each in ScriptDirectory.from_config(config).walk_revisions()
        if each.path.endswith(f"_{name}.py")
    ]
    return script, config


def migrate_again(database: Database, name: str, *undone: str) -> None:
    """Take back what a migration made, by its name without the number, and run it over what is there now."""
    script, config = _script(name)
    with database.write_engine.connect() as connection:
        for statement in undone:
            connection.execute(text(statement))
        version = text("UPDATE alembic_version SET version_num = :before")
        connection.execute(version, {"before": script.down_revision})
        connection.commit()
        config.attributes.update(connection=connection, metadata=Base.metadata)
        command.upgrade(config, script.revision)
        connection.commit()


def down_and_up(database: Database, name: str) -> None:
    """Take back a migration, by its name without the number, with all that came later, and run them again."""
    script, config = _script(name)
    with database.write_engine.connect() as connection:
        config.attributes.update(connection=connection, metadata=Base.metadata)
        command.downgrade(config, str(script.down_revision))
        connection.commit()
        command.upgrade(config, "head")
        connection.commit()
