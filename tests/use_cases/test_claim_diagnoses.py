"""A claim's diagnoses: by the edition of its day, and two that exclude each other on the provider's word."""

from datetime import date

import pytest
from sqlalchemy import select

from billing.insurance.errors import ClaimFlawed, DiagnosisNotChosen
from billing.insurance.queries.claims import facts_of_claim
from billing.insurance.records.claims import Frequency
from billing.insurance.rules.superbill import codes_of
from billing.insurance.use_cases.claims import correct_claim, issue_claim, void_claim
from billing.insurance.use_cases.diagnoses import load_edition
from billing.insurance.use_cases.superbills import issue_superbill, void_superbill
from billing.patients.use_cases import amend_patient
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import find_document
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


def test_what_was_chosen_for_a_visit_stands_for_the_others_of_its_plan(
    database, course, session_id, do, diagnoses
):
    first = do(issue_superbill, session_id=session_id, diagnoses=["F33.2", "F41.1"])
    second = course.session_ids[1]
    give(database, second)
    issued = do(issue_claim, session_id=second)
    assert diagnoses(issued) == ("F33.2", "F41.1")
    assert codes_of(body_of(database, do(issue_superbill, session_id=second))) == ("F33.2", "F41.1")
    assert codes_of(body_of(database, first)) == ("F33.2", "F41.1")


def test_what_was_chosen_for_another_plan_or_is_void_stands_for_nothing(database, course, session_id, do):
    do(issue_superbill, session_id=session_id, diagnoses=["F33.2"])
    other = a_course(database).session_ids[0]
    give(database, other)
    with pytest.raises(DiagnosisNotChosen, match="usual for Depression"):
        do(issue_claim, session_id=other)
    bill = do(issue_superbill, session_id=other, diagnoses=["F33.1"])
    do(void_superbill, superbill_id=bill.id)
    for deed in (issue_superbill, issue_claim):
        with pytest.raises(DiagnosisNotChosen, match="Choose the diagnosis"):
            do(deed, session_id=other)


def test_what_was_chosen_for_the_claim_stands_for_the_superbill(database, session_id, do):
    do(issue_claim, session_id=session_id, diagnoses=["F33.2"])
    assert codes_of(body_of(database, do(issue_superbill, session_id=session_id))) == ("F33.2",)


def body_of(database, issued):
    with database.reading() as read:
        return find_document(read, issued.document_id).body


@pytest.fixture
def load(do):
    """An edition that holds on the day of service."""

    def run(rows):
        return do(
            load_edition, content=order_file(whole(rows)), starts_on=OCTOBER, replaces=True, may_remove=True
        )

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
