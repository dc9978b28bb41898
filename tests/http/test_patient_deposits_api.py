"""Deposits over HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from tests.factories.invoices import a_patient

CHECK = {"tender": "check", "amount_cents": 10_000, "number": "1042", "dated_on": "2026-11-02"}


@pytest.fixture
def patient(database):
    return a_patient(database)


def test_a_deposit_is_taken_once_under_its_key_and_stands_in_the_balance(issue, patient, database):
    clerk = issue(Role.FRONT_DESK)
    first, second = (clerk.post(f"/patients/{patient.id}/deposits", CHECK, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    assert (first.json["invoice_id"], first.json["instrument"]) == (None, "no. 1042")
    with database.reading() as read:
        assert trial_balance(read) == {"1060": 10_000, "2100": -10_000}
    balance = clerk.get(f"/patients/{patient.id}/credits").json
    assert balance["sources"] == [{"source": "deposit", "available_cents": 10_000}]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tender": "card", "amount_cents": 10_000}, "/tender"),
        ({"tender": "credit", "amount_cents": 10_000}, "/tender"),
        ({"tender": "check", "amount_cents": 10_000, "dated_on": "2026-11-02"}, "/number"),
        ({"tender": "cash", "amount_cents": 0}, "/amount_cents"),
        ({"tender": "cash", "amount_cents": 1, "site_id": "here"}, "/site_id"),
    ],
)
def test_a_deposit_that_nobody_could_hand_over_is_refused_by_field(issue, patient, body, pointer):
    refused = issue(Role.FRONT_DESK).post(f"/patients/{patient.id}/deposits", body)
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_deposit_by_a_check_that_is_booked_already_names_it_and_goes_through_as_another(issue, patient):
    clerk, path = issue(Role.FRONT_DESK), f"/patients/{patient.id}/deposits"
    first = clerk.post(path, CHECK).json
    again = clerk.post(path, CHECK)
    assert (again.status_code, again.json["code"]) == (409, "check-booked-before")
    assert again.json["payment_id"] == first["id"]
    assert clerk.post(path, CHECK | {"another_check_with_this_number": True}).status_code == 201
