"""Large files of insurers: read and posted by the worker, transaction by transaction, once."""

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from billing.insurance.errors import NoSuchUpload
from billing.insurance.flows import remittance_uploads
from billing.insurance.queries import list_remittances
from billing.insurance.queries.remittance_uploads import counted_parts, find_upload
from billing.insurance.states import UploadState
from billing.insurance.use_cases.remittance_decisions.payments import set_aside
from billing.insurance.use_cases.remittance_uploads import (
    POST_UPLOAD,
    forget_uploads,
    keep_upload,
    order_posting,
)
from billing.kernel.clock import system_clock
from billing.kernel.errors import IllegalMove
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.errors import DatabaseBusy
from billing.platform.data.jobs import MOST_ATTEMPTS, Job, JobState, enqueue
from billing.platform.data.tasks import close_task, list_tasks
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_835 import Payment, remittance
from tests.factories.remittance_story import Story
from tests.factories.uploads import SpoilingReader, a_worker


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


@pytest.fixture
def clerk(story):
    return clerk_of(story.course.patient.entity_id, "usr_clerk")


def clerk_of(entity_id, person):
    return Actor(id=person, entity_id=entity_id, permissions=ROLES[Role.BILLING])


@pytest.fixture
def content(story):
    """Three payments; the second is for a claim that nobody here knows."""
    return remittance(
        payments=[
            Payment(claims=[story.answer(2_000), story.answer(1_000, of=1)], trace="ONE"),
            Payment(
                claims=[story.answer(500, control_number="NOTOURS", payer_claim_number="X")], trace="TWO"
            ),
            Payment(claims=[story.answer(4_000), story.answer(3_000, of=1)], trace="THREE"),
        ]
    )


@pytest.fixture
def send(do, clerk):
    def work(content, by=clerk):
        return do(keep_upload, content=content, claims=None, by=by).id

    return work


@pytest.fixture
def look(ask, clerk):
    def work(upload_id, by=clerk):
        return ask(find_upload, upload_id, by)

    return work


@pytest.fixture
def tasks(ask, clerk):
    def work():
        return [(each.kind, each.subject_id) for each in ask(list_tasks, clerk, limit=9)]

    return work


def stands(upload):
    return {part.trace: part.status or part.expected for part in upload.parts}


def at_last_attempt(database):
    database.in_transaction(lambda tx: tx.session.execute(update(Job).values(attempts=MOST_ATTEMPTS - 1)))


def given_up(database):
    """As jobs were left that failed before anybody was told."""
    database.in_transaction(lambda tx: tx.session.execute(update(Job).values(state=JobState.FAILED)))


def give_up_leases(database):
    database.in_transaction(lambda tx: tx.session.execute(update(Job).values(held_until=system_clock())))


def test_it_is_read_first_and_told_what_it_would_do_and_nothing_is_booked(
    database, send, look, ask, content, story
):
    upload_id = send(content)
    assert (look(upload_id).state, look(upload_id).claims) == (UploadState.READING, 0)
    a_worker(database).run_once()
    read = look(upload_id)
    assert (read.state, read.claims, read.claims_done) == (UploadState.READ, 5, 0)
    assert stands(read) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert read.parts[0].trace == "TWO"
    assert "NOTOURS" in read.parts[0].reason
    assert ask(counted_parts, upload_id)["posted"].amount.cents == 10_000
    assert ask(list_remittances, SYSTEM, limit=9) == []
    assert story.moved() == {}


def test_ordered_it_is_posted_once_and_each_payment_has_its_page(
    database, do, send, look, ask, content, clerk, story, found
):
    upload_id = send(content)
    a_worker(database).run_once()
    for _ in range(2):
        assert do(order_posting, upload_id=upload_id, by=clerk).state is UploadState.POSTING
    a_worker(database).run_once()
    done = look(upload_id)
    assert (done.state, done.claims_done) == (UploadState.POSTED, 5)
    assert stands(done) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    kept = {each.id for each in ask(list_remittances, SYSTEM, limit=9)}
    assert {part.remittance_id for part in done.parts} == kept
    assert do(order_posting, upload_id=upload_id, by=clerk).state is UploadState.POSTED
    a_worker(database).run_once()
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
    assert found() == set()


def test_its_posting_may_be_ordered_before_it_was_read(database, do, send, look, content, clerk, story):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    a_worker(database).run_once()
    assert look(upload_id).state is UploadState.POSTED
    assert story.moved() == {"1000": 10_000, "2200": -10_000}


