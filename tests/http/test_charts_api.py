"""What clinicians record, over the API: what it takes and refuses, from whom, and what is on the trail."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.care.queries import plans_of
from billing.care.states import SessionState
from billing.kernel.permissions import Role
from billing.platform.data.audit import AuditRow
from tests.factories.care import let_in
from tests.factories.world import a_world


@pytest.fixture
def session(database, now):
    """Of the world's plan: one that has not begun."""
    world = a_world(database, now)
    with database.reading() as read:
        planned = [
            each
            for plan in plans_of(read, world.patient.id)
            for each in plan.sessions
            if each.state is SessionState.PLANNED
        ]
    return planned[0]


@pytest.fixture
def clinician(issue, session):
    return issue(Role.CLINICIAN, entity_id=session.entity_id)


@pytest.fixture
def at(session):
    return f"/sessions/{session.id}/charts"


@pytest.fixture
def body(now):
    return {
        "started_at": (now - timedelta(minutes=75)).isoformat(),
        "stopped_at": now.isoformat(),
        "drugs": [
            {"drug": "ketamine", "dose_mg": 40.5},
            {"drug": "ketamine", "dose_mg": 2, "way": "push", "order": "sequential", "ndc": "0409-2051-05"},
        ],
        "hydration": {
            "started_at": (now - timedelta(minutes=75)).isoformat(),
            "stopped_at": now.isoformat(),
            "purpose": "dehydration",
        },
        "evaluation": {"kind": "office", "minutes": 20},
        "psychotherapy_minutes": 30,
    }


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json["errors"]}


def test_a_visit_is_kept_signed_and_amended(clinician, database, session, at, body):
    refused = clinician.post(at, body)
    assert (refused.status_code, refused.json["code"]) == (409, "chart-not-open")
    let_in(database, session.id)
    kept = clinician.post(at, {"started_at": body["started_at"]})
    assert (kept.status_code, kept.json["is_signed"], kept.json["stopped_at"]) == (201, False, None)
    unfinished = clinician.post(f"{at}/sign", {**body, "stopped_at": None})
    assert pointers(unfinished) == {"/stopped_at"}
    signed = clinician.post(f"{at}/sign", body)
    assert signed.status_code == 201, signed.text
    assert (signed.json["version"], signed.json["is_signed"]) == (2, True)
    assert [(drug["name"], drug["dose_mg"], drug["ndc"]) for drug in signed.json["drugs"]] == [
        ("Ketamine hydrochloride", 40.5, "99999-0050-10"),
        ("Ketamine hydrochloride", 2.0, "0409-2051-05"),
    ]
    session_now = clinician.get(f"/sessions/{session.id}").json
    assert (session_now["state"], session_now["dose_mg"]) == ("given", 42.5)
    assert pointers(clinician.post(f"{at}/amend", body)) == {"/reason"}
    amended = clinician.post(f"{at}/amend", {**body, "reason": "dose misread"})
    assert (amended.json["version"], amended.json["reason"]) == (3, "dose misread")
    listed = clinician.get(at).json["items"]
    assert [each["version"] for each in listed] == [1, 2, 3]
    assert {each["written_by"] for each in listed} == {signed.json["written_by"]}


def test_a_key_sent_twice_signs_once(clinician, database, session, at, body):
    let_in(database, session.id)
    first, second = (clinician.post(f"{at}/sign", body, key="once") for _ in range(2))
    assert first.json == second.json
    assert len(clinician.get(at).json["items"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"nurse": "A"}, "/nurse"),
        ({"drugs": [{"drug": "ketamine"}]}, "/drugs/0/dose_mg"),
        ({"drugs": [{"drug": "ketamine", "dose_mg": 1, "way": "swallowed"}]}, "/drugs/0/way"),
        ({"drugs": [{"drug": "aspirin", "dose_mg": 1}]}, "/drugs/0/drug"),
        ({"hydration": {"purpose": "thirst"}}, "/hydration/purpose"),
        ({"evaluation": {"kind": "office", "minutes": 0}}, "/evaluation/minutes"),
        ({"evaluation": {"kind": "office", "minutes": 300}}, "/evaluation/minutes"),
        ({"psychotherapy_minutes": 1.5}, "/psychotherapy_minutes"),
        ({"psychotherapy_minutes": 76}, "/psychotherapy_minutes"),
        ({"drugs": [{"drug": "ketamine", "dose_mg": 1, "started_at": "2026-10-26T09:00:00-05:00"}]},
         "/drugs/0/started_at"),
        ({"started_at": "soon"}, "/started_at"),
    ],
)  # fmt: skip
def test_what_cannot_have_been_is_refused_and_named(clinician, database, session, at, body, change, pointer):
    let_in(database, session.id)
    assert pointer in pointers(clinician.post(f"{at}/sign", {**body, **change}))
    assert clinician.get(at).json["items"] == []


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.BILLING, Role.SUPERVISOR, Role.ADMIN])
def test_nobody_but_a_clinician_signs(issue, database, session, at, body, role):
    let_in(database, session.id)
    other = issue(role, entity_id=session.entity_id)
    for path in (at, f"{at}/sign", f"{at}/amend"):
        assert other.post(path, {**body}).status_code == 403


def test_each_look_is_on_the_trail(clinician, database, session, at):
    assert clinician.get(at).json == {"items": []}
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.action == "chart.read")).all()
    assert [row.subject_id for row in rows] == [session.id]


def test_a_program_may_say_which_version_it_saw(clinician, database, session, at, body):
    let_in(database, session.id)
    assert clinician.post(at, {**body, "seen_version": 0}).status_code == 201
    for path in (at, f"{at}/sign"):
        late = clinician.post(path, {**body, "seen_version": 0})
        assert (late.status_code, late.json["code"]) == (409, "chart-changed")
    assert clinician.post(f"{at}/sign", {**body, "seen_version": 1}).status_code == 201
    for seen, status in ((1, 409), (2, 201), (2, 409), (None, 201)):
        told = {**body, "reason": "wrong vial", "seen_version": seen}
        assert clinician.post(f"{at}/amend", told).status_code == status
