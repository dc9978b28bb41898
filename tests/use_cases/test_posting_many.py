"""Many entries by one statement: the same books as one by one; the database refuses the rest itself."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError

from billing.kernel.errors import Conflict
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.models import EntryRow, LineRow
from billing.ledger.queries import entry_of, trial_balance
from billing.ledger.records import Account, Line, Posting
from billing.ledger.use_cases import post, post_many
from billing.platform.data.waiting import insert_together
from tests.factories.statements import statements_on

AT_ONCE = insert_together("ledger_entry", "ledger_line")
ACCOUNTS = st.sampled_from(list(Account))
PATIENTS = st.sampled_from([None, "pat_1", "pat_2", 'pat_"\\{,}'])
CENTS = st.integers(-(10**11), 10**11).filter(bool)


def posting(lines, number=1, purpose="given"):
    return Posting(
        entity_id="ent_1",
        site_id="sit_1",
        effective_on=date(2026, 11, 2),
        source_kind="session",
        source_id=f"ses_{number}",
        purpose=purpose,
        lines=tuple(lines),
    )


def pair(cents):
    return (Line(Account.BANK, Money(cents), "pat_1"), Line(Account.INFUSION, Money(-cents), "pat_1"))


@st.composite
def balanced_lines(draw):
    drawn = draw(st.lists(st.tuples(ACCOUNTS, CENTS, PATIENTS), min_size=1, max_size=6))
    lines = [Line(account, Money(cents), patient) for account, cents, patient in drawn]
    rest = -sum(line.amount.cents for line in lines)
    return [*lines, Line(draw(ACCOUNTS), Money(rest), draw(PATIENTS))] if rest else [*lines, *pair(1)]


def by_hand(tx, told, now):
    """The simple way: the rows of one posting as the tables have them, lines first."""
    entry_id = new_id("je")
    kept = [line for line in told.lines if line.amount]
    lines = [
        {
            "entry_id": entry_id,
            "place": place,
            "account": str(line.account),
            "cents": line.amount.cents,
            "patient_id": line.patient_id,
        }
        for place, line in enumerate(kept, 1)
    ]
    entry = {
        "id": entry_id,
        **{name: getattr(told, name) for name in ("entity_id", "site_id", "effective_on", "reverses_id")},
        **{name: getattr(told, name) for name in ("source_kind", "source_id", "purpose")},
        "posted_at": now,
        "period": f"{told.effective_on:%Y-%m}",
        "actor_id": SYSTEM.id,
        "line_count": len(kept),
    }
    if tx.connection.dialect.name == "postgresql":
        tx.connection.exec_driver_sql(AT_ONCE, (json.dumps([entry], default=str), json.dumps(lines)))
    else:
        tx.session.execute(insert(LineRow), lines)
        tx.session.execute(insert(EntryRow), entry)


def facts_of(database, told):
    with database.reading() as read:
        entry = entry_of(read, source_kind="session", source_id=told.source_id, purpose=told.purpose)
    return {name: value for name, value in vars(entry).items() if name not in ("id", "purpose")}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(balanced_lines(), min_size=1, max_size=5))
def test_entries_posted_together_are_those_posted_one_by_one(database, now, drawn):
    run = new_id("run")[4:]
    ways = {
        purpose: [posting(lines, f"{run}_{place}"[-30:], purpose) for place, lines in enumerate(drawn)]
        for purpose in ("together", "alone", "by hand")
    }
    database.in_transaction(lambda tx: post_many(tx, ways["together"], actor=SYSTEM, now=now))
    for told in ways["alone"]:
        database.in_transaction(lambda tx, told=told: post(tx, told, actor=SYSTEM, now=now))
    for told in ways["by hand"]:
        database.in_transaction(lambda tx, told=told: by_hand(tx, told, now))
    seen = [[facts_of(database, told) for told in way] for way in ways.values()]
    assert seen[0] == seen[1] == seen[2]


def test_the_ids_come_in_the_order_of_the_postings(database, now):
    told = [posting(pair(cents), cents) for cents in (3, 1, 2)]
    ids = database.in_transaction(lambda tx: post_many(tx, told, actor=SYSTEM, now=now))
    with database.reading() as read:
        for entry_id, one in zip(ids, told, strict=True):
            found = entry_of(read, source_kind="session", source_id=one.source_id, purpose="given")
            assert (found.id, found.lines[0].cents) == (entry_id, one.lines[0].amount.cents)


def test_nothing_to_post_says_nothing_to_the_database(database, now):
    with statements_on(database.write_engine) as told:
        assert database.in_transaction(lambda tx: post_many(tx, [], actor=SYSTEM, now=now)) == []
    assert told == []


@pytest.mark.parametrize("count", [1, 300])
def test_many_entries_take_as_many_statements_as_one(database, now, count):
    postings = [posting(pair(5), number) for number in range(count)]
    with statements_on(database.write_engine) as told:
        database.in_transaction(lambda tx: post_many(tx, postings, actor=SYSTEM, now=now))
    assert len(told) == (1 if database.write_engine.dialect.name == "postgresql" else 2)


@pytest.mark.parametrize(
    "spoilt",
    [
        posting(pair(5), 1),  # a fact that was posted before
        posting((Line(Account.BANK, Money(5)),), 8),
        posting((*pair(5), Line(Account.BANK, Money(1))), 8),
        posting((), 8),
    ],
)
def test_one_entry_that_cannot_be_posted_keeps_the_others_out(database, now, spoilt):
    database.in_transaction(lambda tx: post(tx, posting(pair(5), 1), actor=SYSTEM, now=now))
    together = [posting(pair(70), 2), spoilt, posting(pair(70), 3)]
    with pytest.raises(Conflict) as refused:
        database.in_transaction(lambda tx: post_many(tx, together, actor=SYSTEM, now=now))
    assert refused.value.code in ("already-posted", "unbalanced-entry")
    with database.reading() as read:
        assert trial_balance(read) == {"1000": 5, "4000": -5}


ROWS = [
    pytest.param([[1, 5]], 2, id="one line"),
    pytest.param([[1, 5], [2, -4]], 2, id="lines that do not balance"),
    pytest.param([[1, 5], [2, -5]], 3, id="fewer lines than the entry counts"),
    pytest.param([[1, 5], [2, -4], [3, -1]], 2, id="more lines than the entry counts"),
    pytest.param([[1, 0], [2, 0]], 2, id="lines of nothing"),
    pytest.param([], 2, id="no line"),
    pytest.param([[1, 5]], 1, id="an entry that counts one line"),
]


@pytest.mark.parametrize(("lines", "line_count"), ROWS)
def test_the_database_refuses_such_rows_whoever_writes_them(database, now, lines, line_count):
    """Past the product's own check, among entries that are whole."""
    rows = {"je_whole": ([[1, 7], [2, -7]], 2), "je_wrong": (lines, line_count)}
    entries = [_entry(entry_id, count, now) for entry_id, (_, count) in rows.items()]
    told = [_line(entry_id, *line) for entry_id, (listed, _) in rows.items() for line in listed]

    def write(tx):
        if tx.connection.dialect.name == "postgresql":
            tx.connection.exec_driver_sql(AT_ONCE, (json.dumps(entries, default=str), json.dumps(told)))
        else:
            tx.session.execute(insert(LineRow), told)
            tx.session.execute(insert(EntryRow), entries)

    with pytest.raises(DatabaseError):
        database.in_transaction(write)
    with database.reading() as read:
        assert trial_balance(read) == {}