def test_one_file_of_two_clerks_is_posted_once(database, do, send, look, content, clerk, story):
    other = clerk_of(clerk.entity_id, "usr_other")
    mine, theirs = send(content), send(content, by=other)
    for upload_id, by in ((mine, clerk), (theirs, other)):
        do(order_posting, upload_id=upload_id, by=by)
    a_worker(database).run_once()
    assert stands(look(mine)) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert stands(look(theirs, other)) == {"ONE": "duplicate", "TWO": "parked", "THREE": "duplicate"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}


def test_it_is_there_for_who_sent_it_alone(do, send, look, content, clerk):
    upload_id, other = send(content), clerk_of(clerk.entity_id, "usr_other")
    with pytest.raises(NoSuchUpload):
        look(upload_id, other)
    with pytest.raises(NoSuchUpload):
        do(order_posting, upload_id=upload_id, by=other)


def test_who_works_for_another_clinic_books_nothing_here(database, do, send, look, content, story):
    stranger = clerk_of("ent_x", "usr_x")
    upload_id = send(content, by=stranger)
    do(order_posting, upload_id=upload_id, by=stranger)
    a_worker(database).run_once()
    assert set(stands(look(upload_id, stranger)).values()) == {"parked"}
    assert story.moved() == {}
    story.read(content)
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
    assert set(stands(look(upload_id, stranger)).values()) == {"parked"}


def test_what_is_posted_or_set_aside_later_is_told_so(database, do, send, look, ask, content, clerk, story):
    later = remittance(payments=[Payment(claims=[story.answer(-2_000), story.answer(5_000)], trace="LATER")])
    waiting, other = send(later), send(content)
    do(order_posting, upload_id=waiting, by=clerk)
    a_worker(database).run_once()
    assert stands(look(waiting)) == {"LATER": "parked"}
    assert look(waiting).parts[0].reason
    do(order_posting, upload_id=other, by=clerk)
    a_worker(database).run_once()
    assert stands(look(waiting)) == {"LATER": "posted"}
    assert look(waiting).parts[0].reason is None
    assert ask(counted_parts, waiting)["posted"].count == 1
    (two,) = [part for part in look(other).parts if part.trace == "TWO"]
    do(set_aside, remittance_id=two.remittance_id, reason="Not ours", by=clerk)
    assert stands(look(other))["TWO"] == "put_aside"
    assert "parked" not in ask(counted_parts, other)


def test_what_is_no_835_is_refused_whole_with_the_segment(database, do, send, look, content, clerk, story):
    cut, ordered = send(content[:-40]), send(content[:-30])
    do(order_posting, upload_id=ordered, by=clerk)
    a_worker(database).run_once()
    for upload_id in (cut, ordered):
        refused = look(upload_id)
        assert refused.state is UploadState.REFUSED
        assert refused.refusal.startswith("Segment ")
        assert refused.parts == []
        with pytest.raises(IllegalMove):
            do(order_posting, upload_id=upload_id, by=clerk)
    assert story.moved() == {}


def test_a_reversal_that_stands_before_its_payment_is_posted_with_it(
    database, do, send, look, clerk, story, found
):
    content = remittance(
        payments=[
            Payment(claims=[story.answer(-2_000), story.answer(5_000)], trace="LATER"),
            Payment(claims=[story.answer(2_000)], trace="FIRST"),
        ]
    )
    upload_id = send(content)
    a_worker(database).run_once()
    assert stands(look(upload_id)) == {"LATER": "parked", "FIRST": "posted"}
    do(order_posting, upload_id=upload_id, by=clerk)
    a_worker(database).run_once()
    assert stands(look(upload_id)) == {"LATER": "posted", "FIRST": "posted"}
    assert story.moved()["1000"] == 5_000
    assert found() == set()


@pytest.mark.parametrize("claims", [1, 2, 4, 5])
def test_a_worker_that_was_killed_is_taken_over_from_and_each_payment_is_whole_once(
    database, database_url, do, send, look, content, clerk, story, claims, found
):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    command = [sys.executable, "-m", "tests.factories.uploads", database_url, str(claims)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    cut = look(upload_id)
    assert cut.state is UploadState.POSTING
    posted = [part for part in cut.parts if part.status == "posted"]
    assert story.moved().get("1000", 0) == sum(part.amount.cents for part in posted)
    a_worker(database).run_once()
    assert look(upload_id).state is UploadState.POSTING
    give_up_leases(database)
    a_worker(database).run_once()
    assert stands(look(upload_id)) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
    assert found() == set()


def test_a_worker_that_was_thought_dead_posts_nothing_behind_who_took_over(
    database, do, send, look, content, clerk, story, monkeypatch
):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    meanwhile = [True]

    class Slow(remittance_uploads._Step):
        def __init__(self, *told):
            super().__init__(*told)
            if meanwhile:
                meanwhile.clear()
                give_up_leases(database)
                a_worker(database).run_once()
                assert look(upload_id).state is UploadState.POSTED

    monkeypatch.setattr(remittance_uploads, "_Step", Slow)
    a_worker(database).run_once()
    assert look(upload_id).state is UploadState.POSTED
    assert stands(look(upload_id)) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}


