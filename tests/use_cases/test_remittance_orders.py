"""Files of one insurer come in any order, and the books are the same in the end."""

from itertools import permutations

import pytest

from billing.insurance.flows.remittances import resume_after
from billing.insurance.queries import find_remittance
from billing.insurance.use_cases.remittance_decisions.matches import match_claim
from billing.insurance.use_cases.remittances.posting import RESUME_REMITTANCES
from billing.kernel.permissions import SYSTEM
from billing.platform.data.jobs import Worker
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

ORDERS = list(permutations(range(3)))
OTHER_JOBS = dict.fromkeys(["render-receipt", "mail-receipt", "render_superbill"], lambda _task: None)


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


def test_what_waits_for_a_payment_that_a_person_matched_is_posted_by_the_worker(
    database, do, story, now, found
):
    unmatched = story.send(story.answer(18_000, control_number="0"))
    waits = story.send(story.answer(-18_000), story.answer(30_000, of=1))
    assert (unmatched.status, waits.status) == ("parked", "parked")
    do(
        match_claim, remittance_id=unmatched.id, claim_id=unmatched.claims[0].id,
        session_id=story.course.session_ids[0], reason="By name", by=SYSTEM,
    )  # fmt: skip
    assert story.moved() == {"1000": 18_000, "2200": -18_000}

    resumed = []

    def resume(task):
        resumed.append(task.key)
        resume_after(database.in_transaction, remittance_id=task.payload["remittance_id"], clock=lambda: now)

    worker = Worker(database, lambda: now, OTHER_JOBS | {RESUME_REMITTANCES: resume})
    worker.run_once()
    assert resumed == [unmatched.id]
    with database.reading() as read:
        assert find_remittance(read, waits.id, SYSTEM).status == "posted"
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


def test_the_worker_is_asked_nothing_when_nothing_waits(database, story, now):
    story.send(story.answer(18_000))
    asked = []
    Worker(database, lambda: now, OTHER_JOBS | {RESUME_REMITTANCES: asked.append}).run_once()
    assert asked == []
