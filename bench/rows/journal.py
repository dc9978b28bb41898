"""One journal entry of four lines in a transaction of its own; the database refuses what does not balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from bench.databases import NO_SERVER, Databases
from bench.frame import PRODUCT, Goal, Round, Row, contest, not_measured, repeated
from bench.peers import raw_journal
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post
from billing.platform.data.database import Database
from tests.conftest import NOW, open_database

PATH = "single journal posting, balance enforced in the database"
AT_COMMIT, AT_STATEMENT, HORDAK = "raw, at commit", "raw, at statement", "hordak"
RAW_GOAL, HORDAK_GOAL = Goal(1.4), Goal(5)
ROUNDS, IN_A_ROUND = 11, 60
ENTITY, SITE, PATIENT = "ent_sample", "site_sample", "pat_sample"


def rows(databases: Databases) -> Iterator[Row]:
    if databases.postgresql_version is None:
        yield not_measured(PATH, RAW_GOAL, "raw psycopg, two statements", NO_SERVER)
        yield not_measured(PATH, HORDAK_GOAL, "django-hordak", NO_SERVER)
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
    posting = Posting(
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
    database.in_transaction(lambda tx: post(tx, posting, actor=SYSTEM, now=NOW))
