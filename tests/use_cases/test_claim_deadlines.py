"""Until when a plan takes a claim, and who is reminded."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimMark, ClaimState
from billing.insurance.use_cases.claim_deadlines import remind_of_filing
from billing.insurance.use_cases.claims import correct_claim, mark_claim, mark_filed, void_claim
from billing.kernel.errors import IllegalMove
from billing.kernel.permissions import SYSTEM
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.factories.insurance import a_course, claim, claimed, filed, imported
from tests.factories.patients import new_policy
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance
from tests.use_cases.test_acknowledgements import of_claims, take

ZONE = ZoneInfo("America/Chicago")
LAST = date(2027, 5, 1)
"""Of a plan that takes claims for 180 days after 2 November 2026."""


@pytest.fixture
def course(database):
    course = a_course(database)
    new_policy(database, course.patient.id, filing_days=180)
    return course


@pytest.fixture
def present(database, course):
    return claimed(database, course.session_ids[0])


@pytest.fixture
def remind(database):
    def look(days_before, hour=0):
        at = datetime(LAST.year, LAST.month, LAST.day, hour, tzinfo=ZONE) - timedelta(days=days_before)
        return database.in_transaction(lambda tx: remind_of_filing(tx, actor=SYSTEM, now=at))

    return look


@pytest.fixture
def tasks(database):
    def look(state=TaskState.OPEN):
        with database.reading() as read:
            return [(each.kind, each.subject_id) for each in list_tasks(read, SYSTEM, state=state, limit=9)]

    return look


@pytest.fixture
def do(database, now):
    return lambda use_case, **what: database.in_transaction(
        lambda tx: use_case(tx, **what, actor=SYSTEM, now=now)
    )


def test_a_claim_keeps_the_last_day_on_which_the_plan_takes_it(present):
    assert present.file_by == LAST


def test_a_plan_of_which_nobody_asked_has_no_last_day_until_it_is_entered(database, remind, tasks):
    course = a_course(database)
    issued = claimed(database, course.session_ids[0])
    assert issued.file_by is None
    assert (remind(0), tasks()) == (0, [])
    new_policy(database, course.patient.id, filing_days=90)
    again = claim(database, course.session_ids[0])
    assert again == replace(issued, file_by=date(2027, 1, 31))


def test_somebody_is_reminded_60_days_before_and_again_30(database, present, remind, tasks, now):
    assert (remind(61, hour=23), tasks()) == (0, [])
    assert (remind(60), remind(60, hour=12), remind(45)) == (1, 1, 1)
    assert tasks() == [("claim-due", present.id)]
    with database.reading() as read:
        (task,) = list_tasks(read, SYSTEM, limit=9)
    closed_at = datetime(2027, 3, 10, tzinfo=ZONE)
    database.in_transaction(
        lambda tx: close_task(tx, task_id=task.id, note=None, actor=SYSTEM, now=closed_at)
    )
    assert (remind(31, hour=23), tasks()) == (1, [])
    remind(30)
    assert tasks() == [("claim-due", present.id)]
    late = datetime(2027, 4, 20, tzinfo=ZONE)
    database.in_transaction(lambda tx: close_task(tx, task_id=task.id, note=None, actor=SYSTEM, now=late))
    remind(5)
    remind(-10)
    assert tasks() == [], "who closed it within the 30 days has decided"


@pytest.mark.parametrize("deed", ["file", "mark", "void", "replace"])
def test_the_task_ends_when_the_claim_is_filed_or_withdrawn(database, present, remind, tasks, do, deed):
    remind(50)
    assert tasks() == [("claim-due", present.id)]
    if deed == "file":
        filed(database)
    elif deed == "replace":
        second = claim(database, present.session_id, diagnoses=["F33.1"])
        assert second.file_by == LAST
    else:
        do(mark_filed if deed == "mark" else void_claim, claim_id=present.id)
    assert tasks() == []
    assert remind(40) == (1 if deed == "replace" else 0)


def test_a_claim_that_was_sent_back_has_to_be_filed_again_in_time(database, present, remind, tasks, now):
    (file,) = filed(database)
    take(database, of_claims((present.control_number, "A7:21")), now=now)
    assert tasks() == [("claim-rejected", present.id)]
    assert remind(20) == 1
    assert set(tasks()) == {("claim-due", present.id), ("claim-rejected", present.id)}
    claim(database, present.session_id)
    assert tasks() == [], "the next version asks for itself"
    assert file.claims


def test_a_denial_is_asked_about_until_something_is_done(database, present, tasks, do, now):
    filed(database)
    denied = Answer(
        control_number=present.control_number,
        charge_cents=38_250,
        paid_cents=0,
        adjustments=(("CO", "197", 38_250),),
    )
    imported(database, remittance([denied]), now=now + timedelta(days=1))
    assert tasks() == [("claim-denied", present.id)]
    do(mark_claim, claim_id=present.id, event=ClaimMark.APPEALED)
    assert tasks() == []
    imported(database, remittance([denied], trace="EFT0002"), now=now + timedelta(days=2))
    assert tasks() == [("claim-denied", present.id)], "the appeal was denied, too"
    do(correct_claim, claim_id=present.id, diagnoses=["F33.1"])
    assert tasks() == []


S, M = ClaimState, ClaimMark


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        ([M.RECORDS_REQUESTED], S.RECORDS_REQUESTED),
        ([M.RECORDS_REQUESTED, M.RECORDS_SENT], S.ACCEPTED),
        ([M.RECORDS_REQUESTED, M.CLOSED], S.CLOSED),
        ([M.CLOSED], S.CLOSED),
    ],
)
def test_a_person_says_what_happened_to_a_claim(database, present, do, marks, state):
    filed(database)
    for mark in marks:
        do(mark_claim, claim_id=present.id, event=mark)
    with database.reading() as read:
        assert find_claim(read, present.id, SYSTEM).state is state


@pytest.mark.parametrize("mark", ClaimMark)
def test_of_a_claim_that_nobody_has_nothing_happened(present, do, mark):
    with pytest.raises(IllegalMove, match="A claim that is issued cannot be marked"):
        do(mark_claim, claim_id=present.id, event=mark)


@pytest.mark.parametrize("mark", [M.APPEALED, M.RECORDS_SENT])
def test_only_an_answer_is_appealed_and_only_records_that_were_asked_for_are_sent(
    database, present, do, mark
):
    filed(database)
    with pytest.raises(IllegalMove):
        do(mark_claim, claim_id=present.id, event=mark)
