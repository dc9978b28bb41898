"""The routes of patients: what they take, what they refuse, and to whom."""

import json

import pytest
from sqlalchemy import select

from billing.catalog.queries import find_site, sites
from billing.kernel.permissions import ROLES, Actor, Role
from billing.patients.api import make_blueprint
from billing.platform.data.audit import AuditRow
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient
from tests.factories.room_app import Door, room_client

CARD = "4242 4242 4242 4242"
PERSON = {
    "given_name": "Maria",
    "family_name": "Sample",
    "born_on": "1980-05-17",
    "sex": "female",
    "address": {"line1": "12 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"},
    "phone": "512-555-0123",
    "email": "maria@example.com",
}
POLICY = {
    "payer_name": "Sample Health Plan",
    "payer_id": "SHP01",
    "member_id": "W123456",
    "effective_from": "2026-01-01",
}
VETERAN = {"category": "veteran", "proof": "dd_214", "verified_on": "2026-11-02"}


@pytest.fixture
def entity(database, now):
    return seed_sample(database, now)


@pytest.fixture
def site(database, entity):
    with database.reading() as read:
        return sites(read, entity.id)[0]


@pytest.fixture
def door(entity, now):
    return Door(staff(Role.BILLING, entity_id=entity.id), now)


@pytest.fixture
def client(database, door):
    return room_client(
        database,
        door,
        lambda edge: make_blueprint(edge, lambda read, site_id: find_site(read, site_id).entity_id),
    )


@pytest.fixture
def maria(database, site):
    return new_patient(database, entity_id=site.entity_id, site_id=site.id)


def staff(role, **more):
    return Actor(id="usr_1", permissions=ROLES[role], **more)


def pointers(answer):
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    return {flaw["pointer"] for flaw in answer.json["errors"]}


def test_a_patient_is_taken_in_and_read_back(client, site):
    made = client.post("/api/v1/patients", json={**PERSON, "site_id": site.id})
    assert made.status_code == 201, made.text
    assert (made.json["number"], made.json["phone"], made.json["version"]) == (1, "+15125550123", 1)
    read = client.get(f"/api/v1/patients/{made.json['id']}")
    assert read.json == made.json
    assert read.headers["ETag"] == made.headers["ETag"] == '"1"'


def test_the_same_request_twice_is_one_patient(client, site):
    sent = {"json": {**PERSON, "site_id": site.id}, "headers": {"Idempotency-Key": "k1"}}
    first, second = (client.post("/api/v1/patients", **sent) for _ in range(2))
    assert first.json == second.json
    assert len(client.get("/api/v1/patients").json["items"]) == 1


