"""Cash drawers over HTTP."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from tests.factories.invoices import a_patient, billed

DAY = "2026-11-02"


@pytest.fixture
def clerk(issue):
    return issue(Role.FRONT_DESK)


@pytest.fixture
def boss(issue):
    return issue(Role.SUPERVISOR)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database)).invoice


@pytest.fixture
def drawer(clerk, boss, bill):
    """Open, with $100.00 of change."""
    change = {"site_id": bill.site_id, "amount_cents": 10_000, "brought_on": DAY}
    assert boss.post("/cash-floats", change).status_code == 201
    opened = clerk.post("/cash-drawers", {"site_id": bill.site_id, "float_cents": 10_000})
    assert opened.status_code == 201
    return opened.json


@pytest.fixture
def pay(clerk, bill):
    def run(cents=5_000, **more):
        return clerk.post(f"/invoices/{bill.id}/cash-payments", {"amount_cents": cents, **more})

    return run


def count(who, drawer, **said):
    return who.post(f"/cash-drawers/{drawer['id']}/count", said)


def test_cash_is_answered_with_its_change_and_its_drawer(drawer, pay):
    paid = pay(tendered_cents=6_000)
    assert paid.status_code == 201
    told = {name: paid.json[name] for name in ("amount_cents", "tendered_cents", "change_cents", "drawer_id")}
    assert told == {
        "amount_cents": 5_000,
        "tendered_cents": 6_000,
        "change_cents": 1_000,
        "drawer_id": drawer["id"],
    }
    assert pay().json["change_cents"] is None


def test_a_receipt_tells_what_was_handed_over_and_given_back(clerk, bill, pay):
    paid, exact = pay(tendered_cents=6_000).json, pay(tendered_cents=5_000).json
    receipts = clerk.get(f"/patients/{bill.patient_id}/receipts").json["items"]
    told = {each["payment_id"]: each for each in receipts}
    body = told[paid["id"]]["body"]
    assert (body["amount_cents"], body["tendered_cents"], body["change_cents"]) == (5_000, 6_000, 1_000)
    assert "change_cents" not in told[exact["id"]]["body"]
    pdf = clerk.get(f"/receipts/{told[paid['id']]['id']}.pdf")
    assert "change $10.00" in PdfReader(BytesIO(pdf.data)).pages[0].extract_text()


def test_too_little_handed_over_is_named_by_its_field(pay):
    answer = pay(tendered_cents=4_999)
    assert (answer.status_code, answer.json["code"]) == (422, "tendered-too-little")
    assert answer.json["errors"][0]["pointer"] == "/tendered_cents"


def test_a_shift_from_the_float_to_its_report(clerk, boss, issue, bill, drawer, pay, database):
    paid = pay().json
    while_open = clerk.get(f"/cash-drawers/{drawer['id']}").json
    assert while_open["payments"] is None
    assert {while_open["drawer"][name] for name in ("taken_cents", "expected_cents")} == {None}
    first, second = (
        clerk.post(
            f"/cash-drawers/{drawer['id']}/count",
            {"denominations": {"10000": 1, "2000": 2, "500": 1, "25": 2, "1": 3}},
            key="k1",
        )
        for _ in range(2)
    )
    assert (first.status_code, first.data) == (200, second.data)
    assert (first.json["state"], first.json["counted_cents"]) == ("closed", 14_553)
    assert (first.json["expected_cents"], first.json["difference_cents"]) == (15_000, -447)
    report = issue(Role.ACCOUNTANT).get(f"/cash-drawers/{drawer['id']}").json
    assert report["drawer"] == first.json
    assert [(one["payment_id"], one["amount_cents"]) for one in report["payments"]] == [(paid["id"], 5_000)]
    with database.reading() as read:
        assert {code: cents for code, cents in trial_balance(read).items() if cents} == {
            "1000": -10_000,
            "1060": 14_553,
            "2100": -5_000,
            "6140": 447,
        }


def test_a_large_difference_waits_for_another_person(clerk, boss, drawer, pay):
    pay()
    waits = count(clerk, drawer, counted_cents=1_000).json
    assert (waits["state"], waits["difference_cents"]) == ("counted", None)
    assert [
        one["id"] for one in boss.get("/cash-drawers", query_string={"state": "counted"}).json["items"]
    ] == [drawer["id"]]
    for shown in (
        boss.get("/cash-drawers", query_string={"state": "counted"}).json["items"][0],
        boss.get(f"/cash-drawers/{drawer['id']}").json["drawer"],
    ):
        assert {shown[f"{told}_cents"] for told in ("taken", "banked", "expected", "counted")} == {None}
    assert boss.get(f"/cash-drawers/{drawer['id']}").json["payments"] is None
    assert clerk.get(f"/cash-drawers/{drawer['id']}").json["drawer"] == waits
    refused = clerk.post(f"/cash-drawers/{drawer['id']}/confirm", {"counted_cents": 15_000})
    assert (refused.status_code, refused.json["code"]) == (403, "not-permitted")
    confirmed = boss.post(f"/cash-drawers/{drawer['id']}/confirm", {"counted_cents": 15_000})
    assert (confirmed.json["state"], confirmed.json["difference_cents"]) == ("closed", 0)
    again = boss.post(f"/cash-drawers/{drawer['id']}/confirm", {"counted_cents": 1_000})
    assert (again.status_code, again.json["code"]) == (409, "illegal-move")


def test_another_persons_drawer_is_not_a_clerks_to_count(issue, drawer):
    answer = count(issue(Role.FRONT_DESK), drawer, counted_cents=10_000)
    assert (answer.status_code, answer.json["code"]) == (409, "drawer-not-yours")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"counted_cents": 1, "denominations": {"1": 1}},
        {"counted_cents": -1},
        {"counted_cents": 1.5},
        {"denominations": {"3": 1}},
        {"denominations": {"100": -1}},
        {"denominations": {"100": "2"}},
        {"counted_cents": 1, "expected_cents": 1},
    ],
)
def test_a_count_is_a_total_or_notes_and_coins(clerk, drawer, said):
    assert count(clerk, drawer, **said).status_code == 422
    assert clerk.get(f"/cash-drawers/{drawer['id']}").json["drawer"]["state"] == "open"


def test_an_empty_drawer_is_counted_as_nothing(clerk, bill):
    opened = clerk.post("/cash-drawers", {"site_id": bill.site_id, "float_cents": 0}).json
    assert count(clerk, opened, denominations={}).json["counted_cents"] == 0


def test_money_moves_with_a_key_only(clerk, boss, bill, drawer):
    for who, path, body in (
        (boss, "/cash-floats", {"site_id": bill.site_id, "amount_cents": 1, "brought_on": DAY}),
        (clerk, "/cash-drawers", {"site_id": bill.site_id, "float_cents": 0}),
        (clerk, f"/cash-drawers/{drawer['id']}/count", {"counted_cents": 0}),
        (boss, f"/cash-drawers/{drawer['id']}/confirm", {"counted_cents": 0}),
    ):
        answer = who._client.post(f"/api/v1{path}", json=body, headers=who._headers)
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-required")


def test_what_is_not_there_is_said_in_cents(issue, boss, bill, drawer):
    answer = boss.post("/cash-drawers", {"site_id": bill.site_id, "float_cents": 1})
    assert (answer.status_code, answer.json["code"], answer.json["available_cents"]) == (
        409,
        "float-not-there",
        0,
    )


def test_change_goes_back_to_the_bank_and_is_listed(boss, bill):
    brought = boss.post(
        "/cash-floats", {"site_id": bill.site_id, "amount_cents": 900, "brought_on": DAY}
    ).json
    assert boss.get("/cash-floats").json["items"] == [brought]
    back = {"site_id": bill.site_id, "payment_ids": [], "float_cents": 900, "banked_on": DAY}
    answer = boss.post("/bank-deposits", back)
    assert (answer.status_code, answer.json["amount_cents"], answer.json["float_cents"]) == (201, 900, 900)
    for nothing in (0, -5):
        assert boss.post("/bank-deposits", back | {"float_cents": nothing}).status_code == 422
