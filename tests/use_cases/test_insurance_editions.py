"""Editions of ICD-10-CM by day of service: loaded, replaced, never changed."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from billing.insurance.errors import (
    EditionIncomplete,
    OtherEditionThere,
    SuperbillNotPossible,
    UnreadableDiagnoses,
)
from billing.insurance.models import DiagnosisEditionRow
from billing.insurance.queries import edition_on, told_of_edition
from billing.insurance.rules.diagnoses import excluding_pair, is_billable
from billing.insurance.rules.editions import shipped_on
from billing.insurance.use_cases.diagnoses import load_edition
from billing.kernel.permissions import SYSTEM
from billing.platform.data.audit import AuditRow
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.diagnoses import FEW, order_file, whole
from tests.factories.insurance import a_course, superbill

OCTOBER = date(2026, 10, 1)
BEFORE = OCTOBER - timedelta(days=1)
MORE = (*FEW, ("R53", "1", "A code that was forgotten"))


def load(database, now, rows=FEW, *, starts_on=OCTOBER, replaces=False, may_remove=True):
    return database.in_transaction(
        lambda tx: load_edition(
            tx,
            content=order_file(whole(rows)),
            starts_on=starts_on,
            replaces=replaces,
            may_remove=may_remove,
            actor=SYSTEM,
            now=now,
        )
    )


def in_force(database, on):
    with database.reading() as read:
        return edition_on(read, on)


def kept(database):
    with database.reading() as read:
        query = select(DiagnosisEditionRow).order_by(DiagnosisEditionRow.version)
        return [(row.starts_on, row.version) for row in read.session.scalars(query)]


def test_without_any_loaded_edition_the_shipped_one_serves_every_day(database):
    assert [in_force(database, on) for on in (date(2020, 1, 1), OCTOBER)] == [shipped_on(OCTOBER)] * 2


def test_a_loaded_edition_holds_from_its_day_on(database, now):
    loaded = load(database, now)
    assert (loaded.status, loaded.codes, loaded.billable) == ("loaded", 30, 28)
    assert (loaded.new, loaded.gone) == (25, 74_719 - 3)
    assert not is_billable(in_force(database, BEFORE), "F33.7")
    assert is_billable(in_force(database, OCTOBER), "F33.7")
    assert is_billable(in_force(database, date(2031, 1, 1)), "F33.7")
    assert not is_billable(in_force(database, OCTOBER), "F41.1")
    with database.reading() as read:
        (row,) = read.session.query(AuditRow).filter_by(action="diagnoses.load").all()
    assert row.detail == {"starts_on": "2026-10-01", "version": 1, "codes": 30}


def test_of_several_the_newest_that_has_begun_holds_and_the_oldest_serves_the_days_before(database, now):
    load(database, now, MORE, starts_on=date(2027, 4, 1))
    load(database, now)
    load(database, now, FEW[:2], starts_on=date(2025, 10, 1))
    days = (date(2027, 4, 1), date(2027, 3, 31), BEFORE, date(2026, 3, 31), date(2020, 1, 1))
    assert [len(in_force(database, on).lines) for on in days] == [31, 30, 98_186, 27, 27]


def test_the_notes_of_the_shipped_edition_hold_for_a_loaded_one(database, now):
    load(database, now)
    edition = in_force(database, OCTOBER)
    assert excluding_pair(edition, ["F33.7", "F32.1"]) == ("F33.7", "F32.1")
    assert excluding_pair(edition, ["F33.7", "R52"]) is None


def test_the_usual_codes_that_are_not_billable_in_it_are_named(database, now):
    assert load(database, now).usual_not_billable == [], "no clinic is there yet"
    seed_sample(database, now)
    named = load(database, now, MORE, replaces=True).usual_not_billable
    assert {"F32.9", "F33.1", "G90.511"} <= set(named)
    assert {"F32.1", "F33.2"}.isdisjoint(named)
    own = [tuple(line.split("\t")) for line in shipped_on(OCTOBER).lines]
    assert load(database, now, own, starts_on=date(2026, 4, 1)).usual_not_billable == []


def test_the_same_edition_again_changes_nothing(database, now):
    load(database, now)
    again = load(database, now + timedelta(days=1), replaces=True)
    assert (again.status, again.new, again.gone) == ("unchanged", 0, 0)
    assert kept(database) == [(OCTOBER, 1)]


def test_another_file_for_the_same_day_is_refused_until_it_is_asked_for(database, now):
    load(database, now)
    with pytest.raises(OtherEditionThere, match=r"1 billable codes more and 0 fewer.*--replace"):
        load(database, now, MORE)
    assert not is_billable(in_force(database, OCTOBER), "R53")
    replaced = load(database, now, MORE, replaces=True)
    assert (replaced.status, replaced.new, replaced.gone) == ("replaced", 1, 0)
    assert is_billable(in_force(database, OCTOBER), "R53")
    assert load(database, now, replaces=True).status == "replaced", "the first one once more"
    assert not is_billable(in_force(database, OCTOBER), "R53")
    assert kept(database) == [(OCTOBER, 1), (OCTOBER, 2), (OCTOBER, 3)]


def test_the_shipped_edition_is_replaced_by_a_word_too_and_its_own_codes_are_known(database, now):
    shipped = shipped_on(OCTOBER)
    own = [tuple(line.split("\t")) for line in shipped.lines]
    assert load(database, now, own, starts_on=shipped.starts_on).status == "unchanged"
    with pytest.raises(OtherEditionThere):
        load(database, now, starts_on=shipped.starts_on)
    assert load(database, now, starts_on=shipped.starts_on, replaces=True).status == "replaced"
    assert in_force(database, OCTOBER).lines == in_force(database, date(2020, 1, 1)).lines
    assert len(in_force(database, OCTOBER).lines) == 30


def test_a_file_that_lacks_most_codes_is_refused_until_somebody_says_that_it_is_whole(database, now):
    with pytest.raises(EditionIncomplete) as refused:
        load(database, now, may_remove=False)
    assert refused.value.detail.startswith("This file has 28 billable codes: 74716 of the 74719 before")
    assert kept(database) == []
    assert load(database, now).status == "loaded"
    assert load(database, now, MORE, replaces=True, may_remove=False).status == "replaced"


def test_a_file_that_is_refused_leaves_nothing(database, now):
    with pytest.raises(UnreadableDiagnoses):
        load(database, now, [*FEW, ("R52", "1", "Twice")])
    assert kept(database) == []


@pytest.mark.parametrize("left", [6, 29])
def test_a_file_that_was_cut_off_at_the_end_of_a_line_is_refused(database, now, left):
    """Every chapter of the codes before has some."""
    lines = order_file(whole()).splitlines(keepends=True)
    content = b"".join(lines[:left])
    with pytest.raises(UnreadableDiagnoses) as refused:
        database.in_transaction(
            lambda tx: load_edition(
                tx, content=content, starts_on=OCTOBER, replaces=True, may_remove=True, actor=SYSTEM, now=now
            )
        )
    (flaw,) = refused.value.flaws
    assert flaw.pointer == f"line {left}"
    assert flaw.message.endswith("Z any more: the file was cut off")
    assert kept(database) == []


def test_a_rehearsed_load_leaves_nothing_even_for_who_has_seen_it(database, now):
    def look(tx):
        load_edition(
            tx,
            content=order_file(whole()),
            starts_on=OCTOBER,
            replaces=False,
            may_remove=True,
            actor=SYSTEM,
            now=now,
        )
        return edition_on(tx, OCTOBER)

    assert is_billable(database.rehearse(look), "F33.7")
    assert kept(database) == []
    assert not is_billable(in_force(database, OCTOBER), "F33.7")


def test_two_machines_that_load_at_the_same_moment_keep_one_edition(database, now):
    outcomes = []
    both = threading.Barrier(2)

    def run(rows):
        both.wait()
        try:
            outcomes.append(load(database, now, rows).status)
        except OtherEditionThere:
            outcomes.append("refused")

    threads = [threading.Thread(target=run, args=(rows,)) for rows in (FEW, MORE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["loaded", "refused"]
    assert kept(database) == [(OCTOBER, 1)]


@pytest.mark.parametrize(
    "deed", [update(DiagnosisEditionRow).values(code_count=9), delete(DiagnosisEditionRow)]
)
def test_a_loaded_edition_is_neither_changed_nor_taken_away(database, now, deed):
    load(database, now)
    with pytest.raises(DBAPIError, match="keeps what it holds"):
        database.in_transaction(lambda tx: tx.session.execute(deed))


def test_the_installation_is_told_when_a_new_year_of_codes_has_begun(database, now):
    def told(on):
        with database.reading() as read:
            return told_of_edition(read, on)

    assert told(BEFORE) == "The ICD-10-CM codes that start on 2026-04-01 hold."
    assert "a new year of codes has begun: load it" in told(OCTOBER)
    load(database, now)
    assert told(OCTOBER) == told(date(2027, 9, 30)) == "The ICD-10-CM codes that start on 2026-10-01 hold."
    assert "has begun" in told(date(2027, 10, 1))


def test_a_superbill_follows_the_edition_of_its_day_of_service(database, now):
    """The session is given on November 2."""
    course = a_course(database, sessions=1)
    give(database, course.session_ids[0])
    with pytest.raises(SuperbillNotPossible, match=r"F33\.7 is no billable"):
        superbill(database, course.session_ids[0], diagnoses=["F33.7"])
    load(database, now)
    first = superbill(database, course.session_ids[0], diagnoses=["F33.7"])
    load(database, now, FEW[:4], replaces=True)
    with pytest.raises(SuperbillNotPossible, match=r"F33\.7 is no billable"):
        superbill(database, course.session_ids[0])
    second = superbill(database, course.session_ids[0], diagnoses=["F33.2"])
    assert (first.version, second.version) == (1, 2)
