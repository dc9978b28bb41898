"""The routes of quotes and of the catalog: what they take, what they refuse, and to whom."""

import json

import pytest
from sqlalchemy import select

from billing.care.api import make_blueprint as make_care
from billing.catalog.api import make_blueprint as make_catalog
from billing.catalog.queries import sites
from billing.kernel.permissions import ROLES, Actor, Role
from billing.platform.data.audit import AuditRow
from billing.quotes.api import make_blueprint as make_quotes
from tests.factories.care import new_plan
from tests.factories.catalog import sample, seed_sample
from tests.factories.patients import new_patient, verified_veteran
from tests.factories.room_app import Door, room_client

VISIT = {
    "service": "infusion",
    "minutes": 45,
    "dose_mg": 40,
    "weight_kg": 80,
    "on": "2026-11-03",
    "add_ons": {"anti_nausea": 1},
}
QUOTE = {"condition": "depression", "eligibilities": ["veteran"], "sessions": [VISIT]}


@pytest.fixture
def entity(database, now):
    return seed_sample(database, now)


@pytest.fixture
def door(entity, now):
    return Door(Actor(id="usr_1", entity_id=entity.id, permissions=ROLES[Role.FRONT_DESK]), now)


@pytest.fixture
def client(database, door):
    return room_client(database, door, make_quotes, make_catalog, make_care)


@pytest.fixture
def patient(database, entity):
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    return new_patient(database, entity_id=entity.id, site_id=site.id)


def quote_with(**change):
    """The sample body with changes; None takes a field out."""
    return {name: value for name, value in {**QUOTE, **change}.items() if value is not None}


def visit_with(**change):
    return quote_with(
        sessions=[{name: value for name, value in {**VISIT, **change}.items() if value != "gone"}]
    )


def pointers(answer):
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    return {flaw["pointer"] for flaw in answer.json["errors"]}


def test_a_quote_is_priced_explained_and_kept(client):
    made = client.post("/api/v1/quotes", json=QUOTE)
    assert made.status_code == 201, made.text
    body = made.json
    assert (body["schedule"], body["quoted_on"], body["sample"]) == ("b-2026-01", "2026-11-02", True)
    assert (body["list_cents"], body["package_cents"], body["discount_cents"], body["total_cents"]) == (
        46_500, 0, 6_975, 39_525,
    )  # fmt: skip
    session = body["sessions"][0]
    assert (session["on"], session["list_cents"], session["net_cents"]) == ("2026-11-03", 46_500, 39_525)
    assert session["explanation"] == [
        {"rule": "base", "text": "Infusion, mental health, up to 60 minutes", "cents": 45_000},
        {"rule": "add_on", "text": "anti_nausea x 1", "cents": 1_500},
        {"rule": "veteran", "text": "15% of $465.00", "cents": -6_975},
    ]
    assert client.get(f"/api/v1/quotes/{body['id']}").json == body


def test_a_plan_is_quoted_for_its_patient(client, database, patient):
    verified_veteran(database, patient.id)
    plan = new_plan(database, patient.id)
    body = client.post("/api/v1/quotes", json={"plan_id": plan.id}).json
    assert (body["plan_id"], body["patient_id"], body["total_cents"]) == (plan.id, patient.id, 216_750)
    assert body["eligibilities"] == ["veteran"]
    assert [session["session_id"] for session in body["sessions"]] == [each.id for each in plan.sessions]


