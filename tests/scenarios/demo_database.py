"""The demo's database: an empty one, or that of a former demo, which is emptied first; never another."""

from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError

from tests.scenarios.office import Failed

MARK = "billing_demo"
"""A table that says: all in here was made by the demo. It stays when the rest is emptied."""


def claim(url: str) -> None:
    """Empty a former demo, or mark an empty database as the demo's.

    Raises: Failed when it holds anything else, or cannot be reached.
    """
    folder = Path(make_url(url).database or "").parent if url.startswith("sqlite") else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            _claim(connection)
    except OperationalError as error:
        raise Failed(f"The database of DATABASE_URL does not answer: {error.orig}") from None
    finally:
        engine.dispose()


def _claim(connection: Connection) -> None:
    tables = set(inspect(connection).get_table_names())
    if tables and MARK not in tables:
        raise Failed(
            "DATABASE_URL names a database that holds something other than a former demo: "
            "give the demo an empty one, or none for its own."
        )
    if tables and connection.dialect.name == "sqlite":
        _empty_sqlite(connection)
    elif tables:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {MARK} (made_by_the_demo INTEGER)"))


def _empty_sqlite(connection: Connection) -> None:
    """Triggers go first: they would refuse the rest. Foreign keys are off in a plain connection."""
    for kind in ("trigger", "view", "table"):
        named = text("SELECT name FROM sqlite_master WHERE type = :kind AND name NOT LIKE 'sqlite_%'")
        for name in connection.scalars(named, {"kind": kind}).all():
            connection.execute(text(f'DROP {kind} IF EXISTS "{name}"'))
