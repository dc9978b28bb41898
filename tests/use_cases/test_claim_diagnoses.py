"""A claim's diagnoses: by the edition of its day, and two that exclude each other on the provider's word."""

from datetime import date

import pytest
from sqlalchemy import select

from billing.insurance.errors import ClaimFlawed
from billing.insurance.queries.claims import facts_of_claim
from billing.insurance.records.claims import Frequency
from billing.insurance.use_cases.claims import correct_claim, void_claim
from billing.insurance.use_cases.diagnoses import load_edition
from billing.patients.use_cases import amend_patient
from billing.platform.data.audit import AuditRow
from tests.factories.care import give
from tests.factories.diagnoses import FEW, order_file, whole
from tests.factories.insurance import a_course, claim, filed, superbill

OCTOBER = date(2026, 10, 1)
EXCLUDING = ("G89.4", "R52")


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def session_id(database, course):
    """Of a session that was given."""
    give(database, course.session_ids[0])
    return course.session_ids[0]


@pytest.fixture
def diagnoses(database):
    def look(issued):
        with database.reading() as read:
            return facts_of_claim(read, issued).diagnoses

    return look


@pytest.fixture
def words_on_the_trail(database):
    def look():
        with database.reading() as read:
            query = select(AuditRow.subject_id).where(AuditRow.action == "claim.diagnoses-unrelated")
            return read.session.scalars(query).all()

    return look


def flaws(work):
    with pytest.raises(ClaimFlawed) as refused:
        work()
    return {flaw.pointer: flaw.message for flaw in refused.value.flaws}


def test_two_that_exclude_each_other_are_refused_at_the_second(database, session_id, words_on_the_trail):
    told = flaws(lambda: claim(database, session_id, diagnoses=["F33.2", *EXCLUDING]))
    assert list(told) == ["/diagnoses/2"]
    assert told["/diagnoses/2"].startswith("G89.4 and R52 exclude each other")
    assert words_on_the_trail() == []


def test_they_stand_on_the_providers_word_until_others_are_named(
    database, session_id, diagnoses, words_on_the_trail
):
    first = claim(database, session_id, diagnoses=EXCLUDING, are_unrelated=True)
    assert diagnoses(first) == EXCLUDING
    assert words_on_the_trail() == [session_id]
    assert claim(database, session_id) == claim(database, session_id, diagnoses=EXCLUDING) == first
    assert list(flaws(lambda: claim(database, session_id, diagnoses=EXCLUDING[::-1]))) == ["/diagnoses/1"]


def test_what_the_superbill_was_issued_with_is_not_asked_about_again(
    database, session_id, diagnoses, words_on_the_trail
):
    superbill(database, session_id, diagnoses=EXCLUDING, are_unrelated=True)
    assert diagnoses(claim(database, session_id)) == EXCLUDING
    claim(database, session_id, diagnoses=["F33.2"])
    assert diagnoses(claim(database, session_id, diagnoses=EXCLUDING)) == EXCLUDING
    assert words_on_the_trail() == []


def test_a_claim_that_changed_or_is_filed_or_taken_back_is_not_asked_about_them(
    database, course, session_id, do, diagnoses, words_on_the_trail
):
    claim(database, session_id, diagnoses=EXCLUDING, are_unrelated=True)
    who = {"patient_id": course.patient.id, "expected_version": course.patient.version}
    do(amend_patient, changes={"family_name": "Jones"}, **who)
    assert claim(database, session_id).version == 2
    (file,) = filed(database)
    taken_back = do(void_claim, claim_id=file.claims[0].id, payer_claim_number="P1")
    assert (taken_back.frequency, diagnoses(taken_back)) == (Frequency.VOID, EXCLUDING)
    assert words_on_the_trail() == [session_id]


def test_a_correction_takes_the_providers_word(database, session_id, do, diagnoses, words_on_the_trail):
    claim(database, session_id)
    (file,) = filed(database)
    new = {"claim_id": file.claims[0].id, "diagnoses": EXCLUDING, "payer_claim_number": "P1"}
    assert list(flaws(lambda: do(correct_claim, **new))) == ["/diagnoses/1"]
    assert diagnoses(do(correct_claim, **new, are_unrelated=True)) == EXCLUDING
    assert words_on_the_trail() == [session_id]


@pytest.fixture
def load(do):
    """An edition that holds on the day of service."""

    def run(rows):
        return do(load_edition, content=order_file(whole(rows)), starts_on=OCTOBER, replaces=True)

    return run


def test_a_code_goes_by_the_edition_of_its_day_when_it_is_issued_and_when_it_is_filed(
    database, session_id, do, load
):
    told = flaws(lambda: claim(database, session_id, diagnoses=["F33.7"]))
    assert told["/diagnoses/0"].startswith("F33.7 is no billable")
    load(FEW)
    issued = claim(database, session_id, diagnoses=["F33.7"])
    load(FEW[:4])
    assert list(flaws(lambda: filed(database))) == [f"/claims/{issued.number}/diagnoses/0"]
    load(FEW)
    (file,) = filed(database)
    load(FEW[:4])
    assert do(void_claim, claim_id=file.claims[0].id, payer_claim_number="P1").frequency is Frequency.VOID
    assert len(filed(database)) == 1
