"""Rows that wait to be inserted: nobody can tell, but for the round trips that they save."""

from __future__ import annotations

import os
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.errors import AlreadyPosted
from billing.ledger.queries import trial_balance
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post
from billing.platform.data.audit import AuditRow, record_audit
from billing.platform.data.documents import Document, find_document, freeze
from billing.platform.data.selects import rows_where
from billing.platform.data.series import NumberSeries, next_number
from tests.factories.statements import statements_on

FIVE = (debit(Account.BANK, Money(5)), credit(Account.INFUSION, Money(5)))


def posting(number=1):
    return Posting(
        entity_id="ent_1",
        site_id="sit_1",
        effective_on=date(2026, 11, 2),
        source_kind="session",
        source_id=f"ses_{number}",
        purpose="given",
        lines=FIVE,
    )


@pytest.fixture
def audited(now):
    """Leaves a row of the trail about each of these."""

    def write(tx, *subjects):
        for subject in subjects:
            record_audit(tx, actor=SYSTEM, action="test.look", subject_id=subject, now=now)

    return write


def trail(read):
    return {row.subject_id for row in rows_where(read, AuditRow, action="test.look")}


def is_postgresql(database):
    return database.write_engine.dialect.name == "postgresql"


@pytest.mark.parametrize(
    "count",
    [
        lambda tx: len(rows_where(tx, AuditRow, action="test.look")),
        lambda tx: tx.session.scalar(select(func.count()).select_from(AuditRow)),
        lambda tx: tx.connection.scalar(select(func.count()).select_from(AuditRow)),
    ],
)
def test_what_was_inserted_is_there_for_whoever_looks(database, audited, count):
    def work(tx):
        audited(tx, "one", "two")
        seen = [count(tx)]
        audited(tx, "three")
        return [*seen, count(tx)]

    assert database.in_transaction(work) == [2, 3]


def test_rows_of_several_tables_go_together_as_they_were_told(database, audited, now):
    body = {"day": date(2026, 11, 2), "text": 'a "quoted" \\ Größe'}

    def work(tx):
        audited(tx, "one")
        kept = freeze(tx, kind="test", subject_id="sub_1", version=1, body=body, now=now)
        post(tx, posting(), actor=SYSTEM, now=now)
        audited(tx, "two")
        return kept

    with statements_on(database.write_engine) as told:
        document = database.in_transaction(work)
    with database.reading() as read:
        assert trail(read) == {"one", "two"}
        assert find_document(read, document.id) == document
        assert trial_balance(read) == {"1000": 5, "4000": -5}
    assert len(told) == (1 if is_postgresql(database) else 5)


def test_what_waits_goes_back_with_its_transaction(database, audited):
    def work(tx):
        audited(tx, "one")
        raise LookupError

    with pytest.raises(LookupError):
        database.in_transaction(work)
    with database.reading() as read:
        assert trail(read) == set()


@pytest.mark.parametrize("first", [lambda tx: None, lambda tx: next_number(tx, entity_id="e", series="s")])
def test_what_is_refused_in_the_end_takes_all_back_and_says_so_in_its_own_words(
    database, audited, now, first
):
    """Alone, or as the last of several."""
    database.in_transaction(lambda tx: post(tx, posting(), actor=SYSTEM, now=now))

    def work(tx):
        first(tx)
        audited(tx, "one")
        post(tx, posting(), actor=SYSTEM, now=now)

    with pytest.raises(AlreadyPosted):
        database.in_transaction(work)
    with database.reading() as read:
        assert (trail(read), rows_where(read, NumberSeries, entity_id="e")) == (set(), [])
        assert trial_balance(read) == {"1000": 5, "4000": -5}


def test_another_row_that_is_refused_is_not_taken_for_the_posting(database, now):
    def twice(tx):
        post(tx, posting(), actor=SYSTEM, now=now)
        for _ in range(2):
            freeze(tx, kind="test", subject_id="sub_1", version=1, body={}, now=now)

    with pytest.raises(IntegrityError):
        database.in_transaction(twice)


def test_a_rehearsal_is_refused_what_would_be_refused(database, now):
    database.in_transaction(lambda tx: post(tx, posting(), actor=SYSTEM, now=now))
    with pytest.raises(AlreadyPosted):
        database.rehearse(lambda tx: post(tx, posting(), actor=SYSTEM, now=now))


def test_an_instant_needs_its_offset(database, now):
    with pytest.raises((ValueError, TypeError)):
        database.in_transaction(
            lambda tx: freeze(
                tx, kind="test", subject_id="sub_1", version=1, body={}, now=now.replace(tzinfo=None)
            )
        )
    with database.reading() as read:
        assert read.session.scalar(select(func.count()).select_from(Document)) == 0


def test_after_a_transaction_of_one_statement_others_begin_and_end_as_before(database, audited, now):
    def whole(tx):
        post(tx, posting(), actor=SYSTEM, now=now)

    def half(tx):
        audited(tx, "half")
        assert trail(tx) == {"half"}
        raise LookupError

    database.in_transaction(whole)
    for work, error in ((whole, AlreadyPosted), (half, LookupError)):
        with pytest.raises(error):
            database.in_transaction(work)
    with database.reading() as read:
        assert trail(read) == set()
        assert trial_balance(read) == {"1000": 5, "4000": -5}


def test_one_entry_alone_is_one_round_trip(database, now, tmp_path):
    """What the driver's library writes to the wire: one end of a message for each round trip."""
    if not is_postgresql(database):
        pytest.skip("a file has no wire")

    def post_one(number):
        database.in_transaction(lambda tx: post(tx, posting(number), actor=SYSTEM, now=now))

    for number in range(6):  # by then the driver has the statement prepared
        post_one(number)
    with database.write_engine.connect() as connection:
        library = connection.connection.driver_connection.pgconn
    with (tmp_path / "wire").open("w+b") as wire:
        library.trace(os.dup(wire.fileno()))
        post_one(7)
        library.untrace()
        wire.seek(0)
        said = [line.split(b"\t") for line in wire.read().splitlines()]
    assert sum(b"Sync" in line or b"Query" in line for line in said) == 1, said
