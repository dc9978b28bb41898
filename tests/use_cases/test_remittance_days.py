"""A payment whose own day cannot be right waits for a person, and none is booked in a month to come."""

from datetime import UTC, date, datetime

import pytest

from billing.insurance.errors import PaymentDayToCome
from billing.insurance.queries.remittances import decisions_of
from billing.insurance.use_cases.remittance_decisions.payments import call_day_right
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import list_entries
from tests.conftest import NOW
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_story import Story


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


@pytest.mark.parametrize(
    ("paid_on", "words"),
    [
        (date(1999, 1, 1), "more than three years ago"),
        (date(2027, 12, 31), "more than 10 days from now"),
        (date(2026, 11, 1), "before the visit of 2026-11-02"),
    ],
)
def test_a_payment_of_a_day_that_cannot_be_is_parked_with_the_reason(story, found, paid_on, words):
    sent = story.send(story.answer(18_000), paid_on=paid_on)
    assert sent.status == "parked"
    assert words in sent.reason
    assert story.moved() == {}
    assert found() == set()


def test_a_payment_of_some_days_ahead_is_posted_on_that_day(story, found):
    assert story.send(story.answer(18_000), paid_on=date(2026, 11, 12)).status == "posted"
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    assert found() == set()


def test_one_of_next_month_is_booked_today(database, story):
    now = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    content = story.file(story.answer(18_000), paid_on=date(2026, 12, 2))
    (sent,) = imported(database, content, now=now).transactions
    assert (sent.status, sent.paid_on) == ("posted", date(2026, 12, 2))
    with database.reading() as read:
        entries = list_entries(read, SYSTEM, cursor=None, limit=50)
    assert {each.period for each in entries} == {"2026-11"}
    assert max(each.effective_on for each in entries) == date(2026, 11, 30)


def test_a_day_too_far_ahead_is_looked_at_again_when_it_is_near(database, story):
    content = story.file(story.answer(18_000), paid_on=date(2026, 11, 20))
    assert imported(database, content).status == "parked"
    assert imported(database, content, now=NOW.replace(day=20)).status == "posted"


@pytest.mark.parametrize("paid_on", [date(1999, 1, 1), date(2026, 11, 1)])
def test_a_right_day_that_is_long_ago_is_booked_today_once_somebody_says_so(
    database, do, story, found, paid_on
):
    sent = story.send(story.answer(18_000), paid_on=paid_on)
    said = do(call_day_right, remittance_id=sent.id, reason="On the bank's statement of that day")
    assert (said.status, said.paid_on) == ("posted", paid_on)
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    with database.reading() as read:
        entries = list_entries(read, SYSTEM, cursor=None, limit=1)
        (decision,) = decisions_of(read, sent.id, SYSTEM)
    assert [str(each.effective_on) for each in entries] == ["2026-11-02"]
    assert (decision.kind, decision.reason) == ("right_day", "On the bank's statement of that day")
    assert found() == set()


def test_nobody_says_that_a_day_far_ahead_is_right(do, story):
    sent = story.send(story.answer(18_000), paid_on=date(2027, 12, 31))
    with pytest.raises(PaymentDayToCome):
        do(call_day_right, remittance_id=sent.id, reason="It is")
    assert story.moved() == {}


def test_a_day_that_is_right_is_no_way_around_another_reason(do, story):
    sent = story.send(story.answer(18_000, control_number="LOST"), paid_on=date(1999, 1, 1))
    said = do(call_day_right, remittance_id=sent.id, reason="On the bank's statement of that day")
    assert (said.status, "control number LOST" in str(said.reason)) == ("parked", True)