@pytest.mark.parametrize("site_id", ["site_00000000000000000000000000", None])
def test_a_patient_needs_a_site_that_the_clerk_has(client, site, door, site_id):
    if site_id is None:
        door.actor = staff(Role.BILLING, entity_id="ent_x")
    answer = client.post("/api/v1/patients", json={**PERSON, "site_id": site_id or site.id})
    assert (answer.json["code"], pointers(answer)) == ("unknown-site", {"/site_id"})


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"ssn": "078-05-1120"}, "/ssn"),
        ({"given_name": ""}, "/given_name"),
        ({"given_name": "A\x00B"}, "/given_name"),
        ({"given_name": "A\ud800B"}, "/given_name"),
        ({"given_name": "A\u202eB"}, "/given_name"),
        ({"given_name": "x" * 101}, "/given_name"),
        ({"given_name": "x" * 100_000}, "/given_name"),
        ({"given_name": 5}, "/given_name"),
        ({"given_name": None}, "/given_name"),
        ({"family_name": CARD}, "/family_name"),
        ({"email": f"{CARD.replace(' ', '')}@example.com"}, "/email"),
        ({"address": {**PERSON["address"], "line2": f"card {CARD}"}}, "/address/line2"),
        ({"address": {**PERSON["address"], "planet": "Earth"}}, "/address/planet"),
        ({"address": {**PERSON["address"], "state": "XX"}}, "/address/state"),
        ({"address": {**PERSON["address"], "postal_code": "7870"}}, "/address/postal_code"),
        ({"address": None}, "/address"),
        ({"address": "12 Elm Street"}, "/address"),
        ({"born_on": "1980-02-30"}, "/born_on"),
        ({"born_on": "0000-00-00"}, "/born_on"),
        ({"born_on": "9999-12-31"}, "/born_on"),
        ({"born_on": "2100-01-01"}, "/born_on"),
        ({"born_on": "١٩٨٠-٠٥-١٧"}, "/born_on"),
        ({"born_on": 19800517}, "/born_on"),
        ({"sex": "robot"}, "/sex"),
        ({"sex": []}, "/sex"),
        ({"sex": {}}, "/sex"),
        ({"phone": "12"}, "/phone"),
        ({"phone": ["512-555-0123"]}, "/phone"),
        ({"email": "nobody"}, "/email"),
        ({"site_id": "pat_00000000000000000000000000"}, "/site_id"),
        ({"site_id": "site_\x00"}, "/site_id"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client, site, change, pointer):
    answer = client.post("/api/v1/patients", json={**PERSON, "site_id": site.id, **change})
    assert pointers(answer) == {pointer}
    assert client.get("/api/v1/patients").json["items"] == []


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "1e400", "{", ""])
def test_a_body_that_is_no_object_is_refused(client, body):
    answer = client.post("/api/v1/patients", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"


def test_a_name_with_other_letters_is_a_name(client, site):
    answer = client.post(
        "/api/v1/patients",
        json={**PERSON, "site_id": site.id, "given_name": "Nuñez-O'Brien", "family_name": "王"},
    )
    assert (answer.status_code, answer.json["family_name"]) == (201, "王")


def test_search_text_travels_in_the_body(client, maria):
    answer = client.post("/api/v1/patients/search", json={"text": "sam 1980-05-17"})
    assert [item["id"] for item in answer.json["items"]] == [maria.id]
    assert client.post("/api/v1/patients/search", json={"text": "nobody"}).json == {"items": []}
    assert client.post("/api/v1/patients/search", json={"text": "!!"}).json["code"] == "unusable-search"
    assert client.get("/api/v1/patients?text=sample").status_code == 422


def test_lists_go_on_where_the_page_ended(client, database, site):
    made = [new_patient(database, entity_id=site.entity_id, site_id=site.id).id for _ in range(3)]
    first = client.get("/api/v1/patients?limit=2").json
    rest = client.get(f"/api/v1/patients?limit=2&cursor={first['next_cursor']}").json
    assert sorted(item["id"] for item in first["items"] + rest["items"]) == sorted(made)
    assert rest["next_cursor"] is None


def test_an_amendment_names_the_version_it_saw(client, maria):
    path = f"/api/v1/patients/{maria.id}"
    assert client.patch(path, json={"given_name": "Mary"}).status_code == 428
    good = client.patch(path, json={"given_name": "Mary", "phone": None}, headers={"If-Match": '"1"'})
    assert (good.status_code, good.json["given_name"], good.json["phone"]) == (200, "Mary", None)
    assert good.headers["ETag"] == '"2"'
    for tag in ('"1"', '"x"', '"3"', "*", '"1", "2"', '"99999999999999999999"'):
        late = client.patch(path, json={"given_name": "Marie"}, headers={"If-Match": tag})
        assert (late.status_code, late.json["code"]) == (412, "changed-meanwhile"), tag
    assert client.get(path).json["given_name"] == "Mary"


def test_an_amendment_refuses_what_a_patient_cannot_change(client, maria):
    answer = client.patch(
        f"/api/v1/patients/{maria.id}", json={"number": 7, "version": 9}, headers={"If-Match": '"1"'}
    )
    assert pointers(answer) == {"/number", "/version"}


def test_insurance_is_entered_and_listed(client, maria):
    path = f"/api/v1/patients/{maria.id}/policies"
    made = client.post(path, json=POLICY)
    assert made.status_code == 201, made.text
    assert client.get(path).json == {"items": [made.json]}
    assert pointers(client.post(path, json={**POLICY, "relationship": "spouse"})) == {
        "/subscriber_given_name",
        "/subscriber_family_name",
        "/subscriber_born_on",
    }
    assert pointers(client.post(path, json={**POLICY, "ends_on": "2025-12-31"})) == {"/ends_on"}
    assert made.json["filing_days"] is None
    for days in (0, 1_096, "90", 90.5):
        assert pointers(client.post(path, json={**POLICY, "filing_days": days})) == {"/filing_days"}
    assert client.post(path, json={**POLICY, "filing_days": 90}).json["filing_days"] == 90


def test_a_veteran_is_verified_and_listed(client, maria):
    path = f"/api/v1/patients/{maria.id}/eligibilities"
    made = client.post(path, json=VETERAN)
    assert made.status_code == 201, made.text
    assert (made.json["expires_on"], made.json["seen_by"]) == (None, "usr_1")
    assert client.get(path).json == {"items": [made.json]}
    assert pointers(client.post(path, json={**VETERAN, "proof": "agency_id"})) == {"/proof"}
    assert pointers(client.post(path, json={**VETERAN, "category": "nurse"})) == {"/category"}
    assert pointers(client.post(path, json={**VETERAN, "seen_by": CARD})) == {"/seen_by"}


def test_only_a_supervisor_reaches_back(client, maria, door, entity):
    path, early = f"/api/v1/patients/{maria.id}/eligibilities", {**VETERAN, "verified_on": "2026-10-30"}
    refused = client.post(path, json=early)
    assert (refused.status_code, refused.json["code"]) == (403, "backdating-needs-supervisor")
    door.actor = staff(Role.SUPERVISOR, entity_id=entity.id)
    assert client.post(path, json=early).status_code == 201


def test_another_sites_patient_is_404_at_every_route(client, maria, door, entity):
    door.actor = staff(Role.SUPERVISOR, entity_id=entity.id, site_ids=frozenset({"site_x"}))
    path = f"/api/v1/patients/{maria.id}"
    answers = [
        client.get(path),
        client.patch(path, json={"given_name": "X"}, headers={"If-Match": '"1"'}),
        client.get(f"{path}/policies"),
        client.post(f"{path}/policies", json=POLICY),
        client.get(f"{path}/eligibilities"),
        client.post(f"{path}/eligibilities", json=VETERAN),
    ]
    nobody = client.get("/api/v1/patients/pat_00000000000000000000000000")
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, nobody.text)}
    assert client.get("/api/v1/patients").json["items"] == []


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.ADMIN])
def test_who_has_no_business_with_patients_sees_none(client, maria, door, entity, role):
    door.actor = staff(role, entity_id=entity.id)
    assert client.get(f"/api/v1/patients/{maria.id}").status_code == 403
    assert client.post("/api/v1/patients/search", json={"text": "maria"}).status_code == 403


