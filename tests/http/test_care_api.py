"""The routes of plans and sessions: what they take, what they refuse, and to whom."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.care.api import make_blueprint
from billing.care.records import PROMISED, REFUNDED
from billing.catalog.queries import providers, sites
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, Actor, Role
from billing.platform.data.audit import AuditRow
from tests.factories.care import let_in, new_session, pay, price
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient
from tests.factories.room_app import Door, room_client

CARD = "4242424242424242"
ORDER = {"service": "infusion", "planned_on": "2026-11-02", "minutes": 45, "dose_mg": 40.125}


@pytest.fixture
def entity(database, now):
    return seed_sample(database, now)


@pytest.fixture
def site(database, entity):
    with database.reading() as read:
        return sites(read, entity.id)[0]


@pytest.fixture
def maria(database, site):
    return new_patient(database, entity_id=site.entity_id, site_id=site.id)


@pytest.fixture
def door(entity, now):
    everything = ROLES[Role.SUPERVISOR] | ROLES[Role.CLINICIAN]
    return Door(Actor(id="usr_1", entity_id=entity.id, permissions=everything), now)


@pytest.fixture
def client(database, door):
    return room_client(database, door, make_blueprint)


@pytest.fixture
def session(database, maria):
    return new_session(database, maria.id)


@pytest.fixture
def facts(now):
    start, stop = now - timedelta(minutes=45), now
    return {"started_at": start.isoformat(), "stopped_at": stop.isoformat(), "dose_mg": 40}


def pointers(answer):
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    return {flaw["pointer"] for flaw in answer.json["errors"]}


def by_protocol(maria, **more):
    return {
        "patient_id": maria.id,
        "condition": "depression",
        "protocol": "series_of_six",
        "starts_on": "2026-11-02",
        **more,
    }


def by_hand(maria, **change):
    return {"patient_id": maria.id, "condition": "depression", "sessions": [{**ORDER, **change}]}


def test_a_protocol_becomes_a_plan(client, database, maria, entity):
    with database.reading() as read:
        provider = providers(read, entity.id)[0]
    body = by_protocol(maria, dose_mg=40.5, weight_kg=80, provider_id=provider.id)
    made = client.post("/api/v1/plans", json=body)
    assert made.status_code == 201, made.text
    assert len(made.json["sessions"]) == 6
    first = made.json["sessions"][0]
    assert (first["planned_dose_mg"], first["weight_kg"], first["due_cents"]) == (40.5, 80.0, None)
    assert client.get(f"/api/v1/plans/{made.json['id']}").json == made.json
    assert client.get(f"/api/v1/patients/{maria.id}/plans").json == {"items": [made.json]}
    assert client.get(f"/api/v1/sessions/{first['id']}").json == first


def test_sessions_are_planned_one_by_one(client, maria):
    made = client.post("/api/v1/plans", json=by_hand(maria, add_ons={"midazolam": 2}))
    assert made.status_code == 201, made.text
    assert (made.json["protocol"], made.json["sessions"][0]["add_ons"]) == (None, {"midazolam": 2})
    assert made.json["sessions"][0]["planned_dose_mg"] == 40.125


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sessions": [ORDER]}, "/protocol"),
        ({"protocol": None}, "/protocol"),
        ({"starts_on": None}, "/starts_on"),
        ({"starts_on": "2026-02-30"}, "/starts_on"),
        ({"starts_on": "2199-12-31"}, "/starts_on"),
        ({"doctor": "me"}, "/doctor"),
        ({"dose_mg": 0.0001}, "/dose_mg"),
        ({"dose_mg": -1}, "/dose_mg"),
        ({"dose_mg": True}, "/dose_mg"),
        ({"dose_mg": "40"}, "/dose_mg"),
        ({"dose_mg": 2**63}, "/dose_mg"),
        ({"weight_kg": 701}, "/weight_kg"),
        ({"add_ons": {"midazolam": 1.5}}, "/add_ons/midazolam"),
        ({"add_ons": {"midazolam": 0}}, "/add_ons/midazolam"),
        ({"add_ons": []}, "/add_ons"),
        ({"condition": CARD}, "/condition"),
        ({"condition": "de\x00pression"}, "/condition"),
        ({"patient_id": "nobody"}, "/patient_id"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_name(client, maria, change, pointer):
    assert pointer in pointers(client.post("/api/v1/plans", json=by_protocol(maria, **change)))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"service": "no_show"}, "/sessions/0/service"),
        ({"minutes": 0}, "/sessions/0/minutes"),
        ({"minutes": 45.0}, "/sessions/0/minutes"),
        ({"minutes": None}, "/sessions/0/minutes"),
        ({"dose_mg": 0}, "/sessions/0/dose_mg"),
        ({"planned_on": "2031-01-01"}, "/sessions/0/planned_on"),
        ({"price_cents": 1}, "/sessions/0/price_cents"),
    ],
)
def test_a_session_that_cannot_be_is_refused_by_name(client, maria, change, pointer):
    assert pointers(client.post("/api/v1/plans", json=by_hand(maria, **change))) == {pointer}


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity"])
def test_a_dose_that_is_no_number_is_refused(client, maria, number):
    body = f'{{"patient_id": "{maria.id}", "condition": "depression", "protocol": "series_of_six",'
    body += f'"starts_on": "2026-11-02", "dose_mg": {number}}}'
    answer = client.post("/api/v1/plans", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)


def test_too_many_sessions_are_refused(client, maria):
    body = {**by_hand(maria), "sessions": [ORDER] * 101}
    assert pointers(client.post("/api/v1/plans", json=body)) == {"/sessions"}


def test_the_gate_answers_what_is_missing(client, database, session):
    path = f"/api/v1/sessions/{session.id}/check-in"
    unpriced = client.post(path, json={})
    assert (unpriced.status_code, unpriced.json["code"]) == (409, "session-not-priced")
    price(database, session.id, Money(45_000))
    pay(database, session.id, Money(10_000))
    refused = client.post(path, json={})
    assert (refused.status_code, refused.json["code"]) == (409, "session-not-covered")
    assert refused.json["missing_cents"] == 35_000
    pay(database, session.id, Money(35_000), source_id="pay_2")
    answer = client.post(path, json={})
    assert (answer.status_code, answer.json["state"]) == (200, "checked_in")
    assert (answer.json["due_cents"], answer.json["covered_cents"]) == (45_000, 45_000)
    again = client.post(path, json={})
    assert (again.status_code, again.json["code"]) == (409, "illegal-move")


def test_what_went_back_or_is_only_promised_is_shown_as_not_counting_at_check_in(client, database, session):
    price(database, session.id, Money(45_000))
    for kind, cents in (("payment", 10_000), (REFUNDED, 20_000), (PROMISED, 15_000)):
        pay(database, session.id, Money(cents), source_kind=kind)
    of_the_day = client.get("/api/v1/sessions", query_string={"on": session.planned_on.isoformat()}).json
    (planned,) = [
        each
        for each in client.get(f"/api/v1/plans/{session.plan_id}").json["sessions"]
        if each["id"] == session.id
    ]
    for shown in (client.get(f"/api/v1/sessions/{session.id}").json, of_the_day["items"][0], planned):
        assert (shown["covered_cents"], shown["counted_cents"]) == (45_000, 10_000)
    refused = client.post(f"/api/v1/sessions/{session.id}/check-in", json={})
    assert refused.json["missing_cents"] == 35_000
    missed = client.post(
        f"/api/v1/sessions/{session.id}/check-in", json={"override_reason": "Bank is closed"}
    )
    assert (missed.json["covered_cents"], missed.json["counted_cents"]) == (45_000, 10_000)


def test_only_a_supervisor_overrides(client, database, session, door, entity):
    price(database, session.id, Money(45_000))
    path, body = f"/api/v1/sessions/{session.id}/check-in", {"override_reason": "Bank is closed"}
    supervisor, door.actor = (
        door.actor,
        Actor(id="usr_2", entity_id=entity.id, permissions=ROLES[Role.FRONT_DESK]),
    )
    refused = client.post(path, json=body)
    assert (refused.status_code, refused.json["code"]) == (403, "override-denied")
    door.actor = supervisor
    assert pointers(client.post(path, json={"override_reason": f"card {CARD}"})) == {"/override_reason"}
    assert client.post(path, json=body).json["override_reason"] == "Bank is closed"


def test_a_session_is_recorded_once(client, database, session, facts):
    path = f"/api/v1/sessions/{session.id}/record"
    assert client.post(path, json=facts).json["code"] == "illegal-move"
    let_in(database, session.id)
    key = {"Idempotency-Key": "once"}
    first, second = (client.post(path, json=facts, headers=key) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json == second.json
    assert (first.json["state"], first.json["dose_mg"]) == ("given", 40.0)
    assert client.post(path, json=facts).json["code"] == "illegal-move"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dose_mg": None}, "/dose_mg"),
        ({"dose_mg": -1}, "/dose_mg"),
        ({"stopped_at": "2026-11-02T14:00:00+00:00"}, "/stopped_at"),
        ({"stopped_at": "2026-11-02T15:00:01+00:00"}, "/stopped_at"),
        ({"started_at": "2026-11-01T14:00:00+00:00"}, "/stopped_at"),
        ({"started_at": "2026-11-02T14:15:00"}, "/started_at"),
        ({"started_at": "soon"}, "/started_at"),
        ({"started_at": 5}, "/started_at"),
        ({"nurse": "A"}, "/nurse"),
    ],
)
def test_facts_that_cannot_have_been_are_refused(client, database, session, facts, change, pointer):
    let_in(database, session.id)
    answer = client.post(f"/api/v1/sessions/{session.id}/record", json={**facts, **change})
    assert pointers(answer) == {pointer}
    assert client.get(f"/api/v1/sessions/{session.id}").json["state"] == "checked_in"


@pytest.mark.parametrize(
    ("verb", "state"), [("cancel", "cancelled"), ("no-show", "no_show"), ("turn-away", "turned_away")]
)
def test_a_session_that_does_not_take_place(client, session, verb, state):
    path = f"/api/v1/sessions/{session.id}/{verb}"
    assert pointers(client.post(path, json={"fee": 1})) == {"/fee"}
    assert client.post(path, json={}).json["state"] == state
    assert client.post(path, json={}).status_code == 409


def test_a_missed_session_may_move_to_another_day(client, session):
    told = client.post(f"/api/v1/sessions/{session.id}/no-show", json={"moved_to": "2026-11-06"}).json
    assert (told["state"], told["planned_on"], told["moved_as_id"]) == ("no_show", "2026-11-02", session.id)
    moved = client.get(f"/api/v1/sessions/{session.id}").json
    assert (moved["state"], moved["planned_on"], moved["moved_as_id"]) == ("planned", "2026-11-06", None)


def test_a_session_moves_to_another_day(client, session):
    path = f"/api/v1/sessions/{session.id}/reschedule"
    assert client.post(path, json={"planned_on": "2026-11-06"}).json["planned_on"] == "2026-11-06"
    assert pointers(client.post(path, json={"planned_on": "2060-01-01"})) == {"/planned_on"}


def test_a_day_is_listed_page_by_page(client, database, maria, site):
    made = {new_session(database, maria.id).id for _ in range(3)}
    first = client.get(f"/api/v1/sessions?on=2026-11-02&site_id={site.id}&limit=2").json
    rest = client.get(f"/api/v1/sessions?on=2026-11-02&limit=2&cursor={first['next_cursor']}").json
    assert {item["id"] for item in first["items"] + rest["items"]} == made
    assert rest["next_cursor"] is None
    assert client.get("/api/v1/sessions?on=2026-11-03").json["items"] == []
    assert pointers(client.get("/api/v1/sessions")) == {"/on"}
    assert pointers(client.get("/api/v1/sessions?on=2026-11-02&order=state")) == {"/order"}


def test_another_sites_care_is_404_at_every_route(client, session, maria, door, facts):
    door.actor = Actor(
        id="usr_3",
        entity_id=maria.entity_id,
        permissions=door.actor.permissions,
        site_ids=frozenset({"site_x"}),
    )
    path = f"/api/v1/sessions/{session.id}"
    answers = [
        client.get(path),
        client.get(f"/api/v1/plans/{session.plan_id}"),
        client.get(f"/api/v1/patients/{maria.id}/plans"),
        client.post("/api/v1/plans", json=by_protocol(maria)),
        client.post(f"{path}/check-in", json={"override_reason": "mine"}),
        client.post(f"{path}/record", json=facts),
        client.post(f"{path}/reschedule", json={"planned_on": "2026-11-06"}),
        *(client.post(f"{path}/{verb}", json={}) for verb in ("cancel", "no-show", "turn-away")),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert client.get("/api/v1/sessions?on=2026-11-02").json["items"] == []


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (Role.ACCOUNTANT, {"plan", "read", "check-in", "record", "cancel"}),
        (Role.ADMIN, {"plan", "read", "check-in", "record", "cancel"}),
        (Role.CLINICIAN, {"plan", "check-in", "cancel"}),
        (Role.FRONT_DESK, {"record"}),
        (Role.SUPERVISOR, {"record"}),
    ],
)
def test_each_role_does_its_own_part(client, session, maria, door, facts, role, refused):
    door.actor = Actor(id="usr_4", entity_id=maria.entity_id, permissions=ROLES[role])
    path = f"/api/v1/sessions/{session.id}"
    answers = {
        "plan": client.post("/api/v1/plans", json=by_protocol(maria)),
        "read": client.get(path),
        "check-in": client.post(f"{path}/check-in", json={}),
        "record": client.post(f"{path}/record", json=facts),
        "cancel": client.post(f"{path}/cancel", json={}),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 403} == refused


def test_each_look_at_care_is_on_the_trail(client, database, session, maria):
    client.get(f"/api/v1/sessions/{session.id}")
    client.get(f"/api/v1/plans/{session.plan_id}")
    client.get(f"/api/v1/patients/{maria.id}/plans")
    client.get("/api/v1/sessions?on=2026-11-02")
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.actor_id == "usr_1")).all()
    assert {(row.action, row.subject_id) for row in rows} == {
        ("session.read", session.id),
        ("plan.read", session.plan_id),
        ("plan.list", maria.id),
        ("session.list", "2026-11-02"),
    }
