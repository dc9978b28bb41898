"""Credits over HTTP: one balance with its sources, taken off and moved under one key."""

import pytest

from billing.kernel.permissions import Role
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def office(issue, world):
    return issue(Role.BILLING, entity_id=world.entity.id)


@pytest.fixture
def application(office, world):
    shown = office.get(f"/patients/{world.patient.id}/credits").json
    return next(each for each in shown["applications"] if each["id"] == world.ids["application_id"][0])


def test_one_balance_shows_where_credit_came_from_and_where_it_went(office, world, application):
    shown = office.get(f"/patients/{world.patient.id}/credits").json
    assert {each["source"]: each["available_cents"] for each in shown["sources"]} == {
        "reimbursement": shown["available_cents"],
        "return": 0,
    }
    assert application["undone_cents"] == 0
    assert application["credit_id"] in {each["id"] for each in shown["items"]}


def test_a_reversal_needs_a_key_and_happens_once_under_it(office, world, application):
    path = f"/credit-applications/{application['id']}/reverse"
    keyless = office._client.post(f"/api/v1{path}", headers=office._headers)
    assert (keyless.status_code, keyless.json["code"]) == (400, "idempotency-key-required")
    first, again = (office.post(path, key="once") for _ in range(2))
    assert (first.status_code, first.data) == (200, again.data)
    assert first.json["undone_cents"] == application["amount_cents"]
    other = office.post(path, key="twice")
    assert (other.status_code, other.json["code"]) == (409, "nothing-to-undo")
    shown = office.get(f"/patients/{world.patient.id}/credits").json
    assert {each["source"]: each["available_cents"] for each in shown["sources"]}["return"] == application[
        "amount_cents"
    ]


def test_credit_moves_to_another_invoice(office, world, application):
    body = {"invoice_id": world.ids["invoice_id"][1]}
    path = f"/credit-applications/{application['id']}/move"
    refused = office.post(path, body | {"undone_cents": 1})
    assert (refused.status_code, refused.json["code"]) == (409, "nothing-to-undo")
    moved = office.post(path, body | {"undone_cents": 0})
    assert (moved.status_code, moved.json["invoice_id"]) == (201, body["invoice_id"])
    assert moved.json["amount_cents"] == application["amount_cents"]
    taken = office.get(f"/invoices/{application['invoice_id']}/credit-applications").json
    assert taken["amount_cents"] == 0


def test_a_payment_is_put_right_over_http(office, database, world, now):
    other = a_world(database, now, family_name="Other")
    body = {"patient_id": other.patient.id, "invoice_id": other.ids["invoice_id"][1]}
    path = f"/payments/{world.ids['payment_id'][1]}"
    before = office.get(path).json
    moved = office.post(f"{path}/move", body, key="move")
    assert (moved.status_code, moved.json["corrects_id"]) == (201, before["id"])
    assert (moved.json["received_on"], moved.json["received_at"]) == (
        before["received_on"],
        before["received_at"],
    )
    assert office.post(f"{path}/move", body, key="move").data == moved.data
    assert office.get(path).json["state"] == "moved"
    assert "privacy-review" in {each["kind"] for each in office.get("/tasks?state=open").json["items"]}


def test_a_patient_chooses_once_for_all_that_insurers_pay(office, world):
    path = f"/patients/{world.patient.id}/standing-election"
    assert office.get(path).json == {"election": None}
    chosen = office.post(path, {"election": "refund"})
    assert (chosen.status_code, chosen.json) == (200, {"election": "refund"})
    assert office.get(path).json == {"election": "refund"}
    assert office.post(path, {"election": None}).json == {"election": None}
    for body in ({}, {"election": "lottery"}, {"election": "credit", "more": 1}):
        refused = office.post(path, body)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid-request")
    assert office.get("/patients/pat_unknown/standing-election").status_code == 404
