"""Who may be asked to pay or told, through the API and on its page."""

import re
from dataclasses import replace

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.patients.queries import plan_limits_of
from billing.patients.records import FederalProgram, PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.tasks import list_tasks
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out
from tests.factories.web import new_staff, send, sign_in

MEDICARE = PlanLimits(programs=(FederalProgram.MEDICARE,))


@pytest.fixture
def course(database):
    return a_course(database, sessions=1)


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def page(course):
    return f"/staff/patients/{course.patient.id}/plan-limits"


def recorded(database, course):
    with database.reading() as read:
        return plan_limits_of(read, course.patient.id)


def test_what_is_ticked_is_recorded_and_shown_again(database, course, clerk, page):
    assert f'href="{page}"' in clerk.get(f"/staff/patients/{course.patient.id}").text
    typed = {
        "programs": "medicare",
        "contract_on": "2026-11-01",
        "is_kept_from_plan": "yes",
        "note": "Folder 7",
    }
    sent = send(clerk, page, page, key="k" * 20, **typed)
    assert sent.status_code == 303
    assert recorded(database, course) == PlanLimits(
        programs=MEDICARE.programs,
        contract_on=recorded(database, course).contract_on,
        is_kept_from_plan=True,
        note="Folder 7",
    )
    shown = clerk.get(page).text
    assert 'value="medicare" checked' in shown
    assert 'value="2026-11-01"' in shown
    assert 'name="is_kept_from_plan" value="yes" checked' in shown


def test_a_contract_of_nobody_in_medicare_is_refused_beside_its_field(database, course, clerk, page):
    sent = send(clerk, page, page, key="k" * 20, programs="tricare", contract_on="2026-11-01")
    assert sent.status_code == 422
    assert "Tick Medicare too" in sent.text
    assert 'value="tricare" checked' in sent.text
    assert recorded(database, course) == PlanLimits()


def test_all_ticks_taken_away_are_taken_away(database, course, clerk, page):
    send(clerk, page, page, key="k" * 20, is_kept_from_plan="yes")
    send(clerk, page, page, key="l" * 20)
    assert recorded(database, course) == PlanLimits()


def test_the_page_of_a_superbill_says_why_there_is_none(database, course, clerk, page):
    give(database, course.session_ids[0])
    send(clerk, page, page, key="k" * 20, is_kept_from_plan="yes")
    deed = f"/staff/sessions/{course.session_ids[0]}/superbill"
    sent = send(clerk, f"{deed}/new", deed, key="l" * 20, code="F32.1")
    assert (sent.status_code, "asked that the health plan is not told" in sent.text) == (409, True)


# ------------------------------------------------------------- superbills from before a limit was recorded


def tasks(database):
    with database.reading() as read:
        return {task.subject_id: task.state for task in list_tasks(read, SYSTEM, limit=9)}


def told(database, course, limits, now):
    database.in_transaction(
        lambda tx: record_plan_limits(tx, patient_id=course.patient.id, limits=limits, actor=SYSTEM, now=now)
    )


def test_a_superbill_from_before_a_limit_is_asked_about_until_it_is_void(app, database, course, now):
    issued = handed_out(database, course.session_ids[0])
    told(app_database(app), course, MEDICARE, now)
    assert tasks(database) == {issued.id: "open"}
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    listed = clerk.get("/staff/tasks").text
    assert "A superbill is out that the plan may not see any more" in listed
    assert f"{issued.number}" in listed
    (link,) = re.findall(r'href="(/staff/tasks/[^"]+/subject)"', listed)
    page = clerk.get(link, follow_redirects=True)
    assert "no private contract" in page.text
    assert f"Void {issued.number}" in page.text
    at = f"/staff/sessions/{course.session_ids[0]}/superbill/new"
    done = send(clerk, at, f"/staff/superbills/{issued.id}/void", key="a" * 20)
    assert (done.status_code, done.location) == (303, f"/staff/patients/{course.patient.id}")
    assert tasks(database) == {issued.id: "done"}
    assert "The superbill is void." in clerk.get(done.location).text


def test_the_question_ends_when_the_limits_allow_it_again_and_comes_back_with_them(
    app, database, course, now
):
    issued = handed_out(database, course.session_ids[0])
    books = app_database(app)
    for limits, state in (
        (PlanLimits(is_kept_from_plan=True), "open"),
        (PlanLimits(), "done"),
        (MEDICARE, "open"),
        (replace(MEDICARE, contract_on=now.date()), "done"),
    ):
        told(books, course, limits, now)
        assert tasks(database) == {issued.id: state}, limits


def test_limits_that_forbid_nothing_ask_nothing(app, database, course, now):
    handed_out(database, course.session_ids[0])
    told(app_database(app), course, PlanLimits(note="a veteran"), now)
    assert tasks(database) == {}


def app_database(app):
    """The one in which all subscribers hear of it."""
    return app.extensions["billing"].edge.database
