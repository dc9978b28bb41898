"""Over HTTP: a claim that the plan may not be told, or whose visit was amended, goes out by no way.

That it went out all the same, a person may say, with the reason.
"""

from datetime import timedelta

import pytest

from billing.insurance.models import ClaimRow
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course, claim

NOT_TOLD = PlanLimits(is_kept_from_plan=True)
WHY = "Typed into the plan's page on Monday, before the patient called"


@pytest.fixture
def course(database):
    course = a_course(database)
    signed(database, course.session_ids[0], entry(minutes=45))
    return course


@pytest.fixture
def biller(issue, course):
    return issue(Role.BILLING, entity_id=course.patient.entity_id)


@pytest.fixture
def route(database, course):
    """Of a claim that waits to be sent."""
    return f"/claims/{claim(database, course.session_ids[0]).id}"


@pytest.fixture
def not_told(database, course, now):
    asked = {"patient_id": course.patient.id, "limits": NOT_TOLD, "actor": SYSTEM, "now": now}
    return lambda: database.in_transaction(lambda tx: record_plan_limits(tx, **asked))


@pytest.fixture
def amend(database, course, now):
    return lambda: amended(database, course.session_ids[0], entry(minutes=200), now=now + timedelta(hours=3))


def ways_out(biller, route):
    return [biller.get(f"{route}/837p"), biller.get(f"{route}/cms1500"), biller.post(f"{route}/filed", {})]


@pytest.mark.parametrize(
    ("cause", "words"), [("not_told", "plan is not told of this care"), ("amend", "Issue the claim again")]
)
def test_what_keeps_a_claim_here_is_told_by_every_way_out(biller, route, request, cause, words):
    request.getfixturevalue(cause)()
    for refused in ways_out(biller, route):
        assert (refused.status_code, refused.json["code"]) == (409, "claim-kept")
        assert words in refused.json["detail"]
    assert biller.get(f"{route}/cms1500?view=true").status_code == 200
    assert biller.get(route).json["state"] == "issued"


def test_a_claim_that_was_sent_may_be_looked_at_again(biller, route, not_told):
    biller.post(f"{route}/filed", {})
    not_told()
    assert [biller.get(f"{route}/{form}").status_code for form in ("837p", "cms1500")] == [200, 200]


def test_what_a_person_wants_sent_as_it_is_goes_out(database, biller, route, amend, now):
    amend()
    with database.reading() as read:
        found = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
    (task,) = (each for each in found if each.kind == "claim-amended")
    database.in_transaction(lambda tx: close_task(tx, task_id=task.id, note=None, actor=SYSTEM, now=now))
    assert [each.status_code for each in ways_out(biller, route)] == [200] * 3


@pytest.fixture
def tasks(biller):
    def look():
        shown = biller.get("/tasks", query_string={"state": "open"}).json["items"]
        return sorted(task["kind"] for task in shown)

    return look


@pytest.mark.parametrize(("cause", "asked"), [("not_told", "claim-not-allowed"), ("amend", "claim-amended")])
def test_that_it_went_out_all_the_same_is_said_with_a_reason_and_a_person_is_asked(
    database, biller, route, request, tasks, cause, asked
):
    request.getfixturevalue(cause)()
    refused = biller.post(f"{route}/filed", {})
    assert (refused.status_code, refused.json["code"]) == (409, "claim-kept")
    assert "give the reason" in refused.json["detail"]
    assert "claim-sent-anyway" not in tasks()
    marked = biller.post(f"{route}/filed", {"reason": WHY})
    assert (marked.status_code, marked.json["state"]) == (200, "filed")
    assert {asked, "claim-sent-anyway"} <= {*tasks()}
    with database.reading() as read:
        row = read.session.get_one(ClaimRow, route.removeprefix("/claims/"))
        assert WHY.encode() not in row.sent_reason
        assert read.vault.open("claim", row.id, row.sent_reason) == {"reason": WHY}
    assert WHY not in marked.text
    biller.post(f"{route}/void", {"payer_claim_number": "P1"})
    assert "claim-sent-anyway" not in tasks()


def test_a_claim_that_nothing_keeps_needs_no_reason_and_asks_nobody(biller, route, tasks):
    assert biller.post(f"{route}/filed", {}).json["state"] == "filed"
    assert "claim-sent-anyway" not in tasks()


@pytest.mark.parametrize(
    ("days", "words"), [(1, "in the future"), (-1, "before the claim was issued")], ids=["to come", "before"]
)
def test_the_day_it_was_sent_is_neither_to_come_nor_before_the_claim(biller, route, now, days, words):
    day = (now + timedelta(days=days)).date().isoformat()
    refused = biller.post(f"{route}/filed", {"sent_on": day})
    assert (refused.status_code, refused.json["code"]) == (422, "sent-day-wrong")
    ((pointer, message),) = [(each["pointer"], each["message"]) for each in refused.json["errors"]]
    assert pointer == "/sent_on"
    assert words in message
    assert biller.get(route).json["state"] == "issued"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_of_nothing_is_none(biller, route, not_told, reason):
    not_told()
    refused = biller.post(f"{route}/filed", {"reason": reason})
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json["errors"]] == ["/reason"]