def test_no_line_is_added_to_an_entry_at_any_place(database, now):
    entry_id = database.in_transaction(lambda tx: post(tx, posting(pair(5)), actor=SYSTEM, now=now))
    for places in ((1, 2), (2, 3), (3, 4)):
        later = [_line(entry_id, place, cents) for place, cents in zip(places, (9, -9), strict=True)]
        with pytest.raises(DatabaseError):
            database.in_transaction(lambda tx, later=later: tx.session.execute(insert(LineRow), later))
    with database.reading() as read:
        assert trial_balance(read) == {"1000": 5, "4000": -5}


def test_lines_without_an_entry_do_not_outlive_their_transaction(database):
    orphan = "INSERT INTO ledger_line (entry_id, place, account, cents) VALUES ('je_none', 1, '1000', 5)"
    with pytest.raises(DatabaseError):
        database.in_transaction(lambda tx: tx.session.execute(text(orphan)))


def _entry(entry_id, line_count, now):
    return {
        "id": entry_id,
        "entity_id": "ent_1",
        "site_id": "sit_1",
        "posted_at": now,
        "effective_on": date(2026, 11, 2),
        "period": "2026-11",
        "source_kind": "session",
        "source_id": entry_id,
        "purpose": "given",
        "reverses_id": None,
        "actor_id": "system",
        "line_count": line_count,
    }


def _line(entry_id, place, cents):
    return {"entry_id": entry_id, "place": place, "account": "1000", "cents": cents, "patient_id": None}
