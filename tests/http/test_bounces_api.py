"""Bounced checks over HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from tests.factories.invoices import a_patient, billed

CHECK = {"amount_cents": 45_000, "number": "1042", "dated_on": "2026-11-02"}
BOUNCED = {"reason": "account_closed", "bounced_on": "2026-11-02", "bank_fee_cents": 1_200}


@pytest.fixture
def unbanked(issue, database):
    invoice_id = billed(database, a_patient(database), only_first=1).invoice.id
    return issue(Role.FRONT_DESK).post(f"/invoices/{invoice_id}/check-payments", CHECK).json


@pytest.fixture
def check(issue, unbanked):
    """One that was taken to the bank."""
    desk = issue(Role.FRONT_DESK)
    (waits,) = desk.get("/undeposited").json["items"]
    slip = {"site_id": waits["site_id"], "payment_ids": [waits["id"]], "banked_on": "2026-11-02"}
    assert desk.post("/bank-deposits", slip).status_code == 201
    return unbanked


def test_a_check_that_no_bank_had_is_taken_back_without_a_fee(issue, unbanked, database):
    clerk, path = issue(Role.BILLING), f"/payments/{unbanked['id']}/bounce"
    refused = clerk.post(path, BOUNCED)
    assert (refused.status_code, refused.json["code"]) == (409, "check-not-banked")
    assert "Record the bank deposit first" in refused.json["detail"]
    taken_back = clerk.post(path, BOUNCED | {"bank_fee_cents": 0})
    assert (taken_back.status_code, taken_back.json["bank_fee_cents"]) == (201, 0)
    with database.reading() as read:
        assert trial_balance(read) == {"1060": 0, "2100": 0}


def test_a_bounce_is_recorded_once_and_told_again(issue, check, database):
    clerk, path = issue(Role.BILLING), f"/payments/{check['id']}/bounce"
    first, second = (clerk.post(path, BOUNCED, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    shown = {name: first.json[name] for name in ("payment_id", "reason", "owed_cents", "bank_fee_cents")}
    assert shown == {
        "payment_id": check["id"],
        "reason": "account_closed",
        "owed_cents": 45_000,
        "bank_fee_cents": 1_200,
    }
    assert clerk.get(f"/payments/{check['id']}").json["state"] == "bounced"
    again = clerk.post(path, BOUNCED, key="k2")
    assert (again.status_code, again.json["code"]) == (409, "illegal-move")
    with database.reading() as read:
        assert trial_balance(read) == {"1000": -1_200, "1060": 0, "2100": 0, "6130": 1_200}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"reason": "anxiety"}, "/reason"),
        ({"bounced_on": "2026-11-03"}, "/bounced_on"),
        ({"bank_fee_cents": -1}, "/bank_fee_cents"),
        ({"bank_fee_cents": 1.5}, "/bank_fee_cents"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(issue, check, wrong, pointer):
    answer = issue(Role.BILLING).post(f"/payments/{check['id']}/bounce", BOUNCED | wrong)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
