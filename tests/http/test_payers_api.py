"""Other payers over HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import Role
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import SPONSORS_NAME


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def clerk(issue):
    return issue(Role.BILLING)


@pytest.fixture
def payer(clerk, bill):
    def make(kind="sponsor"):
        body = {
            "site_id": bill.patient.site_id,
            "kind": kind,
            "name": SPONSORS_NAME,
            "contact": "512-555-0177",
        }
        return clerk.post("/payers", body).json

    return make


def test_a_payer_is_found_again_and_what_it_is_called_is_sealed(clerk, payer, database):
    made = payer()
    assert clerk.get(f"/payers/{made['id']}").json == made
    assert [each["id"] for each in clerk.get("/payers").json["items"]] == [made["id"]]
    with database.write_engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT sealed FROM payer").scalar_one()
    assert SPONSORS_NAME.encode() not in bytes(stored)


def test_a_part_of_an_invoice_is_agreed_once_for_one_key(clerk, payer, bill):
    body = {"payer_id": payer()["id"], "amount_cents": 30_000, "reference": "L-1"}
    path = f"/invoices/{bill.invoice.id}/payer-shares"
    first, second = (clerk.post(path, body, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    assert clerk.get(f"/invoices/{bill.invoice.id}").json["open_cents"] == 60_000
    assert clerk.get(path).json["items"] == [first.json]
    assert first.json["open_cents"] == 30_000


def test_a_bill_is_issued_with_what_others_agreed_to(clerk, payer, bill):
    again = clerk.post(f"/invoices/{bill.invoice.id}/void", {"reason": "a payer was found"})
    assert again.status_code == 200
    order = {
        "payer_id": payer("workers_compensation")["id"],
        "session_ids": [bill.session_ids[0]],
        "reference": "WC-1",
        "from_on": "2026-11-01",
        "until_on": "2026-12-31",
    }
    made = clerk.post(
        "/invoices",
        {
            "quote_id": bill.invoice.quote_id,
            "session_ids": list(bill.session_ids),
            "payer_shares": [order],
        },
    )
    assert (made.status_code, made.json["total_cents"], made.json["open_cents"]) == (201, 90_000, 45_000)


def test_what_cannot_be_is_refused_by_name(clerk, payer, bill):
    path = f"/invoices/{bill.invoice.id}/payer-shares"
    answer = clerk.post(path, {"payer_id": payer("va")["id"], "amount_cents": 1})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-share")
    assert {flaw["pointer"] for flaw in answer.json["errors"]} >= {"/amount_cents", "/reference"}
    answer = clerk.post(path, {"payer_id": payer()["id"], "amount_cents": 90_001, "reference": "L"})
    assert (answer.status_code, answer.json["code"]) == (409, "more-than-owed")


def test_a_part_is_denied_and_ended_by_two_people(clerk, issue, payer, bill):
    made = clerk.post(
        f"/invoices/{bill.invoice.id}/payer-shares",
        {
            "payer_id": payer("va")["id"],
            "session_ids": list(bill.session_ids),
            "reference": "VA-1",
            "from_on": "2026-11-01",
            "until_on": "2026-12-31",
        },
    ).json
    share = f"/payer-shares/{made['id']}"
    assert clerk.post(f"{share}/deny").json["denied_at"] is not None
    assert [task["kind"] for task in clerk.get("/tasks").json["items"]] == ["payer-denied"]
    refused = clerk.post(f"{share}/end", {"reason": "denied", "borne_by": "patient"})
    assert (refused.status_code, refused.json["code"]) == (409, "never-the-patient")
    asked = clerk.post(f"{share}/end", {"reason": "not_authorized", "borne_by": "patient"})
    assert asked.json["state"] == "ending"
    assert issue(Role.SUPERVISOR).post(f"{share}/end/approve").json["state"] == "ended"
    assert clerk.get(f"/invoices/{bill.invoice.id}").json["open_cents"] == 90_000


def test_a_payers_statement_names_amounts_and_no_patient(clerk, payer, bill):
    made = payer()
    order = {"payer_id": made["id"], "amount_cents": 30_000, "reference": "L-1"}
    clerk.post(f"/invoices/{bill.invoice.id}/payer-shares", order)
    answer = clerk.get(f"/payers/{made['id']}/statement")
    assert answer.json["open_cents"] == 30_000
    assert set(answer.json["items"][0]) == {
        "id",
        "agreed_on",
        "reference",
        "agreed_cents",
        "paid_cents",
        "open_cents",
    }
    patient, hidden = bill.patient, (bill.invoice.id, bill.patient.id, *bill.session_ids)
    for word in (patient.given_name, patient.family_name, "infusion", *hidden):
        assert word not in answer.text