def test_other_work_goes_first_between_its_turns(
    database, do, send, look, content, clerk, story, now, monkeypatch
):
    monkeypatch.setattr(remittance_uploads, "CLAIMS_A_TURN", 1)
    upload_id = send(content)
    a_worker(database).run_once()
    do(order_posting, upload_id=upload_id, by=clerk)
    seen, worker = [], a_worker(database)
    worker._handlers["other"] = lambda task: seen.append(look(upload_id).claims_done)
    database.in_transaction(lambda tx: enqueue(tx, kind="other", key="1", due_at=now + timedelta(seconds=1)))
    worker._clock = lambda: now + timedelta(seconds=1)
    post = worker._handlers[POST_UPLOAD]

    def post_and_wait(task):
        post(task)
        jobs = update(Job).where(Job.kind == POST_UPLOAD).values(due_at=now + timedelta(seconds=2))
        database.in_transaction(lambda tx: tx.session.execute(jobs))

    worker._handlers[POST_UPLOAD] = post_and_wait
    worker.run_once()
    assert seen == [2]
    assert look(upload_id).state is UploadState.POSTING
    a_worker(database, now=now + timedelta(seconds=2)).run_once()
    assert look(upload_id).state is UploadState.POSTED
    assert stands(look(upload_id)) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}


def test_what_it_did_is_told_for_a_month_and_nothing_goes_that_is_worked_on(
    database, do, send, look, content, clerk, now
):
    read, posted = send(content), send(content)
    do(order_posting, upload_id=posted, by=clerk)
    do(forget_uploads, at=now + timedelta(days=29))
    assert look(read).state is UploadState.READING
    a_worker(database).run_once()
    do(forget_uploads, at=now + timedelta(days=29))
    assert look(posted).parts != []
    with pytest.raises(NoSuchUpload):
        look(read)
    do(forget_uploads, at=now + timedelta(days=31))
    with pytest.raises(NoSuchUpload):
        look(posted)


def spoiling(*errors):
    return SpoilingReader({"ONE": list(errors)})


