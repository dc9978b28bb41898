"""Journal entries of four lines, one or many in a transaction; the database refuses what does not balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from time import perf_counter

from bench.databases import NO_SERVER, Databases
from bench.frame import PRODUCT, Goal, Round, Row, contest, not_measured, repeated
from bench.peers import raw_journal
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post, post_many
from billing.platform.data.database import Database
from tests.conftest import NOW, open_database

PATH = "single journal posting, balance enforced in the database"
AT_COMMIT, AT_STATEMENT, HORDAK = "raw, at commit", "raw, at statement", "hordak"
RAW_GOAL, HORDAK_GOAL = Goal(1.4), Goal(5)
ROUNDS, IN_A_ROUND = 11, 240
AT_ONCE, BULK_ROUNDS = 10_000, 5
BULK = f"bulk posting of {AT_ONCE:,} entries, balance enforced in the database"
BULK_GOAL = Goal(0.85)
UNCHECKED, CHECKED = "copy", "copy, checked"
ENTITY, SITE, PATIENT = "ent_sample", "site_sample", "pat_sample"


def rows(databases: Databases) -> Iterator[Row]:
    if databases.postgresql_version is None:
        yield not_measured(PATH, RAW_GOAL, "raw psycopg, two statements", NO_SERVER)
        yield not_measured(PATH, HORDAK_GOAL, "django-hordak", NO_SERVER)
        yield not_measured(BULK, BULK_GOAL, "COPY", NO_SERVER)
        return
    has_hordak = find_spec("hordak") is not None
    with ExitStack() as stack:
        sides = _sides(databases, stack, has_hordak)
        played = contest(sides, rounds=ROUNDS)
        raw = f"raw psycopg {version('psycopg')}, two statements, {databases.postgresql_version}"
        yield played.row(PATH, RAW_GOAL, against=AT_COMMIT, called=f"{raw}, checked at commit")
        weaker = f"{raw}, the second statement's lines checked alone"
        yield played.row(PATH, None, against=AT_STATEMENT, called=weaker)
        if has_hordak:
            called = f"django-hordak {version('django-hordak')}, Django {version('django')}"
            yield played.row(PATH, HORDAK_GOAL, against=HORDAK, called=called)
        else:
            why = "not installed: bench/requirements.txt"
            yield not_measured(PATH, HORDAK_GOAL, "django-hordak", why)
    with ExitStack() as stack:
        played = contest(_bulk_sides(databases, stack), rounds=BULK_ROUNDS)
        copy = f"COPY through psycopg {version('psycopg')}, {databases.postgresql_version}"
        yield played.row(BULK, BULK_GOAL, against=UNCHECKED, called=f"{copy}, nothing checked but keys")
        yield played.row(BULK, None, against=CHECKED, called=f"{copy}, the lines of the statement checked")


def _bulk_sides(databases: Databases, stack: ExitStack) -> Mapping[str, Round]:
    database = open_database(stack.enter_context(databases.postgresql()))
    stack.callback(database.write_engine.dispose)
    sides: dict[str, Round] = {PRODUCT: lambda: _post_many(database)}
    for name, triggers in ((UNCHECKED, raw_journal.UNCHECKED), (CHECKED, raw_journal.AT_STATEMENT)):
        url = stack.enter_context(databases.empty_postgresql())
        raw = stack.enter_context(raw_journal.opened(url, triggers))
        sides[name] = partial(_copy, raw)
    return sides


def _sides(databases: Databases, stack: ExitStack, has_hordak: bool) -> Mapping[str, Round]:
    database = open_database(stack.enter_context(databases.postgresql()))
    stack.callback(database.write_engine.dispose)
    sides = {PRODUCT: repeated(lambda: _post(database), IN_A_ROUND)}
    for name, triggers in ((AT_COMMIT, raw_journal.AT_COMMIT), (AT_STATEMENT, raw_journal.AT_STATEMENT)):
        url = stack.enter_context(databases.empty_postgresql())
        raw = stack.enter_context(raw_journal.opened(url, triggers))
        sides[name] = repeated(raw.post, IN_A_ROUND)
    if has_hordak:
        peer = import_module("bench.peers.hordak_journal")
        hordak = stack.enter_context(peer.opened(stack.enter_context(databases.empty_postgresql())))
        sides[HORDAK] = repeated(hordak.post, IN_A_ROUND // 4)
    return sides


def _post(database: Database) -> None:
    posting = _posting()
    database.in_transaction(lambda tx: post(tx, posting, actor=SYSTEM, now=NOW))


def _post_many(database: Database) -> float:
    """The postings are there before the clock starts, as are the peer's rows."""
    postings = [_posting() for _ in range(AT_ONCE)]
    began = perf_counter()
    database.in_transaction(lambda tx: post_many(tx, postings, actor=SYSTEM, now=NOW))
    return perf_counter() - began


def _copy(raw: raw_journal.RawJournal) -> float:
    heads, lines = raw_journal.rows_of(AT_ONCE)
    began = perf_counter()
    raw.copy(heads, lines)
    return perf_counter() - began


def _posting() -> Posting:
    return Posting(
        entity_id=ENTITY,
        site_id=SITE,
        effective_on=NOW.date(),
        source_kind="session",
        source_id=new_id("ses"),
        purpose="given",
        lines=(
            debit(Account.DEFERRED_REVENUE, Money(10_000), PATIENT),
            debit(Account.PATIENT_RECEIVABLE, Money(26_125), PATIENT),
            debit(Account.DISCOUNTS, Money(6_375), PATIENT),
            credit(Account.INFUSION, Money(42_500), PATIENT),
        ),
    )