def test_the_same_request_twice_is_one_quote(client):
    first, second = (
        client.post("/api/v1/quotes", json=QUOTE, headers={"Idempotency-Key": "quote-1"}) for _ in range(2)
    )
    assert first.json == second.json
    assert len(client.get("/api/v1/quotes").json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (quote_with(condition=None), "/condition"),
        (quote_with(sessions=None), "/sessions"),
        (quote_with(sessions=[]), "/sessions"),
        (quote_with(sessions="many"), "/sessions"),
        (quote_with(condition="sadness"), "/condition"),
        (quote_with(condition=5), "/condition"),
        (quote_with(eligibilities=["student"]), "/eligibilities/0"),
        (quote_with(quoted_on="2026-02-30"), "/quoted_on"),
        (quote_with(clinic="b"), "/clinic"),
        (quote_with(patient_id="pat_00000000000000000000000000"), "/eligibilities"),
        (quote_with(patient_id="quo_00000000000000000000000000"), "/patient_id"),
        (quote_with(plan_id="plan_00000000000000000000000000"), "/sessions"),
        ({}, "/sessions"),
        (visit_with(service="surgery"), "/sessions/0/service"),
        (visit_with(condition="hiccups"), "/sessions/0/condition"),
        (visit_with(minutes="gone"), "/sessions/0/minutes"),
        (visit_with(minutes=None), "/sessions/0/minutes"),
        (visit_with(minutes=45.0), "/sessions/0/minutes"),
        (visit_with(minutes="45"), "/sessions/0/minutes"),
        (visit_with(minutes=True), "/sessions/0/minutes"),
        (visit_with(minutes=0), "/sessions/0/minutes"),
        (visit_with(minutes=-45), "/sessions/0/minutes"),
        (visit_with(minutes=10**30), "/sessions/0/minutes"),
        (visit_with(dose_mg="gone"), "/sessions/0/dose_mg"),
        (visit_with(dose_mg="40"), "/sessions/0/dose_mg"),
        (visit_with(dose_mg=-1), "/sessions/0/dose_mg"),
        (visit_with(dose_mg=1e300), "/sessions/0/dose_mg"),
        (visit_with(dose_mg=0.00001), "/sessions/0/dose_mg"),
        (visit_with(weight_kg=0), "/sessions/0/weight_kg"),
        (visit_with(on="03.11.2026"), "/sessions/0/on"),
        (visit_with(add_ons={"massage": 1}), "/sessions/0/add_ons/massage"),
        (visit_with(add_ons={"anti_nausea": -1}), "/sessions/0/add_ons/anti_nausea"),
        (visit_with(add_ons={"anti_nausea": 1.5}), "/sessions/0/add_ons/anti_nausea"),
        (visit_with(add_ons=["anti_nausea"]), "/sessions/0/add_ons"),
        (visit_with(colour="red"), "/sessions/0/colour"),
    ],
)
def test_a_flaw_is_named_by_its_pointer(client, body, pointer):
    assert pointer in pointers(client.post("/api/v1/quotes", json=body))


