"""Files of one insurer come in any order, and the books are the same in the end."""

from itertools import permutations

import pytest

from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

ORDERS = list(permutations(range(3)))


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


def corrected(story):
    return [
        story.file(story.answer(18_000)),
        story.file(story.answer(-18_000), story.answer(30_000, of=1)),
        story.file(story.answer(20_000)),
    ]


def carried(story):
    return [
        story.file(story.answer(18_000), plb=[("L6", -700)]),
        story.file(story.answer(-18_000), story.answer(10_000, of=1), plb=[("FB", -8_000)]),
        story.file(story.answer(20_000), plb=[("FB", 8_000), ("L6", 700)]),
    ]


def put_off(story):
    return [
        story.file(story.answer(18_000)),
        story.file(story.answer(-18_000), story.answer(10_000, of=1), plb=[("WO:ICN0", -18_000)]),
        story.file(story.answer(20_000, of=1), plb=[("WO:ICN0", 18_000)]),
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("told", "moved"),
    [
        (corrected, {"1000": 50_000, "2200": -50_000}),
        (carried, {"1000": 30_000, "2200": -30_000}),
        (put_off, {"1000": 30_000, "2200": -30_000}),
    ],
)
def test_the_order_of_the_files_makes_no_difference(story, found, told, moved, order):
    contents = told(story)
    for place in order:
        story.read(contents[place])
    assert story.moved() == moved
    assert story.credit() == -moved["2200"]
    assert [story.read(content).status for content in contents] == ["duplicate"] * 3
    assert found() == set()