def test_the_front_desk_does_not_verify_its_own_discounts(client, maria, door, entity):
    door.actor = staff(Role.FRONT_DESK, entity_id=entity.id)
    answer = client.post(f"/api/v1/patients/{maria.id}/eligibilities", json=VETERAN)
    assert answer.status_code == 403


def test_each_look_at_a_patient_is_on_the_trail(client, database, maria):
    client.get(f"/api/v1/patients/{maria.id}")
    client.get("/api/v1/patients")
    client.post("/api/v1/patients/search", json={"text": "maria"})
    client.get(f"/api/v1/patients/{maria.id}/policies")
    client.get(f"/api/v1/patients/{maria.id}/eligibilities")
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.actor_id == "usr_1")).all()
    assert {(row.action, row.subject_id) for row in rows} == {
        ("patient.read", maria.id),
        ("patient.list", "patients"),
        ("patient.search", "patients"),
        ("policy.list", maria.id),
        ("eligibility.list", maria.id),
    }
    assert "maria" not in json.dumps([row.detail for row in rows]).lower()


@pytest.mark.parametrize("name", ["pat_%00", "%F0%9F%92%89", "x" * 3000, "%ED%A0%80", "..%2F..", "pat_1'--"])
def test_a_path_that_names_nobody_is_404(client, name):
    assert client.get(f"/api/v1/patients/{name}").status_code == 404
    assert client.get(f"/api/v1/patients/{name}/eligibilities").status_code == 404
    assert client.post(f"/api/v1/patients/{name}/policies", json=POLICY).status_code == 404


def test_what_stands_between_a_patient_and_a_plan_is_recorded_anew_each_time(client, site):
    patient = client.post("/api/v1/patients", json={**PERSON, "site_id": site.id}).get_json()
    path = f"/api/v1/patients/{patient['id']}/plan-limits"
    nothing = {"programs": [], "contract_on": None, "is_kept_from_plan": False, "note": None}
    assert client.get(path).get_json() == nothing
    told = {
        "programs": ["medicare"],
        "contract_on": "2026-11-01",
        "is_kept_from_plan": True,
        "note": "Folder 7",
    }
    assert (client.post(path, json=told).status_code, client.get(path).get_json()) == (201, told)
    assert client.post(path, json={"contract_on": "2026-11-01"}).get_json()["code"] == "invalid-plan-limits"
    assert client.post(path, json={"programs": ["veteran"]}).status_code == 422
    client.post(path, json={})
    assert client.get(path).get_json() == nothing