def test_a_payment_at_which_the_program_fails_is_told_and_the_others_are_posted(
    database, do, send, look, content, clerk, story, tasks, found
):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    a_worker(database, reader=spoiling(KeyError("X"))).run_once()
    done = look(upload_id)
    assert (done.state, done.claims_done) == (UploadState.POSTED, 5)
    assert stands(done) == {"ONE": "failed", "TWO": "parked", "THREE": "posted"}
    assert done.parts[0].trace == "ONE"
    assert "Send the file again" in done.parts[0].reason
    assert story.moved() == {"1000": 7_000, "2200": -7_000}
    assert ("upload-failed", upload_id) in tasks()
    again = send(content)
    do(order_posting, upload_id=again, by=clerk)
    a_worker(database).run_once()
    assert stands(look(again)) == {"ONE": "posted", "TWO": "parked", "THREE": "duplicate"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
    assert ("upload-failed", again) not in tasks()
    assert found() == set()


def test_who_is_asked_about_a_file_of_a_colleague_sees_it_until_that_is_done(
    database, do, send, look, ask, content, clerk
):
    upload_id, asked = send(content), clerk_of(clerk.entity_id, "usr_asked")
    do(order_posting, upload_id=upload_id, by=clerk)
    with pytest.raises(NoSuchUpload):
        look(upload_id, asked)
    a_worker(database, reader=spoiling(KeyError("X"))).run_once()
    assert look(upload_id, asked).parts == look(upload_id).parts
    of_one_site = replace(asked, id="usr_y", site_ids=frozenset({"sit_x"}))
    for stranger in (clerk_of("ent_x", "usr_x"), of_one_site):
        with pytest.raises(NoSuchUpload):
            look(upload_id, stranger)
    with pytest.raises(NoSuchUpload):
        do(order_posting, upload_id=upload_id, by=asked)
    (task,) = (each for each in ask(list_tasks, asked, limit=9) if each.subject_id == upload_id)
    do(close_task, task_id=task.id, note="Sent again", by=asked)
    with pytest.raises(NoSuchUpload):
        look(upload_id, asked)


def test_a_database_that_is_busy_for_a_moment_fails_nothing(
    database, do, send, look, content, clerk, story, tasks
):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    reader = spoiling(DatabaseBusy("Later."))
    a_worker(database, reader=reader).run_once()
    assert look(upload_id).state is UploadState.POSTING
    give_up_leases(database)
    a_worker(database, reader=reader).run_once()
    assert stands(look(upload_id)) == {"ONE": "posted", "TWO": "parked", "THREE": "posted"}
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
    assert ("upload-failed", upload_id) not in tasks()


def test_what_stays_busy_to_the_last_attempt_is_told_as_not_posted(
    database, do, send, look, content, clerk, story, tasks
):
    upload_id = send(content)
    do(order_posting, upload_id=upload_id, by=clerk)
    at_last_attempt(database)
    a_worker(database, reader=spoiling(DatabaseBusy("Later."))).run_once()
    assert stands(look(upload_id)) == {"ONE": "failed", "TWO": "parked", "THREE": "posted"}
    assert story.moved() == {"1000": 7_000, "2200": -7_000}
    assert ("upload-failed", upload_id) in tasks()


def test_a_look_at_which_the_program_fails_says_so_of_that_payment_alone(database, send, look, content):
    upload_id = send(content)
    a_worker(database, reader=spoiling(KeyError("X"))).run_once()
    assert look(upload_id).state is UploadState.READ
    assert stands(look(upload_id)) == {"ONE": "failed", "TWO": "parked", "THREE": "posted"}


class Breaks:
    def read(self, _content):
        raise RecursionError


@pytest.mark.parametrize("ordered", [True, False])
def test_a_file_at_which_the_reader_breaks_is_refused_after_the_last_attempt(
    database, do, send, look, content, clerk, story, tasks, ordered
):
    upload_id = send(content)
    if ordered:
        do(order_posting, upload_id=upload_id, by=clerk)
    a_worker(database, reader=Breaks()).run_once()
    assert look(upload_id).state in (UploadState.READING, UploadState.POSTING)
    at_last_attempt(database)
    give_up_leases(database)
    a_worker(database, reader=Breaks()).run_once()
    assert look(upload_id).state is UploadState.REFUSED
    assert "Nothing of it is booked" in look(upload_id).refusal
    assert tasks() == ([("upload-failed", upload_id)] if ordered else [])
    assert story.moved() == {}


def test_what_no_job_works_on_any_more_is_told_and_what_was_left_is_a_task(
    database, database_url, do, send, look, content, clerk, story, tasks, now
):
    posting = send(content)
    do(order_posting, upload_id=posting, by=clerk)
    command = [sys.executable, "-m", "tests.factories.uploads", database_url, "4"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    reading = send(content)
    do(forget_uploads, at=now + timedelta(days=2))
    assert look(reading).state is UploadState.READING
    assert look(posting).state is UploadState.POSTING
    given_up(database)
    do(forget_uploads)
    assert look(reading).state is UploadState.REFUSED
    told = look(posting)
    assert told.state is UploadState.POSTED
    assert stands(told) == {"ONE": "posted", "TWO": "parked", "THREE": "failed"}
    assert story.moved()["1000"] == 3_000
    assert ("upload-failed", posting) in tasks()
    do(forget_uploads, at=now + timedelta(days=2))
    assert stands(look(posting))["THREE"] == "failed"


def test_a_slow_reader_does_not_wipe_out_what_was_posted_meanwhile(
    database, do, send, look, content, clerk, story
):
    upload_id = send(content)

    def meanwhile():
        do(order_posting, upload_id=upload_id, by=clerk)
        a_worker(database).run_once()
        assert look(upload_id).state is UploadState.POSTED

    a_worker(database, reader=SpoilingReader({}, meanwhile)).run_once()
    done = look(upload_id)
    assert (done.state, done.claims_done) == (UploadState.POSTED, 5)
    assert {part.trace: part.status for part in done.parts} == {
        "ONE": "posted",
        "TWO": "parked",
        "THREE": "posted",
    }
    assert all(part.remittance_id for part in done.parts)
    assert story.moved() == {"1000": 10_000, "2200": -10_000}
