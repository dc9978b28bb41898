"""The transaction and the read: the only doors to the database."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from billing.platform.data.base import Base
from billing.platform.data.engines import (
    alive,
    configure_reader,
    configure_writer,
    is_unused,
    its_own_transaction,
)
from billing.platform.data.errors import DatabaseBusy
from billing.platform.data.vault import Vault
from billing.platform.data.waiting import Refusal, Row, WaitingRows

T = TypeVar("T")
Fact = TypeVar("Fact")

ATTEMPTS = 4
SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT = "40001", "40P01", "55P03"


class Read:
    """One look at the database: its session, and the vault that opens sealed rows.

    `connection` is the session's own, for statements that need none of its objects; what the session has not
    written yet is written first, so that both ways of reading see one state.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._session: Session | None = None
        self.vault = vault

    @property
    def session(self) -> Session:
        """Made when it is first asked for: many a look needs none."""
        if self._session is None:
            self._session = Session(self._connection, expire_on_commit=False)
        return self._session

    @property
    def connection(self) -> Connection:
        self.flush()
        return self._connection

    def about(self, model: type[Base]) -> Connection:
        """The connection, for a statement about the rows of this one table."""
        return self.connection

    def flush(self) -> None:
        """Write what the session has not written yet."""
        if self._session is not None:
            self._session.flush()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()


Subscribers = Mapping[type, list[Callable[["Tx", Any], None]]]


class Tx(Read):
    """One write in progress, and the facts it will announce before it commits.

    Rows that were inserted wait until something else is said, by the session or the connection: ask for
    these anew each time.
    """

    def __init__(self, connection: Connection, vault: Vault, subscribers: Subscribers) -> None:
        super().__init__(connection, vault)
        self._subscribers = subscribers
        self._facts: deque[object] = deque()
        self._waiting = WaitingRows(connection)

    @property
    def session(self) -> Session:
        self.send()
        return super().session

    def about(self, model: type[Base]) -> Connection:
        """The connection, for a statement about the rows of this one table: those of others go on waiting."""
        if _is_dirty(self._session) or self._waiting.has(model):
            self.flush()
        return self._connection

    def flush(self) -> None:
        """Write all that is not written yet: rows that wait, then what the session has."""
        self.send()
        super().flush()

    def insert(self, model: type[Base], rows: Sequence[Row], refusal: Refusal | None = None) -> None:
        """Insert rows into one table; `refusal` says in our own words why the database will not have them."""
        self._waiting.add(model, rows, refusal)

    def send(self) -> None:
        """Say the inserts that wait. Raises: IntegrityError; what their refusals say."""
        if self._waiting:
            self._waiting.send()

    @property
    def is_one_statement(self) -> bool:
        """Whether rows that wait are all that there is to say, so that one statement is all of it."""
        return bool(self._waiting) and self._session is None and is_unused(self._connection)

    def forget(self) -> None:
        """Let the session read its objects anew when it is next asked for them: they may have changed."""
        if _is_dirty(self._session):
            self.flush()
        if self._session is not None:
            self._session.expire_all()

    def emit(self, fact: object) -> None:
        self._facts.append(fact)

    def announce(self) -> None:
        """Let the subscribers of all facts so far act, first in, first out.

        It happens by itself before the commit; an edge calls it to answer with what came of its write.
        """
        while self._facts:
            fact = self._facts.popleft()
            for handler in self._subscribers.get(type(fact), ()):
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

    @property
    def has_many_writers(self) -> bool:
        """Whether something can be written while another transaction is under way."""
        return self.write_engine.dialect.name != "sqlite"

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
                    closing(Tx(connection, self.vault, self._subscribers)) as tx,
                    connection.begin(),
                ):
                    answer = work(tx)
                    tx.announce()
                    if tx.is_one_statement:
                        is_ending = True
                        with its_own_transaction(connection):
                            tx.send()
                    else:
                        tx.flush()
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
            tx.flush()
            raise Rehearsed(answer)

        try:
            return self.in_transaction(play)
        except Rehearsed as end:
            return end.answer  # type: ignore[return-value]

    def glance(self, query: Callable[[Read], T]) -> T:
        """What a query finds by one statement, around which PostgreSQL needs no BEGIN and COMMIT."""
        with (
            alive(self.read_engine.connect()) as connection,
            its_own_transaction(connection),
            closing(Read(connection, self.vault)) as read,
        ):
            return query(read)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """A deferred transaction that sees one state of the database and cannot write."""
        with (
            alive(self.read_engine.connect()) as connection,
            closing(Read(connection, self.vault)) as read,
        ):
            yield read


def _is_dirty(session: Session | None) -> bool:
    """Whether it has something to write."""
    return session is not None and bool(session.new or session.dirty or session.deleted)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _lost_a_race(error: DBAPIError) -> bool:
    if _sqlstate(error) in (SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT):
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
