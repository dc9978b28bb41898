"""Each kind of task on its page: said in words, and leading to where it is answered."""

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.platform.data.tasks import open_task
from billing.web.staff.tasks import shown_tasks
from billing.web.task_words import TOLD
from tests.factories.web import new_staff, sign_in
from tests.factories.world import a_world

SUBJECTS = {
    "ref": "refund_id",
    "pay": "payment_id",
    "tkb": "takeback_id",
    "dsp": "dispute_id",
    "dan": "answer_id",
    "rcp": "receipt_id",
    "shr": "share_id",
    "nex": "exception_id",
    "pyo": "payout_id",
    "chk": "checkout_id",
    "drm": "dormant_id",
    "svm": "saved_method_id",
    "drw": "drawer_id",
}


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def ask(database, world, now):
    def work(kind, prefix):
        return database.in_transaction(
            lambda tx: open_task(
                tx,
                kind=kind,
                subject_id=world.ids[SUBJECTS[prefix]][0],
                entity_id=world.entity.id,
                site_id=world.site.id,
                actor=SYSTEM,
                now=now,
            )
        )

    return work


def test_every_task_says_what_it_is_and_leads_to_a_page_that_opens(app, database, world, ask, now):
    clerk = sign_in(app, new_staff(database, Role.SUPERVISOR, now, entity_id=world.entity.id))
    for kind, told in TOLD.items():
        for prefix in told.of:
            (shown,) = shown_tasks([ask(kind, prefix)], SYSTEM)
            assert (shown.title, shown.advice) == (told.title, told.advice)
            assert clerk.get(shown.url, follow_redirects=True).status_code == 200, (kind, prefix)


def test_the_page_shows_a_task_with_its_link_to_those_who_may_open_it(app, database, world, ask, now):
    ask("check-bounced", "pay")
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=world.entity.id))
    page = clerk.get("/staff/tasks").text
    assert "A check bounced" in page
    assert f'href="/staff/payments/{world.ids["payment_id"][0]}"' in page


def test_a_task_of_another_clinic_leads_nowhere(app, database, world, ask, now):
    task = ask("unclaimed-letter", "drm")
    other = a_world(database, now, slug="a")
    stranger = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=other.entity.id))
    assert stranger.get(f"/staff/tasks/{task.id}/subject").status_code == 404


def test_a_kind_that_no_program_opens_any_more_is_shown_by_its_name(app, database, world, ask, now):
    ask("moon-phase", "ref")
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=world.entity.id))
    assert "Moon phase" in clerk.get("/staff/tasks").text
