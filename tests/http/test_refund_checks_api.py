"""Refunds decided about, and what becomes of their checks, over HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_check

CASHED = {"cashed_on": "2026-11-02"}


@pytest.fixture
def ask(issue, database):
    """Ask for some of $1,000.00 that a patient paid too much; $500.00 at once need another person."""
    patient, clerk = a_patient(database), issue(Role.SUPERVISOR)
    paid_by_check(database, billed(database, patient, only_first=1).invoice, NOW, Money(145_000))

    def run(cents):
        (lot,) = clerk.get(f"/patients/{patient.id}/credits").json["items"]
        body = {"amount_cents": cents, "available_cents": lot["available_cents"]}
        answer = clerk.post(f"/credits/{lot['id']}/refunds", body)
        assert answer.status_code == 201
        return answer.json["id"]

    run.clerk = clerk
    return run


def test_nobody_gives_a_reason_that_only_the_office_itself_has(issue, ask):
    refund_id, other = ask(60_000), issue(Role.ACCOUNTANT)
    for reason in ("withdrawn", "taken_back", "anxiety"):
        answer = other.post(f"/refunds/{refund_id}/reject", {"reason": reason})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/reason")
    assert other.get(f"/refunds/{refund_id}").json["state"] == "requested"
    given = other.post(f"/refunds/{refund_id}/reject", {"reason": "not_due"})
    assert given.json["rejected_for"] == "not_due"
    for who, expected in ((ask.clerk, "withdrawn"), (other, "other")):
        assert who.post(f"/refunds/{ask(60_000)}/reject", {}).json["rejected_for"] == expected


def test_who_rejects_a_check_that_is_to_be_written_is_told_how_it_is_called_off(issue, ask):
    refund_id, other = ask(60_000), issue(Role.ACCOUNTANT)
    assert other.post(f"/refunds/{refund_id}/approve").json["state"] == "approved"
    answer = other.post(f"/refunds/{refund_id}/reject", {"reason": "not_due"})
    assert (answer.status_code, answer.json["code"]) == (409, "illegal-move")
    assert "void-check" in answer.json["detail"]
    assert "its page" in answer.json["detail"]
    off = other.post(f"/refunds/{refund_id}/void-check")
    assert (off.status_code, off.json["state"]) == (200, "failed")
    again = other.post(f"/refunds/{refund_id}/reject", {"reason": "not_due"})
    assert (again.status_code, "void-check" in again.json["detail"]) == (409, False)


def test_refunds_are_listed_by_patient(ask):
    refund_id = ask(10_000)
    patient_id = ask.clerk.get(f"/refunds/{refund_id}").json["patient_id"]
    assert [each["id"] for each in ask.clerk.get(f"/refunds?patient_id={patient_id}").json["items"]] == [
        refund_id
    ]
    assert ask.clerk.get(f"/refunds?patient_id=pat_{'0' * 26}").json["items"] == []
    assert ask.clerk.get("/refunds?patient_id=x").status_code == 422


def test_the_description_names_the_accounts_that_an_exception_may_be_booked_to(app):
    schemas = app.test_client().get("/api/v1/openapi.json").json["components"]["schemas"]
    (part,) = (told for name, told in schemas.items() if name.startswith("BookedPart"))
    assert part["properties"]["account"]["enum"] == ["1000", "2240", "6100", "6110", "6130", "6210"]


def test_a_voided_check_that_the_bank_pays_is_a_task_each_time_until_it_settles_what_is_owed(issue, ask):
    refund_id, books, desk = ask(10_000), issue(Role.ACCOUNTANT), issue(Role.BILLING)
    desk.post(f"/refunds/{refund_id}/check", {"check_number": "77"})
    assert ask.clerk.post(f"/refunds/{refund_id}/void-check").status_code == 200

    def asked():
        tasks = desk.get("/tasks?state=open").json["items"]
        return [each["id"] for each in tasks if each["kind"] == "voided-check-paid"]

    for _ in range(2):
        refused = books.post(f"/refunds/{refund_id}/cashed", CASHED)
        assert (refused.status_code, refused.json["code"]) == (409, "check-voided")
        (task_id,) = asked()
        assert desk.post(f"/tasks/{task_id}/done", {"note": "Given back."}).status_code == 200
        assert asked() == []
    books.post(f"/refunds/{refund_id}/cashed", CASHED)
    (owed,) = desk.get("/refunds?state=approved").json["items"]
    assert ask.clerk.post(f"/refunds/{owed['id']}/settle").status_code == 200
    assert asked() == []
    assert books.post(f"/refunds/{refund_id}/cashed", CASHED).json["code"] == "check-cashed"


def test_outstanding_checks_are_told_page_by_page(issue, ask):
    sent = [ask(1_000) for _ in range(3)]
    for number, refund_id in enumerate(sent):
        ask.clerk.post(f"/refunds/{refund_id}/check", {"check_number": str(number)})
    books, told, cursor = issue(Role.ACCOUNTANT), [], ""
    while cursor is not None:
        page = books.get(f"/outstanding-checks?limit=2{cursor and '&cursor=' + cursor}").json
        told += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert told == sent
