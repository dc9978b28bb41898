"""Tasks over HTTP, and on the first page of those who work them off."""

import pytest

from billing.kernel.permissions import Role
from tests.factories.web import new_staff, sign_in
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


def of_the_refund(items):
    """The task of the refund that failed, and the others, which stay."""
    (task,) = [item for item in items if item["kind"] == "refund-failed"]
    return task, [item for item in items if item is not task]


def test_a_task_is_listed_closed_with_a_note_and_listed_no_more(issue, world):
    office = issue(Role.BILLING, entity_id=world.entity.id)
    task, others = of_the_refund(office.get("/tasks?state=open").json["items"])
    assert task["subject_id"] == world.ids["refund_id"][0]
    done = office.post(f"/tasks/{task['id']}/done", {"note": "Sent a check."})
    assert (done.status_code, done.json["state"], done.json["note"]) == (200, "done", "Sent a check.")
    assert office.get("/tasks?state=open").json["items"] == others
    assert office.post(f"/tasks/{task['id']}/done").json["code"] == "illegal-move"


def test_the_first_page_shows_open_tasks_to_those_who_work_them_off(app, database, world, now):
    seen = {}
    for role in (Role.BILLING, Role.FRONT_DESK):
        page = sign_in(app, new_staff(database, role, now, entity_id=world.entity.id)).get("/staff/today")
        seen[role] = "A refund came back" in page.text
    assert seen == {Role.BILLING: True, Role.FRONT_DESK: False}
