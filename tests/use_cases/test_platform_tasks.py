"""What a person has to look at is said once, to those whom it concerns, and closed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from billing.kernel.errors import IllegalMove
from billing.kernel.ids import new_id
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.kernel.states import next_state
from billing.platform.data.errors import NoSuchTask
from billing.platform.data.tasks import (
    TASK_MOVES,
    TaskEvent,
    TaskRow,
    TaskState,
    ask_again,
    close_task,
    end_tasks,
    list_tasks,
    open_task,
)

CLERK = Actor(id="usr_clerk", entity_id="ent_a", permissions=frozenset(Permission))


@pytest.fixture
def found(database, now):
    """Find a fact that a person has to look at."""

    def tell(subject_id="ref_1", *, kind="refund-failed", site_id="sit_a"):
        return database.in_transaction(
            lambda tx: open_task(
                tx,
                kind=kind,
                subject_id=subject_id,
                entity_id="ent_a",
                site_id=site_id,
                actor=SYSTEM,
                now=now,
            )
        )

    return tell


@pytest.fixture
def close(database, now):
    def run(task_id, note=None, actor=CLERK):
        return database.in_transaction(
            lambda tx: close_task(tx, task_id=task_id, note=note, actor=actor, now=now)
        )

    return run


def listed(database, actor, **query):
    with database.reading() as read:
        return [task.id for task in list_tasks(read, actor, limit=50, **query)]


def test_the_same_fact_makes_one_task_however_many_find_it(database, found):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: found().id, range(16)))
    assert listed(database, CLERK) == list(ids)
    assert len(ids) == 1
    assert found(kind="dispute-opened").id not in ids


def test_a_task_that_is_done_is_not_opened_again_by_the_same_fact(found, close):
    done = close(found().id, "Sent a check.")
    assert (done.state, done.closed_by, done.note) == (TaskState.DONE, CLERK.id, "Sent a check.")
    assert found() == done


def test_what_happens_again_opens_the_same_task_again_and_what_answers_it_closes_it(database, found, close):
    task = close(found().id, "The bank gave it back.")
    about = SimpleNamespace(id=task.subject_id, entity_id=task.entity_id, site_id=task.site_id)

    def do(use_case, **asked):
        now = task.closed_at
        return database.in_transaction(
            lambda tx: use_case(tx, kind=task.kind, actor=SYSTEM, now=now, **asked)
        )

    for _ in range(2):
        again = do(ask_again, about=about)
        assert (again.id, again.state, again.closed_by, again.closed_at) == (
            task.id,
            TaskState.OPEN,
            None,
            None,
        )
    for _ in range(2):
        do(end_tasks, subject_ids=[task.subject_id])
        assert listed(database, CLERK, state=TaskState.OPEN) == []
    do(end_tasks, subject_ids=["ref_unheard_of"])


def test_two_people_do_not_close_one_task(found, close):
    task = found()
    close(task.id)
    with pytest.raises(IllegalMove):
        close(task.id)


def test_a_task_of_another_site_does_not_exist(database, found, close):
    task = found()
    elsewhere = replace(CLERK, site_ids=frozenset({"sit_b"}))
    assert listed(database, elsewhere) == []
    for actor in (elsewhere, replace(CLERK, entity_id="ent_b")):
        with pytest.raises(NoSuchTask):
            close(task.id, actor=actor)
    with pytest.raises(NoSuchTask):
        close(new_id("tsk"))


def test_a_note_is_sealed(database, found, close):
    task = close(found().id, "Called Maria about her ketamine")
    with database.reading() as read:
        assert b"Maria" not in read.session.get_one(TaskRow, task.id).note


def test_tasks_are_listed_newest_first_by_state_and_page(database, found, close):
    first, second, third = (found(f"ref_{place}").id for place in range(3))
    close(second)
    assert listed(database, CLERK, state=TaskState.OPEN) == [third, first]
    assert listed(database, CLERK, cursor=third) == [second, first]


@pytest.mark.parametrize("state", list(TaskState))
@pytest.mark.parametrize("event", list(TaskEvent))
def test_a_task_moves_along_its_table_only(state, event):
    leads = {
        (TaskState.OPEN, TaskEvent.CLOSE): TaskState.DONE,
        (TaskState.DONE, TaskEvent.REOPEN): TaskState.OPEN,
    }
    if (state, event) in leads:
        assert next_state(TASK_MOVES, state, event) is leads[state, event]
    else:
        with pytest.raises(IllegalMove):
            next_state(TASK_MOVES, state, event)
