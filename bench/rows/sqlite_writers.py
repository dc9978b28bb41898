"""Eight clients that write to one SQLite file at once, each taking in patients without a pause."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from time import perf_counter

from bench.databases import Databases
from bench.frame import Goal, Row, in_words
from bench.office import Office, open_office
from bench.peers import by_hand

CLIENTS, WRITES, ROUNDS = 8, 25, 3
GOAL = Goal(3, at_most=True)
PATH = f"SQLite writers: p99 over p50 with {CLIENTS} clients"
TABLE = "CREATE TABLE note (id INTEGER PRIMARY KEY, content TEXT NOT NULL)"


def rows(databases: Databases) -> Iterator[Row]:
    with databases.sqlite() as url, open_office(url) as office:
        _bare_table(url)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(_latencies(lambda: _api_client(office)))
            theirs.append(_latencies(lambda: _bare_client(url)))
    ratio = median(_spread(seconds) for seconds in ours)
    peer = median(_spread(seconds) for seconds in theirs)
    yield Row(
        path=PATH,
        ratio=f"{ratio:.1f}x",
        goal=str(GOAL),
        outcome=GOAL.told(ratio),
        peer=f"a connection each, busy_timeout alone: {peer:.1f}x, {databases.sqlite_version}",
        detail=f"{_in_words(ours)} against {_in_words(theirs)}",
    )


Write = Callable[[], None]


def _api_client(office: Office) -> Write:
    body = {
        "site_id": office.site.id,
        "given_name": "Maria",
        "family_name": "Sample",
        "born_on": "1980-05-17",
        "address": {"line1": "12 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"},
    }
    return lambda: _ignore(office.post("/patients", body))


def _bare_client(url: str) -> Write:
    """One durable insert in a transaction of its own; whoever finds the file locked sleeps and asks again."""
    local = threading.local()

    def write() -> None:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None, timeout=30
            )
            local.connection.execute("PRAGMA synchronous=FULL").close()
        for statement in ("BEGIN IMMEDIATE", "INSERT INTO note (content) VALUES ('sample')", "COMMIT"):
            local.connection.execute(statement).close()

    return write


def _bare_table(url: str) -> None:
    with by_hand.connected(url) as connection:
        connection.execute(TABLE).close()


def _latencies(make_client: Callable[[], Write]) -> list[float]:
    seconds: list[float] = []
    start = threading.Barrier(CLIENTS)

    def run() -> None:
        write = make_client()
        write()
        start.wait()
        for _ in range(WRITES):
            began = perf_counter()
            write()
            seconds.append(perf_counter() - began)

    clients = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return seconds


def _spread(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] / median(seconds)


def _in_words(rounds: list[list[float]]) -> str:
    every = [seconds for each in rounds for seconds in each]
    return f"p50 {in_words(median(every))}, p99 {in_words(quantiles(every, n=100)[98])}"


def _ignore(_answer: object) -> None:
    """Answered with 201, or else it would have been raised."""
