"""Who may be asked to pay or told, through the API and on its page."""

import pytest

from billing.kernel.permissions import Role
from billing.patients.queries import plan_limits_of
from billing.patients.records import FederalProgram, PlanLimits
from tests.factories.care import give
from tests.factories.insurance import a_course
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
