"""The books as a doubtful accountant sees them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from billing.kernel.errors import Conflict
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.errors import AlreadyPosted
from billing.ledger.queries import entry_of, trial_balance
from billing.ledger.records import Account, Line, Posting, credit, debit
from billing.ledger.use_cases import AT_ONCE, post, post_many, reverse

PAID = Posting(
    entity_id="ent_1",
    site_id="sit_1",
    effective_on=date(2026, 11, 2),
    source_kind="payment",
    source_id="pay_1",
    purpose="received",
    lines=(
        debit(Account.PROCESSOR_CLEARING, Money(38_250), "pat_1"),
        credit(Account.DEFERRED_REVENUE, Money(38_250), "pat_1"),
    ),
)

NEW_LINE = "INSERT INTO ledger_line (entry_id, place, account, cents)"
ZERO_AND_ONE = "(SELECT 0 AS n UNION SELECT 1) AS two"
EMPTY_ENTRY = """
    INSERT INTO ledger_entry (id, entity_id, site_id, posted_at, effective_on, period, source_kind, source_id,
                              purpose, actor_id, line_count)
    SELECT 'je_x', entity_id, site_id, posted_at, effective_on, period, 'x', 'x', 'x', 'x', 2
    FROM ledger_entry
"""
REPLACED_LINE = """
    INSERT OR REPLACE INTO ledger_line SELECT entry_id, place, account, 1, patient_id FROM ledger_line
"""


@pytest.fixture
def post_now(database, now):
    return lambda posting: database.in_transaction(lambda tx: post(tx, posting, actor=SYSTEM, now=now))


def balances(database):
    with database.reading() as read:
        return trial_balance(read)


def test_an_entry_moves_both_of_its_accounts(database, post_now):
    post_now(PAID)
    assert balances(database) == {"1050": 38_250, "2100": -38_250}


def test_many_entries_are_posted_in_their_order_or_none_is(database, now):
    """More than one statement takes: what the last one refuses undoes the first one."""
    many = [replace(PAID, source_id=f"pay_{number}") for number in range(2 * AT_ONCE + 1)]

    def post_all(postings):
        return database.in_transaction(lambda tx: post_many(tx, postings, actor=SYSTEM, now=now))

    with pytest.raises(AlreadyPosted):
        post_all([*many, many[0]])
    assert balances(database) == {}
    ids = post_all(many)
    with database.reading() as read:
        for place in (0, AT_ONCE, 2 * AT_ONCE):
            entry = entry_of(read, source_kind="payment", source_id=f"pay_{place}", purpose="received")
            assert entry.id == ids[place]
    assert balances(database) == {"1050": 38_250 * len(many), "2100": -38_250 * len(many)}
    assert post_all([]) == []


def test_the_same_fact_is_posted_once(database, post_now):
    post_now(PAID)
    with pytest.raises(Conflict) as refused:
        post_now(PAID)
    assert refused.value.code == "already-posted"
    assert balances(database) == {"1050": 38_250, "2100": -38_250}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.integers(-10_000, 10_000), min_size=0, max_size=6))
def test_what_does_not_balance_is_never_posted(database, post_now, amounts):
    kept = [amount for amount in amounts if amount]
    if len(kept) >= 2 and not sum(kept):
        return
    lines = tuple(Line(Account.BANK, Money(amount)) for amount in amounts)
    with pytest.raises(Conflict):
        post_now(Posting(**{**vars(PAID), "lines": lines, "purpose": "wrong"}))
    assert balances(database) == {}


def test_a_reversal_names_what_it_reverses_and_happens_once(database, post_now, now):
    entry_id = post_now(PAID)
    with database.reading() as read:
        entry = entry_of(read, source_kind="payment", source_id="pay_1", purpose="received")

    def undo(tx):
        return reverse(tx, entry, source_kind="payment", source_id="pay_1", actor=SYSTEM, now=now)

    undone = database.in_transaction(undo)
    with database.reading() as read:
        reversal = entry_of(read, source_kind="payment", source_id="pay_1", purpose="reverse-received")
    assert (reversal.id, reversal.reverses_id) == (undone, entry_id)
    assert set(balances(database).values()) == {0}
    with pytest.raises(Conflict):
        database.in_transaction(undo)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger_line SET cents = cents + 1",
        "DELETE FROM ledger_line",
        "UPDATE ledger_entry SET effective_on = '2020-01-01'",
        "DELETE FROM ledger_entry",
        f"{NEW_LINE} SELECT id, 3, '1000', 5 FROM ledger_entry",
        f"{NEW_LINE} SELECT id, 3 + n, '1000', 10 * n - 5 FROM ledger_entry, {ZERO_AND_ONE}",
        f"{NEW_LINE} VALUES ('je_none', 1, '1000', 5)",
        EMPTY_ENTRY,
    ],
)
def test_the_database_itself_refuses_to_falsify_the_books(database, post_now, attack):
    post_now(PAID)
    before = balances(database)

    with pytest.raises(DatabaseError):
        database.in_transaction(lambda tx: tx.session.execute(text(attack)))
    assert balances(database) == before


def test_replacing_a_row_counts_as_changing_it(database, post_now):
    post_now(PAID)
    attack = REPLACED_LINE if database.write_engine.dialect.name == "sqlite" else "TRUNCATE ledger_line"
    with pytest.raises(DatabaseError):
        database.in_transaction(lambda tx: tx.session.execute(text(attack)))
