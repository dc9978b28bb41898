"""A statement that goes to the driver itself is what it is through SQLAlchemy, its errors too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from billing.kernel.permissions import SYSTEM
from billing.platform.data.audit import AuditRow, record_audit
from billing.platform.data.selects import row_where, rows_among
from billing.platform.data.series import NumberSeries
from billing.platform.data.statements import Statement
from tests.factories.statements import statements_on

SERIES: Table = NumberSeries.__table__
ADD = Statement(insert(SERIES))
ALL = Statement(select(SERIES).order_by(SERIES.c.series))
RAISE = Statement(
    update(SERIES).where(SERIES.c.series == bindparam("of")).values(last=SERIES.c.last + 10).returning(SERIES)
)


def series(*names):
    return [{"entity_id": "ent_1", "series": name, "last": place} for place, name in enumerate(names, 1)]


def test_what_is_inserted_is_found_by_its_names_and_kept(database):
    with statements_on(database.write_engine) as told:
        assert database.in_transaction(lambda tx: ADD.many(tx.connection, series("a", "b"))) == 2
    assert len(told) == 1
    with database.reading() as read:
        assert [(row.series, row.last) for row in ALL.rows(read.connection, {})] == [("a", 1), ("b", 2)]


def test_what_a_change_returns_is_found_too(database):
    database.in_transaction(lambda tx: ADD.many(tx.connection, series("a", "b")))
    [row] = database.in_transaction(lambda tx: RAISE.rows(tx.connection, {"of": "b"}))
    assert (row.series, row.last) == ("b", 12)


def test_values_and_columns_go_through_their_types(database):
    at = datetime(2026, 11, 2, 9, 0, 1, 250, tzinfo=UTC)
    detail = {"cents": 5, "of": 'a "quoted" Größe'}
    database.in_transaction(
        lambda tx: record_audit(tx, actor=SYSTEM, action="t", subject_id="s", now=at, detail=detail)
    )
    with database.reading() as read:
        by_hand = row_where(read, AuditRow, subject_id="s")
        by_object = read.session.scalars(select(AuditRow)).one()
        assert (by_hand.at, by_hand.detail) == (by_object.at, by_object.detail) == (at, detail)
        assert rows_among(read, AuditRow, "subject_id", ["s", "t", "u"]) == [by_hand]


def test_an_error_is_the_one_that_sqlalchemy_raises_and_takes_all_back(database):
    def twice(tx):
        ADD.many(tx.connection, series("a"))
        ADD.many(tx.connection, series("a"))

    with pytest.raises(IntegrityError) as refused:
        database.in_transaction(twice)
    assert "ent_1" not in str(refused.value.args[0]).split("DETAIL")[0]
    assert refused.value.connection_invalidated is False
    with database.reading() as read:
        assert ALL.rows(read.connection, {}) == []


def test_a_lost_connection_is_given_up_and_the_work_done_again(database):
    tries = []

    def work(tx):
        tries.append(1)
        if len(tries) == 1:
            tx.connection.connection.driver_connection.close()
        return ADD.many(tx.connection, series("a"))

    assert database.in_transaction(work) == 1
    assert len(tries) == 2


def test_a_glance_finds_and_cannot_write(database):
    database.in_transaction(lambda tx: ADD.many(tx.connection, series("a")))
    assert len(database.glance(lambda read: ALL.rows(read.connection, {}))) == 1
    with pytest.raises(DBAPIError):
        database.glance(lambda read: ADD.many(read.connection, series("b")))
    assert len(database.glance(lambda read: ALL.rows(read.connection, {}))) == 1
    with database.reading() as read, pytest.raises(DBAPIError):
        ADD.many(read.connection, series("b"))
