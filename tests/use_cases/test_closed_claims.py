"""A claim that was closed, or taken back, is no dead end: it is followed by another, and answers are told."""

import pytest

from billing.insurance.errors import ClaimNotPossible
from billing.insurance.queries.claims import claims_of_session, find_claim
from billing.insurance.records.claims import Frequency
from billing.insurance.states import ClaimMark, ClaimState
from billing.insurance.use_cases.claims import correct_claim, mark_claim, mark_filed, void_claim
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.permissions import SYSTEM
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.insurance import a_course, claim, filed, handed_out
from tests.factories.remittance_story import Story

ANSWERED = "closed-claim-answered"
OTHERS = ["F33.1"]


@pytest.fixture
def do(database):
    def run(use_case, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=NOW))

    return run


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def bill(database, course):
    return handed_out(database, course.session_ids[0])


@pytest.fixture
def sent(database, bill):
    """The claim of the first visit, filed."""
    claim(database, bill.session_id)
    (file,) = filed(database)
    return file.claims[0]


@pytest.fixture
def story(database, course, bill):
    return Story(database, course, [bill, handed_out(database, course.session_ids[1])])


@pytest.fixture
def state(database):
    def look(of):
        with database.reading() as read:
            return find_claim(read, of.id, SYSTEM).state

    return look


@pytest.fixture
def asked(database):
    def look():
        with database.reading() as read:
            tasks = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=50)
        return [task.subject_id for task in tasks if task.kind == ANSWERED]

    return look


@pytest.fixture
def closed(do, sent):
    return do(mark_claim, claim_id=sent.id, event=ClaimMark.CLOSED)


def denial(story):
    return story.answer(0, adjustments=(("CO", "16", story.bills[0].charge.cents),))


def test_a_visit_whose_claim_was_taken_back_is_claimed_anew(database, do, sent, story, state):
    story.send(story.answer(18_000))
    taken = do(void_claim, claim_id=sent.id, payer_claim_number="ICN0")
    filed(database)
    story.send(story.answer(-18_000), story.answer(20_000, of=1))
    assert state(taken) is ClaimState.CLOSED
    anew = claim(database, sent.session_id)
    assert (anew.state, anew.frequency) == (ClaimState.ISSUED, Frequency.ORIGINAL)
    assert claim(database, sent.session_id) == anew
    with database.reading() as read:
        assert [each.version for each in claims_of_session(read, sent.session_id)] == [1, 2, 3]
    with pytest.raises(ClaimNotPossible, match="Issue a new one"):
        do(correct_claim, claim_id=taken.id)


def test_a_closed_claim_is_corrected(database, do, closed, state):
    with pytest.raises(ClaimNotPossible, match="Correct it"):
        claim(database, closed.session_id, diagnoses=OTHERS)
    anew = do(correct_claim, claim_id=closed.id, diagnoses=OTHERS, payer_claim_number="P1")
    assert (anew.frequency, anew.supersedes_id) == (Frequency.REPLACEMENT, closed.id)
    assert state(closed) is ClaimState.REPLACED


def test_a_closed_claim_is_taken_back(do, closed, state):
    taken = do(void_claim, claim_id=closed.id, payer_claim_number="P1")
    assert (taken.frequency, state(closed)) == (Frequency.VOID, ClaimState.VOIDED)


def test_an_answer_to_a_closed_claim_is_told_until_something_is_done(do, closed, story, asked, state):
    story.send(denial(story))
    assert (asked(), state(closed)) == ([closed.id], ClaimState.CLOSED)
    do(correct_claim, claim_id=closed.id, diagnoses=OTHERS)
    assert asked() == []


def test_what_was_answered_before_it_was_closed_asks_nobody(do, sent, story, asked):
    first = story.send(denial(story))
    do(mark_claim, claim_id=sent.id, event=ClaimMark.CLOSED)
    story.send(story.answer(20_000, of=1))
    assert asked() == []
    do(undo_remittance, remittance_id=first.id, reason="Twice")
    assert asked() == []


def test_the_reversal_that_closes_what_took_a_claim_back_asks_nobody_and_a_payment_after_it_does(
    database, do, sent, story, asked
):
    story.send(story.answer(18_000))
    taken = do(void_claim, claim_id=sent.id, payer_claim_number="ICN0")
    filed(database)
    story.send(story.answer(-18_000), story.answer(20_000, of=1))
    assert asked() == []
    story.send(story.answer(18_000, payer_claim_number="ICN7"))
    assert asked() == [taken.id]


def test_a_claim_that_was_answered_and_never_marked_as_sent_is_no_new_one(database, do, bill, story):
    issued = claim(database, bill.session_id)
    story.send(story.answer(18_000))
    with pytest.raises(ClaimNotPossible, match="ark it as filed"):
        claim(database, bill.session_id, diagnoses=OTHERS)
    assert claim(database, bill.session_id) == issued
    do(mark_filed, claim_id=issued.id)
    anew = do(correct_claim, claim_id=issued.id, diagnoses=OTHERS)
    assert (anew.frequency, anew.original_reference) == (Frequency.REPLACEMENT, "ICN0")


def test_an_answer_to_the_superbill_alone_lets_a_claim_be_withdrawn_and_issued_again(
    database, do, bill, story
):
    issued = claim(database, bill.session_id)
    story.send(story.answer(18_000))
    do(void_claim, claim_id=issued.id)
    assert claim(database, bill.session_id, diagnoses=OTHERS).frequency is Frequency.ORIGINAL
