"""What was signed is amended after it was priced: no money moves, and a person is told both prices."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.care.queries import find_session
from billing.care.records import DrugEntry, Order
from billing.invoices.queries.as_given import price_as_given
from billing.kernel.permissions import SYSTEM, Role
from billing.platform.data.tasks import TaskState, list_tasks
from tests.factories.care import new_plan
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course
from tests.factories.invoices import a_patient, billed
from tests.factories.web import new_staff, sign_in

LATER = timedelta(hours=3)
KIND = "visit-priced-otherwise"


@pytest.fixture
def course(database):
    """Two infusions of 45 minutes and 40 mg for a veteran, singly at $450 less 15%, paid."""
    return a_course(database)


@pytest.fixture
def session_id(database, course):
    signed(database, course.session_ids[0], entry(minutes=45))
    return course.session_ids[0]


@pytest.fixture
def tasks(database):
    def look(state=TaskState.OPEN):
        with database.reading() as read:
            return [(each.kind, each.subject_id) for each in list_tasks(read, SYSTEM, state=state, limit=9)]

    return look


@pytest.fixture
def prices(database):
    """What a session was charged at, and what it would cost as it was given; None when that is the same."""

    def look(session_id):
        with database.reading() as read:
            found = price_as_given(read, find_session(read, session_id, SYSTEM))
        return found and (found.charged.cents, found.would_cost.cents)

    return look


@pytest.fixture
def amend(database, session_id, now):
    return lambda told, of=session_id: amended(database, of, told, now=now + LATER)


def dose(mg):
    return DrugEntry(drug="ketamine", dose_mg=Decimal(mg))


@pytest.mark.parametrize(
    ("told", "would_cost"),
    [
        (entry(minutes=61), 46_750),
        (entry(minutes=91), 55_250),
        (entry(dose(90), minutes=45), 51_000),
        (entry(dose(90), minutes=75), 59_500),
    ],
    ids=["a step begun", "two steps", "above 1 mg/kg", "both"],
)
def test_longer_or_more_would_cost_more_by_the_schedule_that_priced_it(
    session_id, amend, tasks, prices, books, told, would_cost
):
    before = books()
    amend(told)
    assert prices(session_id) == (38_250, would_cost)
    assert tasks() == [(KIND, session_id)]
    assert books() == before, "no money moves by itself"
    amend(told)
    assert tasks() == [(KIND, session_id)], "once"


@pytest.mark.parametrize("told", [entry(minutes=60), entry(minutes=20), entry(dose(80), minutes=45)])
def test_what_costs_the_same_asks_nobody(session_id, amend, tasks, prices, told):
    amend(told)
    assert (tasks(), prices(session_id)) == ([], None)


def test_a_visit_that_is_signed_with_other_minutes_than_were_priced_asks_at_once(
    database, course, tasks, prices
):
    of = course.session_ids[1]
    signed(database, of, entry(minutes=91))
    assert (tasks(), prices(of)) == ([(KIND, of)], (38_250, 55_250))


def test_a_visit_amended_back_to_what_was_priced_ends_the_task(session_id, amend, tasks):
    amend(entry(minutes=91))
    amend(entry(minutes=45))
    assert tasks() == []


def test_a_shorter_visit_than_was_priced_would_cost_less(database, tasks, prices, now):
    [session_id] = a_course(
        database, sessions=1, condition="crps", protocol="pain_5_days", is_veteran=False
    ).session_ids
    signed(database, session_id, entry(minutes=240))
    amended(database, session_id, entry(minutes=180), now=now + LATER)
    assert prices(session_id) == (120_000, 95_000)
    assert tasks() == [(KIND, session_id)]


def test_a_package_keeps_the_tier_that_its_planned_minutes_reached(database, tasks, prices, now):
    bill = billed(database, a_patient(database))
    signed(database, bill.session_ids[0], entry(minutes=45))
    amended(database, bill.session_ids[0], entry(minutes=75), now=now + LATER)
    assert prices(bill.session_ids[0]) == (42_500, 52_500)
    assert tasks() == [(KIND, bill.session_ids[0])]


def test_a_visit_that_is_not_invoiced_is_priced_when_it_is(database, tasks, prices, now):
    session_id = new_plan(database, a_patient(database).id).sessions[0].id
    signed(database, session_id, entry(minutes=45))
    amended(database, session_id, entry(minutes=91), now=now + LATER)
    assert (tasks(), prices(session_id)) == ([], None)


def test_the_task_leads_to_both_prices(app, database, course, session_id, amend, now):
    amend(entry(minutes=91))
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    shown = clerk.get("/staff/tasks").text
    assert "A visit was given otherwise than it was priced" in shown
    with database.reading() as read:
        (task,) = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
    to = clerk.get(f"/staff/tasks/{task.id}/subject")
    assert (to.status_code, to.location) == (303, f"/staff/patients/{course.patient.id}")
    told = "The visit was charged $382.50; as given it would cost $552.50."
    assert told in clerk.get(to.location).text


def test_a_visit_that_no_price_is_for_is_signed_all_the_same_and_a_person_looks(
    app, database, course, tasks, now
):
    first = course.session_ids[0]
    signed(database, first, entry(dose(6_000), replace(dose(6_000), order=Order.SEQUENTIAL), minutes=45))
    assert (KIND, first) in tasks()
    staff = new_staff(database, Role.SUPERVISOR, now, entity_id=course.patient.entity_id)
    with database.reading() as read:
        (task,) = [
            each for each in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9) if each.kind == KIND
        ]
    assert sign_in(app, staff).get(f"/staff/tasks/{task.id}/subject").status_code == 303
