"""Engines, the transaction, and the read: the only doors to the database."""

from __future__ import annotations

import random
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from psycopg import IsolationLevel
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from billing.platform.data.errors import DatabaseBusy
from billing.platform.data.vault import Vault

T = TypeVar("T")
Fact = TypeVar("Fact")

ATTEMPTS = 4
SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT = "40001", "40P01", "55P03"
SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "busy_timeout=5000",
)


@dataclass
class Read:
    """One look at the database: its session, and the vault that opens sealed rows.

    `connection` is the session's own, for statements that need none of its objects.
    """

    session: Session
    vault: Vault
    connection: Connection


@dataclass
class Tx(Read):
    """One write in progress, and the facts it will announce before it commits."""

    subscribers: Mapping[type, list[Callable[[Tx, Any], None]]]
    facts: deque[object] = field(default_factory=deque)

    def emit(self, fact: object) -> None:
        self.facts.append(fact)

    def announce(self) -> None:
        """Let the subscribers of all facts so far act, first in, first out.

        It happens by itself before the commit; an edge calls it to answer with what came of its write.
        """
        while self.facts:
            fact = self.facts.popleft()
            for handler in self.subscribers.get(type(fact), ()):
                handler(self, fact)


class Rehearsed(Exception):
    """Carries the answer of a rehearsal out of the transaction that it rolls back."""

    def __init__(self, answer: object) -> None:
        self.answer = answer


class Turns:
    """A lock that is given in the order in which it was asked for, so that no writer waits for ever."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_taken = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_error: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


class Database:
    """The engine for writers, the engine for readers, and who listens to which fact."""

    def __init__(self, *, write: Engine, read: Engine, vault: Vault) -> None:
        configure_writer(write)
        configure_reader(read)
        self.write_engine = write
        self.read_engine = read
        self.vault = vault
        self._subscribers: dict[type, list[Callable[[Tx, Any], None]]] = {}
        self._turn: AbstractContextManager[None] = (
            Turns() if write.dialect.name == "sqlite" else nullcontext()
        )

    def subscribe(self, fact_type: type[Fact], handler: Callable[[Tx, Fact], None]) -> None:
        """Called by wiring alone. Handlers run in this order, inside the transaction of the fact."""
        self._subscribers.setdefault(fact_type, []).append(handler)

    def in_transaction(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction of its own, afresh after a lost race or a lost connection.

        A connection that is lost while it commits may have committed: that is for the caller to find out.
        `work` must touch the database alone: it may run up to ATTEMPTS times.
        Raises: DatabaseBusy when locks are not to be had; nothing is half-done then.
        """
        for attempt in range(1, ATTEMPTS + 1):
            is_ending = False
            try:
                with (
                    self._turn,
                    self.write_engine.connect() as connection,
                    Session(connection, expire_on_commit=False) as session,
                    connection.begin(),
                ):
                    tx = Tx(session, self.vault, connection, self._subscribers)
                    answer = work(tx)
                    tx.announce()
                    session.flush()
                    is_ending = True
                return answer
            except DBAPIError as error:
                was_cut = error.connection_invalidated and not is_ending
                if not (was_cut or _lost_a_race(error)):
                    raise
                if attempt == ATTEMPTS or _sqlstate(error) == LOCK_TIMEOUT:
                    raise DatabaseBusy(
                        "The database is busy. Nothing was changed; try again shortly."
                    ) from error
                time.sleep(random.random() * 0.05 * 2**attempt)
        raise AssertionError("unreachable")

    def rehearse(self, work: Callable[[Tx], T]) -> T:
        """Run `work` like `in_transaction`, then roll all of it back: the preview of a write."""

        def play(tx: Tx) -> T:
            answer = work(tx)
            tx.announce()
            raise Rehearsed(answer)

        try:
            return self.in_transaction(play)
        except Rehearsed as end:
            return end.answer  # type: ignore[return-value]

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """A deferred transaction that sees one state of the database and cannot write."""
        with (
            _alive(self.read_engine.connect()) as connection,
            Session(connection, expire_on_commit=False) as session,
            connection.begin(),
        ):
            yield Read(session, self.vault, connection)


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
            """The driver says it with each BEGIN, which costs no round trip."""
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True


def _configure_sqlite(engine: Engine, *, begin: str, more: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for setting in (*SQLITE_SETTINGS, *more):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _alive(connection: Connection) -> Connection:
    """The connection, made anew when its server has hung up: then there is something to read unasked.

    A ping would say the same for a round trip. Writers need neither: they begin again.
    """
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        if driver.closed or _has_news(driver.fileno()):
            connection.invalidate()
    return connection


def _has_news(socket: int) -> bool:
    waiting = select.poll()
    waiting.register(socket, select.POLLIN)
    return bool(waiting.poll(0))


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _lost_a_race(error: DBAPIError) -> bool:
    if _sqlstate(error) in (SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT):
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
