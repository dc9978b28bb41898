"""An answer with another charge than was billed is booked, told, and asked about unless it is a part."""

import pytest

from billing.insurance.queries import find_remittance
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.platform.data.tasks import close_task, list_tasks, open_subjects
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

BILLED = 38_250


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


def asked(database):
    with database.reading() as read:
        return list(open_subjects(read, kind="charge-differs"))


def told(database, sent):
    with database.reading() as read:
        claims = find_remittance(read, sent.id, SYSTEM).claims
    return [(each.charge.cents, each.billed and each.billed.cents, each.is_part) for each in claims]


def test_another_charge_than_was_billed_is_booked_and_asked_about(database, story, found):
    sent = story.send(story.answer(18_000, charge_cents=30_000), story.answer(9_000, of=1))
    assert (sent.status, story.moved()) == ("posted", {"1000": 27_000, "2200": -27_000})
    assert told(database, sent) == [(30_000, BILLED, False), (BILLED, None, False)]
    assert [each.billed for each in sent.claims] == [Money(BILLED), None]
    assert asked(database) == [sent.id]
    assert found() == set()


def test_the_same_charge_says_nothing(database, story):
    sent = story.send(story.answer(0), story.answer(9_000, of=1))
    assert told(database, sent) == [(BILLED, None, False)] * 2
    assert asked(database) == []


def test_the_same_charge_paid_again_is_booked_and_asked_about_until_one_is_taken_back(database, story, found):
    first = story.send(story.answer(10_000), story.answer(0, of=1))
    again = story.send(story.answer(8_000), story.answer(9_000, of=1))
    assert told(database, first) == [(BILLED, None, False)] * 2
    assert told(database, again) == [(BILLED, BILLED, False), (BILLED, None, False)]
    assert ([each.billed for each in again.claims], story.credit()) == ([Money(BILLED), None], 27_000)
    assert asked(database) == [again.id]
    story.send(story.answer(-10_000), plb=[("FB", -10_000)])
    assert (told(database, again), asked(database)) == ([(BILLED, None, False)] * 2, [])
    assert found() == set()


def test_a_charge_that_another_payer_paid_is_not_paid_again(database, story):
    story.send(story.answer(10_000))
    other = story.send(story.answer(8_000), payer_id="1999999999")
    assert (told(database, other), asked(database)) == ([(BILLED, None, False)], [])


def test_parts_that_come_to_what_was_billed_ask_nobody(database, story):
    """A payer may divide one claim, in one payment or in several."""
    both = [story.answer(5_000, charge_cents=10_000), story.answer(9_000, charge_cents=28_250)]
    sent = story.send(*both)
    assert told(database, sent) == [(10_000, BILLED, True), (28_250, BILLED, True)]
    assert asked(database) == []
    first = story.send(story.answer(5_000, of=1, charge_cents=10_000))
    assert asked(database) == [first.id]
    story.send(story.answer(9_000, of=1, charge_cents=28_250))
    assert told(database, first) == [(10_000, BILLED, True)]
    assert asked(database) == []


def test_another_payers_charge_is_no_part_of_it(database, story):
    story.send(story.answer(5_000, charge_cents=10_000))
    other = story.send(story.answer(9_000, charge_cents=28_250), payer_id="1999999999")
    assert told(database, other) == [(28_250, BILLED, False)]
    assert len(asked(database)) == 2


def test_what_the_payer_corrects_is_asked_about_no_more(database, story, found):
    wrong = story.send(story.answer(18_000, charge_cents=30_000))
    story.send(story.answer(-18_000, charge_cents=-30_000), story.answer(18_000))
    assert told(database, wrong) == [(30_000, None, False)]
    assert asked(database) == []
    assert found() == set()


def test_what_is_undone_is_asked_about_no_more(database, do, story):
    sent = story.send(story.answer(18_000, charge_cents=30_000))
    do(undo_remittance, remittance_id=sent.id, reason="Their file was wrong")
    assert (asked(database), told(database, sent)) == ([], [(30_000, None, False)])


def test_parked_it_says_nothing_yet(database, story):
    sent = story.send(story.answer(18_000, charge_cents=30_000), plb=[("CV", 100)])
    assert (sent.status, told(database, sent), asked(database)) == ("parked", [(30_000, None, False)], [])


def test_the_other_part_is_asked_about_again_when_its_complement_is_undone(database, do, story):
    first = story.send(story.answer(5_000, charge_cents=10_000))
    second = story.send(story.answer(9_000, charge_cents=28_250))
    assert asked(database) == []
    do(undo_remittance, remittance_id=second.id, reason="Their file was wrong")
    assert (asked(database), told(database, first)) == ([first.id], [(10_000, BILLED, False)])


def test_a_part_that_nobody_was_asked_about_is_when_the_first_one_is_undone(database, do, story):
    first = story.send(story.answer(5_000, charge_cents=10_000))
    second = story.send(story.answer(9_000, charge_cents=28_250))
    do(undo_remittance, remittance_id=first.id, reason="Their file was wrong")
    assert asked(database) == [second.id]


def test_what_a_person_looked_at_while_it_differed_is_not_asked_about_by_the_undo_of_another(
    database, do, ask, story
):
    first = story.send(story.answer(5_000, charge_cents=10_000))
    (task,) = (each for each in ask(list_tasks, SYSTEM, limit=9) if each.kind == "charge-differs")
    do(close_task, task_id=task.id, note="Agreed with the payer")
    second = story.send(story.answer(9_000, charge_cents=9_000))
    do(undo_remittance, remittance_id=second.id, reason="Their file was wrong")
    assert asked(database) == []
    assert told(database, first) == [(10_000, BILLED, False)]


def test_what_was_corrected_is_asked_about_again_when_the_correction_is_undone(database, do, story, found):
    wrong = story.send(story.answer(18_000, charge_cents=30_000))
    right = story.send(story.answer(-18_000, charge_cents=-30_000), story.answer(18_000))
    do(undo_remittance, remittance_id=right.id, reason="It was another clinic's")
    assert asked(database) == [wrong.id]
    assert found() == set()
