"""A visit is amended after an insurer or the patient was told of it: a person is asked to tell them anew."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.care.records import DrugEntry, Evaluation, EvaluationKind
from billing.insurance.errors import ClaimFlawed
from billing.insurance.states import ClaimMark
from billing.insurance.use_cases.claim_papers import file_on_paper
from billing.insurance.use_cases.claims import correct_claim, mark_claim, mark_filed, void_claim
from billing.insurance.use_cases.overrides import LineAsked, override_lines
from billing.insurance.use_cases.superbills import void_superbill
from billing.kernel.permissions import SYSTEM
from billing.platform.data.tasks import TaskState, ask_again, close_task, list_tasks
from tests.conftest import NOW
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course, claim, filed, superbill

LATER = timedelta(hours=3)
OF_PAPERS = {"claim-amended", "superbill-amended"}
"""A longer visit is asked about for its price, too (`test_prices_of_amended_visits.py`)."""
LONGER, AS_SIGNED = entry(minutes=120), entry(minutes=45)


@pytest.fixture
def session_id(database):
    """Of an infusion of 45 minutes that was signed."""
    session_id = a_course(database).session_ids[0]
    signed(database, session_id, AS_SIGNED)
    return session_id


@pytest.fixture
def tasks(database):
    def look(state=TaskState.OPEN):
        with database.reading() as read:
            found = list_tasks(read, SYSTEM, state=state, limit=9)
        return [(each.kind, each.subject_id) for each in found if each.kind in OF_PAPERS]

    return look


@pytest.fixture
def close(database, now):
    """A person closes the one task that stands open about a paper."""

    def run():
        with database.reading() as read:
            found = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
        (task,) = (each for each in found if each.kind in OF_PAPERS)
        database.in_transaction(lambda tx: close_task(tx, task_id=task.id, note=None, actor=SYSTEM, now=now))

    return run


@pytest.fixture
def amend(database, session_id, now):
    return lambda told: amended(database, session_id, told, now=now + LATER)


@pytest.fixture
def sent(database, session_id):
    """The claim of the visit, with the insurer, and no superbill."""
    claim(database, session_id)
    (file,) = filed(database)
    return file.claims[0]


def asked(paper):
    return [("claim-amended", paper.id)]


def test_a_claim_that_went_out_is_asked_about_without_any_superbill(sent, amend, tasks):
    amend(LONGER)
    assert tasks() == asked(sent)
    amend(entry(minutes=150))
    assert tasks() == asked(sent), "once, however often it is amended"


def test_replacing_the_claim_ends_the_task(sent, amend, tasks, do, now):
    amend(LONGER)
    do(correct_claim, claim_id=sent.id, payer_claim_number="P1", at=now + LATER)
    assert tasks() == []


def test_taking_the_claim_back_or_closing_it_ends_the_task(sent, amend, tasks, do, now):
    amend(LONGER)
    do(void_claim, claim_id=sent.id, payer_claim_number="P1", at=now + LATER)
    assert tasks() == []


def test_a_claim_that_is_closed_is_asked_about_no_more(sent, amend, tasks, do, now):
    amend(LONGER)
    do(mark_claim, claim_id=sent.id, event=ClaimMark.CLOSED, at=now + LATER)
    assert tasks() == []
    amend(entry(minutes=150))
    assert tasks() == []


def test_a_replacement_that_was_sent_is_asked_about_in_its_turn(database, sent, amend, tasks, do, now):
    amend(LONGER)
    second = do(correct_claim, claim_id=sent.id, payer_claim_number="P1", at=now + LATER)
    do(mark_filed, claim_id=second.id, at=now + LATER)
    amend(entry(minutes=200))
    assert tasks() == asked(second)


def test_a_claim_that_was_not_sent_yet_is_issued_again(database, session_id, amend, tasks, now):
    first = claim(database, session_id)
    amend(LONGER)
    assert tasks() == asked(first)
    claim(database, session_id, now=now + LATER)
    assert tasks() == []


def test_a_claim_that_says_otherwise_than_what_is_signed_is_not_filed(
    database, session_id, amend, tasks, now
):
    first = claim(database, session_id)
    amend(LONGER)
    for send in (filed, on_paper):
        with pytest.raises(ClaimFlawed) as refused:
            send(database)
        assert [flaw.pointer for flaw in refused.value.flaws] == [f"/claims/{first.number}"]
    second = claim(database, session_id, now=now + LATER)
    (file,) = filed(database)
    assert [each.id for each in file.claims] == [second.id]


def test_a_person_who_closes_the_task_may_send_it_as_it_is(database, session_id, amend, close, now):
    first = claim(database, session_id)
    amend(LONGER)
    close()
    (file,) = filed(database)
    assert [each.id for each in file.claims] == [first.id]


def on_paper(database):
    days = {"starts_on": NOW.date(), "ends_on": NOW.date()}
    return database.in_transaction(lambda tx: file_on_paper(tx, **days, actor=SYSTEM, now=NOW))


def test_what_changes_nothing_on_the_claim_asks_nobody(sent, amend, tasks):
    amend(entry(minutes=50))
    assert tasks() == [], "16 to 90 minutes are one code"


def test_another_dose_or_another_drug_is_another_claim(sent, amend, tasks):
    amend(entry(DrugEntry(drug="ketamine", dose_mg=Decimal(60))))
    assert tasks() == asked(sent)


def test_a_visit_that_is_amended_back_ends_the_task(sent, amend, tasks):
    amend(LONGER)
    amend(AS_SIGNED)
    assert tasks() == []


def test_what_a_person_closed_is_asked_again_when_it_is_amended_again(sent, amend, tasks, close):
    amend(LONGER)
    close()
    assert tasks() == []
    amend(entry(minutes=200))
    assert tasks() == asked(sent)


def test_lines_that_staff_changed_before_have_to_be_looked_at(database, session_id, amend, tasks, do):
    lines = [LineAsked(place=1, modifiers=["59"])]
    do(override_lines, session_id=session_id, lines=lines, reason="two sites")
    present = claim(database, session_id)
    amend(LONGER)
    assert tasks() == asked(present)


def test_a_void_that_waits_or_went_out_is_not_replaced(database, sent, amend, tasks, do):
    do(void_claim, claim_id=sent.id, payer_claim_number="P1")
    amend(LONGER)
    filed(database)
    amend(entry(minutes=200))
    assert tasks() == []


def test_a_superbill_is_asked_about_until_it_is_issued_anew(database, session_id, amend, tasks, now):
    first = superbill(database, session_id)
    amend(entry(minutes=50))
    assert tasks() == [("superbill-amended", first.id)], "its times are on it"
    superbill(database, session_id, now=now + LATER)
    assert tasks() == []


def test_a_superbill_that_is_void_is_asked_about_no_more(database, session_id, amend, tasks, do):
    first = superbill(database, session_id)
    amend(LONGER)
    do(void_superbill, superbill_id=first.id)
    assert tasks() == []
    amend(entry(minutes=200))
    assert tasks() == []


def test_both_papers_are_asked_about_each_by_itself(database, session_id, sent, amend, tasks):
    first = superbill(database, session_id)
    amend(LONGER)
    assert sorted(tasks()) == [("claim-amended", sent.id), ("superbill-amended", first.id)]


def test_a_visit_of_which_nobody_was_told_asks_nobody(session_id, amend, tasks):
    amend(LONGER)
    assert tasks() == []


# ------------------------------------------------------------------------- another visit of the patient


EVALUATED = Evaluation(kind=EvaluationKind.OFFICE, minutes=30)


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def noon(database, course):
    """Of a first evaluation, as far as was signed by then."""
    signed(database, course.session_ids[1], entry(now=NOW + LATER, evaluation=EVALUATED), now=NOW + LATER)
    return course.session_ids[1]


def test_a_visit_that_is_signed_late_asks_about_the_later_one_that_was_coded_as_the_first(
    database, course, noon, tasks
):
    told, shown = claim(database, noon, now=NOW + LATER), superbill(database, noon, now=NOW + LATER)
    signed(database, course.session_ids[0], entry(), now=NOW + LATER)
    assert sorted(tasks()) == [("claim-amended", told.id), ("superbill-amended", shown.id)]
    with pytest.raises(ClaimFlawed):
        filed(database, now=NOW + LATER)
    claim(database, noon, now=NOW + LATER)
    superbill(database, noon, now=NOW + LATER)
    assert tasks() == []


def test_a_visit_that_was_before_another_and_is_amended_to_be_after_it_asks_about_that(
    database, course, noon, tasks
):
    signed(database, course.session_ids[0], entry(), now=NOW + 2 * LATER)
    told = claim(database, noon, now=NOW + LATER)
    later = NOW + 2 * LATER
    amended(database, course.session_ids[0], entry(now=later), now=later)
    assert tasks() == asked(told)


def test_a_visit_that_is_signed_late_asks_about_no_earlier_visit_and_none_without_an_evaluation(
    database, course, tasks
):
    first, second = course.session_ids
    signed(database, first, entry(now=NOW + LATER), now=NOW + LATER)
    claim(database, first, now=NOW + LATER)
    signed(database, second, entry(evaluation=EVALUATED), now=NOW + LATER)
    assert tasks() == []


# --------------------------------------------------------------------------- lines that staff change


SHORTER = replace(EVALUATED, minutes=29)


@pytest.fixture
def back_by_override(database, do, now):
    """A visit whose evaluation was amended to another code, which staff then bill as it was told."""
    session_id = a_course(database).session_ids[0]
    signed(database, session_id, entry(evaluation=EVALUATED))
    papers = superbill(database, session_id), claim(database, session_id)
    amended(database, session_id, entry(evaluation=SHORTER), now=now + LATER)
    lines = [LineAsked(place=2, code="99203")]
    return papers, lambda: do(override_lines, session_id=session_id, lines=lines, reason="r", at=now + LATER)


def test_lines_that_staff_change_back_to_what_was_told_end_the_tasks(database, back_by_override, tasks, now):
    (bill, present), override = back_by_override
    assert sorted(tasks()) == [("claim-amended", present.id), ("superbill-amended", bill.id)]
    override()
    assert tasks() == []
    (file,) = filed(database, now=now + LATER)
    assert [each.id for each in file.claims] == [present.id]


def test_a_claim_from_before_staff_changed_its_lines_is_asked_about(database, session_id, tasks, do, now):
    present = claim(database, session_id)
    do(
        override_lines,
        session_id=session_id,
        lines=[LineAsked(place=1, modifiers=["59"])],
        reason="two sites",
    )
    assert tasks() == asked(present)
    claim(database, session_id, now=now + LATER)
    assert tasks() == []


def test_papers_that_are_issued_again_and_say_the_same_end_the_tasks(database, session_id, tasks, do, now):
    """Whoever opened them."""
    bill, present = superbill(database, session_id), claim(database, session_id)
    for kind, paper in (("superbill-amended", bill), ("claim-amended", present)):
        do(ask_again, kind=kind, about=paper)
    assert superbill(database, session_id, now=now + LATER).id == bill.id
    assert tasks() == asked(present)
    assert claim(database, session_id, now=now + LATER).id == present.id
    assert tasks() == []