@pytest.mark.parametrize("raw", ["", "[]", "null", '"text"', "{", '{"sessions": NaN}'])
def test_what_is_no_quote_is_refused(client, raw):
    answer = client.post("/api/v1/quotes", data=raw, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    assert answer.mimetype == "application/problem+json"


def test_a_plan_or_patient_that_is_not_there(client, patient):
    missing = {"plan_id": "plan_00000000000000000000000000"}
    assert client.post("/api/v1/quotes", json=missing).status_code == 404
    body = quote_with(patient_id="pat_00000000000000000000000000", eligibilities=None)
    assert client.post("/api/v1/quotes", json=body).status_code == 404


@pytest.mark.parametrize("body", [QUOTE, None], ids=["free", "of a plan"])
def test_only_a_supervisor_quotes_as_of_another_day(client, database, door, entity, patient, body):
    body = body or {"plan_id": new_plan(database, patient.id).id}
    today, before = ({**body, "quoted_on": on} for on in ("2026-11-02", "2026-11-01"))
    assert client.post("/api/v1/quotes", json=today).status_code == 201
    refused = client.post("/api/v1/quotes", json=before)
    assert (refused.status_code, refused.json["code"]) == (403, "quoted-on-another-day")
    door.actor = Actor(id="usr_5", entity_id=entity.id, permissions=ROLES[Role.SUPERVISOR])
    assert client.post("/api/v1/quotes", json=before).json["quoted_on"] == "2026-11-01"


def test_a_date_before_every_schedule_is_a_conflict(client, door, entity):
    door.actor = Actor(id="usr_5", entity_id=entity.id, permissions=ROLES[Role.SUPERVISOR])
    answer = client.post("/api/v1/quotes", json=quote_with(quoted_on="2025-12-31"))
    assert (answer.status_code, answer.json["code"]) == (409, "no-fee-schedule-in-force")


def test_quotes_come_in_pages(client):
    made = [client.post("/api/v1/quotes", json=QUOTE).json["id"] for _ in range(3)]
    first = client.get("/api/v1/quotes?limit=2").json
    second = client.get(f"/api/v1/quotes?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == sorted(made, reverse=True)
    assert second["next_cursor"] is None
    assert "sessions" not in first["items"][0]


def test_the_list_can_be_narrowed_to_a_patient(client, patient):
    client.post("/api/v1/quotes", json=QUOTE)
    body = quote_with(patient_id=patient.id, eligibilities=None)
    own = client.post("/api/v1/quotes", json=body).json["id"]
    listed = client.get(f"/api/v1/quotes?patient_id={patient.id}").json["items"]
    assert [item["id"] for item in listed] == [own]


def test_another_clinics_quote_is_not_there(client, door):
    quote_id = client.post("/api/v1/quotes", json=QUOTE).json["id"]
    door.actor = Actor(id="usr_2", entity_id="ent_other", permissions=ROLES[Role.FRONT_DESK])
    assert client.get(f"/api/v1/quotes/{quote_id}").status_code == 404
    assert client.get("/api/v1/quotes").json["items"] == []


def test_who_may_not_quote_is_told_so(client, door, entity):
    door.actor = Actor(id="usr_3", entity_id=entity.id, permissions=ROLES[Role.CLINICIAN])
    assert client.post("/api/v1/quotes", json=QUOTE).status_code == 403
    assert client.get("/api/v1/quotes").status_code == 403
    door.actor = None
    assert client.get("/api/v1/quotes").status_code == 401


def test_each_look_at_a_quote_is_on_the_trail(client, database):
    quote_id = client.post("/api/v1/quotes", json=QUOTE).json["id"]
    client.get(f"/api/v1/quotes/{quote_id}")
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.subject_id == quote_id)).all()
    assert [(row.action, row.actor_id) for row in rows] == [("quote.issue", "usr_1"), ("quote.read", "usr_1")]
    assert "depression" not in json.dumps([row.detail for row in rows])


def test_the_catalog_is_shown_whole(client):
    clinic = sample()
    shown = {
        name: client.get(f"/api/v1/{name}") for name in ("sites", "providers", "conditions", "protocols")
    }
    assert {name: (answer.status_code, len(answer.json["items"])) for name, answer in shown.items()} == {
        "sites": (200, 2),
        "providers": (200, 3),
        "conditions": (200, 20),
        "protocols": (200, len(clinic.protocols)),
    }
    crps = next(item for item in shown["conditions"].json["items"] if item["slug"] == "crps")
    assert crps["category"] == "chronic_pain"
    assert "G90.521" in crps["icd10"]


def test_the_fee_schedule_in_force_is_shown_in_cents(client):
    schedule = client.get("/api/v1/fee-schedules/in-force?on=2026-05-01").json
    assert (schedule["code"], schedule["sample"]) == ("b-2026-01", True)
    assert schedule["tiers"][0] == {
        "sessions": 6,
        "service": "infusion",
        "category": "mental_health",
        "least_minutes": 1,
        "cents": 42_500,
        "minutes": 60,
    }
    assert schedule["dose_bands"] == [{"above": "80", "cents": 15_000}]
    assert client.get("/api/v1/fee-schedules/in-force").json == schedule
    assert client.get("/api/v1/fee-schedules/in-force?on=2025-05-01").status_code == 409
    assert client.get("/api/v1/fee-schedules/in-force?on=yesterday").status_code == 422


def test_an_actor_sees_the_sites_where_they_work(client, door, database, entity):
    with database.reading() as read:
        west = sites(read, entity.id)[1]
    door.actor = Actor(
        id="usr_5", entity_id=entity.id, permissions=ROLES[Role.FRONT_DESK], site_ids=frozenset({west.id})
    )
    assert [site["code"] for site in client.get("/api/v1/sites").json["items"]] == ["west"]


def test_the_routes_are_described(client):
    paths = client.get("/api/v1/openapi.json").json["paths"]
    assert {"/api/v1/quotes", "/api/v1/quotes/{quote_id}", "/api/v1/fee-schedules/in-force"} <= set(paths)
