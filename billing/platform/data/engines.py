"""Engines and their connections: how each database is to be opened, and what its driver can say of itself."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event

SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "busy_timeout=5000",
)


def engine_options(url: str) -> dict[str, Any]:
    """What every engine is made with, before Database configures it as its writer or reader.

    The message of a database error reaches logs: it must not hold the values that were bound.
    """
    options: dict[str, Any] = {"hide_parameters": True}
    if url.startswith("sqlite"):
        return {**options, "connect_args": {"timeout": 5}}
    session = "-c lock_timeout=3000 -c timezone=UTC"
    return {**options, "connect_args": {"options": session}}


def configure_writer(engine: Engine) -> None:
    """SQLite: durable, and writers queue up by BEGIN IMMEDIATE. PostgreSQL needs nothing more."""
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, begin="BEGIN IMMEDIATE", more=())


def configure_reader(engine: Engine) -> None:
    """SQLite: deferred and query-only. PostgreSQL: REPEATABLE READ, READ ONLY."""
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, begin="BEGIN DEFERRED", more=("query_only=ON",))
    else:

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: object) -> None:
            """Said once, so that it holds for a statement that is its own transaction, too."""
            connection.execute(
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            connection.commit()


def _configure_sqlite(engine: Engine, *, begin: str, more: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for setting in (*SQLITE_SETTINGS, *more):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def is_unused(connection: Connection) -> bool:
    """Whether nothing was said yet in a transaction of PostgreSQL, which begins with the first statement."""
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    return driver.info.transaction_status == TransactionStatus.IDLE and _is_alive(driver)


@contextmanager
def its_own_transaction(connection: Connection) -> Iterator[None]:
    """For one statement, which PostgreSQL begins and commits itself: a round trip instead of three."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.autocommit = True
    try:
        yield
    finally:
        if not driver.closed:
            driver.autocommit = False


def alive(connection: Connection) -> Connection:
    """The connection, made anew when its server has hung up. Writers need no such thing: they begin again."""
    if connection.dialect.name == "postgresql" and not _is_alive(connection.connection.driver_connection):
        connection.invalidate()
    return connection


def _is_alive(driver: Any) -> bool:
    """A server that hung up left something to read unasked. A ping would say the same for a round trip."""
    if driver.closed:
        return False
    news = select.poll()
    news.register(driver.fileno(), select.POLLIN)
    return not news.poll(0)
