"""A payer's own number finds the visit of its earlier answer, unless it names another member or day."""

from datetime import date

import pytest

from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

STRANGE = {"control_number": "ZZQA", "payer_claim_number": "ICN0"}


@pytest.fixture
def story(database):
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    assert story.send(story.answer(18_000)).status == "posted"
    return story


@pytest.mark.parametrize("member_id", ["", "W123456", "w-123456 01", "W12345"])
def test_the_payers_number_finds_the_visit_of_its_earlier_answer(story, member_id):
    sent = story.send(story.answer(500, **STRANGE, member_id=member_id))
    assert (sent.status, story.credit()) == ("posted", 18_500)


@pytest.mark.parametrize(
    "other",
    [
        {"member_id": "OTHERMEM9"},
        {"member_id": "W1"},
        {"served_on": date(2025, 1, 1)},
        {"member_id": "OTHERMEM9", "more": ("NM1*IL*1*SAMPLE*PARENT",)},
        {"member_id": "", "more": ("NM1*IL*1*SAMPLE*PARENT****MI*OTHERMEM9",)},
        {"served_on": None, "more": ("DTM*232*20251101", "DTM*233*20261101")},
    ],
    ids=["member", "short", "day", "insured without a number", "insured", "period"],
)
def test_it_proves_nothing_for_another_member_or_day(story, other):
    sent = story.send(story.answer(500, **STRANGE, **other))
    assert (sent.status, story.credit()) == ("parked", 18_000)
    assert "ZZQA" in str(sent.reason)


@pytest.mark.parametrize(
    "same",
    [
        {"member_id": "", "more": ("NM1*QC*1*SAMPLE*PATIENT****34*123456789",)},
        {"member_id": "", "more": ("NM1*QC*1*SAMPLE*PATIENT****MI*\0" + "9" * 90,)},
        {"served_on": None, "more": ("DTM*232*20261101", "DTM*233*20261102")},
    ],
    ids=["no member's number", "a number that cannot be read", "period"],
)
def test_what_says_nothing_of_member_or_day_is_no_reason_to_wait(story, same):
    sent = story.send(story.answer(500, **STRANGE, **same))
    assert (sent.status, story.credit()) == ("posted", 18_500)


def test_our_own_number_is_enough_whoever_is_named(story):
    sent = story.send(story.answer(500, member_id="OTHERMEM9"))
    assert (sent.status, story.credit()) == ("posted", 18_500)
