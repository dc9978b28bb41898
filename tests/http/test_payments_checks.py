"""Checks over HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from tests.factories.invoices import a_patient, billed

CHECK = {"amount_cents": 45_000, "number": "1042", "dated_on": "2026-11-02"}


@pytest.fixture
def path(database):
    return f"/invoices/{billed(database, a_patient(database), only_first=1).invoice.id}/check-payments"


def test_a_check_of_a_health_account_says_so_and_is_taken_once(issue, path, database):
    clerk, body = issue(Role.FRONT_DESK), {**CHECK, "is_health_account": True}
    first, second = (clerk.post(path, body, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    shown = {name: first.json[name] for name in ("tender", "instrument", "is_health_account", "amount_cents")}
    assert shown == {
        "tender": "check",
        "instrument": "no. 1042",
        "is_health_account": True,
        "amount_cents": 45_000,
    }
    with database.reading() as read:
        assert trial_balance(read) == {"1060": 45_000, "2100": -45_000}


@pytest.mark.parametrize(
    ("dated_on", "code"), [("2027-11-02", "check-postdated"), ("2025-11-02", "check-stale")]
)
def test_a_check_that_no_bank_need_pay_is_refused_by_name(issue, path, dated_on, code):
    answer = issue(Role.FRONT_DESK).post(path, {**CHECK, "dated_on": dated_on})
    assert (answer.status_code, answer.json["code"]) == (409, code)


@pytest.mark.parametrize("number", [None, "", "12a", "1" * 13, "１２", 12])
def test_a_check_without_a_number_is_refused(issue, path, number):
    answer = issue(Role.FRONT_DESK).post(path, {**CHECK, "number": number})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/number"


def test_a_check_that_is_booked_already_is_refused_and_named_until_it_is_said_to_be_another(
    issue, path, database
):
    clerk, part = issue(Role.FRONT_DESK), {**CHECK, "amount_cents": 10_000}
    first = clerk.post(path, part).json
    again = clerk.post(path, part)
    assert (again.status_code, again.json["code"]) == (409, "check-booked-before")
    assert again.json["payment_id"] == first["id"]
    tenders = path.replace("check-payments", "tenders")
    assert clerk.post(tenders, {"tenders": [part | {"tender": "check"}]}).status_code == 409
    another = {**part, "another_check_with_this_number": True}
    assert clerk.post(path, another).status_code == 201
    assert clerk.post(tenders, {"tenders": [another | {"tender": "check"}]}).status_code == 201
    with database.reading() as read:
        assert trial_balance(read)["1060"] == 30_000


def test_only_a_check_can_be_another(issue, path):
    cash = {"tender": "cash", "amount_cents": 1, "another_check_with_this_number": True}
    answer = issue(Role.FRONT_DESK).post(path.replace("check-payments", "tenders"), {"tenders": [cash]})
    pointers = [each["pointer"] for each in answer.json["errors"]]
    assert (answer.status_code, pointers) == (422, ["/tenders/0/another_check_with_this_number"])
