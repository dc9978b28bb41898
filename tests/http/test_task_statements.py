"""How often the list of tasks is a round trip to the database: as often, however many tasks there are."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.platform.data.tasks import open_task
from billing.web.task_words import TOLD
from tests.factories.statements import statements_on
from tests.factories.web import new_staff, sign_in
from tests.factories.world import SUBJECTS, a_world


@pytest.fixture
def worlds(database, now):
    """Of one clinic, with something of each kind that a task may be about."""
    return [a_world(database, now) for _ in range(3)]


@pytest.fixture
def ask(database, now):
    def work(world, prefix):
        database.in_transaction(
            lambda tx: open_task(
                tx,
                kind=next(kind for kind, told in TOLD.items() if prefix in told.of),
                subject_id=world.ids[SUBJECTS[prefix]][0],
                entity_id=world.entity.id,
                site_id=world.site.id,
                actor=SYSTEM,
                now=now,
            )
        )

    return work


def test_the_list_takes_as_many_statements_however_many_tasks_of_a_kind(app, database, worlds, ask, now):
    clerk = sign_in(app, new_staff(database, Role.SUPERVISOR, now, entity_id=worlds[0].entity.id))
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engines["reader"]
    wanting = {}
    for prefix in SUBJECTS:
        counts = []
        for world in worlds:
            ask(world, prefix)
            with statements_on(engine) as told:
                assert clerk.get("/staff/tasks").status_code == 200
            counts.append(len(told))
        if len(set(counts)) > 1:
            wanting[prefix] = counts
    assert wanting == {}
