"""Takebacks over HTTP: recorded under a key, listed, decided, repaid."""

import pytest

from billing.kernel.permissions import Role
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def office(issue, world):
    return issue(Role.SUPERVISOR, entity_id=world.entity.id)


@pytest.fixture
def body(office, world):
    """More than is left of the insurer's 180: 1.00 goes back to the patient, 0.50 was demanded before."""
    assert office.post(f"/refunds/{world.ids['refund_id'][0]}/approve").status_code == 200
    items = office.get(f"/patients/{world.patient.id}/credits").json["items"]
    claim = next(each["source_id"] for each in items if each["source"] == "reimbursement")
    return {"reimbursement_id": claim, "demand": "L-1", "amount_cents": 17_950, "demanded_on": "2026-11-02"}


def test_a_demand_is_recorded_once_under_its_key(office, body):
    first, again = (office.post("/takebacks", body, key="letter") for _ in range(2))
    assert (first.status_code, first.data) == (201, again.data)
    assert (first.json["unspent_cents"], first.json["owed_cents"]) == (17_850, 100)
    known = office.post("/takebacks", body)
    assert (known.status_code, known.json["code"]) == (409, "takeback-known")
    assert office.get("/takebacks?state=demanded").json["items"] == [first.json]
    assert office.get(f"/takebacks/{first.json['id']}").json == first.json


def test_a_demand_says_what_its_sender_believes_to_be_left_of_the_claim(office, body):
    stale, right = ({"left_cents": cents} for cents in (18_000, 17_950))
    refused = office.post("/takebacks", body | stale)
    assert (refused.status_code, refused.json["code"]) == (409, "refundable-changed")
    assert office.post("/takebacks", body | right).status_code == 201


def test_a_person_decides_and_the_payer_is_repaid(office, body):
    path = f"/takebacks/{office.post('/takebacks', body).json['id']}"
    assert "takeback-review" in {each["kind"] for each in office.get("/tasks?state=open").json["items"]}
    billed = office.post(f"{path}/bill")
    assert (billed.status_code, billed.json["state"], billed.json["owed_cents"]) == (200, "billed", 100)
    forgiven = office.post(f"{path}/forgive")
    assert (forgiven.json["state"], forgiven.json["owed_cents"]) == ("forgiven", 0)
    part = {"amount_cents": 10_000, "repaid_on": "2026-11-02", "returned_cents": 0}
    first, second = (office.post(f"{path}/repay", part) for _ in range(2))
    assert (first.json["returned_cents"], second.json["code"]) == (10_000, "refundable-changed")
    repaid = office.post(f"{path}/repay", {"amount_cents": 7_950, "repaid_on": "2026-11-02"})
    assert repaid.json["returned_cents"] == 17_950
    refused = office.post(f"{path}/repay", {"amount_cents": 1, "repaid_on": "2026-11-02"})
    assert (refused.status_code, refused.json["code"]) == (409, "more-than-available")


def test_the_task_closes_by_itself_once_nothing_is_left_to_decide(office, body):
    demand = office.post("/takebacks", body).json["id"]

    def review():
        found = (each for each in office.get("/tasks").json["items"] if each["subject_id"] == demand)
        return [(each["kind"], each["state"]) for each in found]

    assert review() == [("takeback-review", "open")]
    assert office.post(f"/takebacks/{demand}/bill").json["owed_cents"] == 100
    assert review() == [("takeback-review", "open")], "what no invoice took may still be forgiven"
    office.post(f"/takebacks/{demand}/forgive")
    assert review() == [("takeback-review", "done")]


def test_nobody_demands_of_another_clinic(issue, body, database, now):
    other = a_world(database, now, slug="a")
    refused = issue(Role.BILLING, entity_id=other.entity.id).post("/takebacks", body)
    assert (refused.status_code, refused.json["code"]) == (404, "no-such-reimbursement")
