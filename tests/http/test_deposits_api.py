"""Bank deposits over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from tests.factories.invoices import a_patient, billed

DAY = "2026-11-02"


@pytest.fixture
def clerk(issue):
    return issue(Role.FRONT_DESK)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database)).invoice


@pytest.fixture
def take(clerk, bill):
    def run(cents=10_000, kind="cash"):
        check = {"number": "1042", "dated_on": DAY} if kind == "check" else {}
        answer = clerk.post(f"/invoices/{bill.id}/{kind}-payments", {"amount_cents": cents, **check})
        assert answer.status_code == 201
        return answer.json["id"]

    return run


@pytest.fixture
def asked(bill):
    def make(*payment_ids, **other):
        return {"site_id": bill.site_id, "payment_ids": list(payment_ids), "banked_on": DAY, **other}

    return make


def test_a_deposit_is_recorded_once_and_listed(clerk, bill, take, asked, database):
    cash, check, waits = take(), take(20_000, "check"), take(5_000)
    first, second = (clerk.post("/bank-deposits", asked(cash, check), key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    shown = {name: first.json[name] for name in ("site_id", "amount_cents", "banked_on")}
    assert shown == {"site_id": bill.site_id, "amount_cents": 30_000, "banked_on": DAY}
    assert set(first.json["payment_ids"]) == {cash, check}
    assert clerk.get("/bank-deposits").json == {"items": [first.json], "next_cursor": None}
    left = clerk.get("/undeposited", query_string={"site_id": bill.site_id}).json["items"]
    assert [(one["id"], one["amount_cents"], one["site_id"]) for one in left] == [
        (waits, 5_000, bill.site_id)
    ]
    with database.reading() as read:
        assert trial_balance(read) == {"1000": 30_000, "1060": 5_000, "2100": -35_000}


def test_lists_come_in_pages(clerk, take, asked):
    made = [clerk.post("/bank-deposits", asked(take())).json["id"] for _ in range(3)]
    waiting = [take() for _ in range(3)]
    for path, ids in (("/bank-deposits", made), ("/undeposited", waiting)):
        page = clerk.get(path, query_string={"limit": 2}).json
        rest = clerk.get(path, query_string={"limit": 2, "cursor": page["next_cursor"]}).json
        assert [one["id"] for one in page["items"] + rest["items"]] == ids[::-1]
        assert rest["next_cursor"] is None


def test_what_is_banked_is_refused_by_its_id(clerk, take, asked):
    banked, good = take(), take()
    deposit = clerk.post("/bank-deposits", asked(banked)).json
    answer = clerk.post("/bank-deposits", asked(good, banked))
    told = answer.json
    assert (answer.status_code, told["code"], told["payment_id"], told["deposit_id"]) == (
        409,
        "already-banked",
        banked,
        deposit["id"],
    )
    assert [one["id"] for one in clerk.get("/undeposited").json["items"]] == [good]


def test_two_clerks_bank_one_check_at_once(app, issue, take, asked):
    clerks, check = [issue(Role.FRONT_DESK) for _ in range(2)], take(kind="check")
    with ThreadPoolExecutor(2) as at_once:
        answers = list(at_once.map(lambda one: one.post("/bank-deposits", asked(check)), clerks))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-03"])
def test_a_day_on_which_nobody_could_bank_is_refused(clerk, take, asked, day):
    answer = clerk.post("/bank-deposits", asked(take(), banked_on=day))
    assert (answer.status_code, answer.json["code"]) == (422, "bad-banking-day")
    assert answer.json["errors"][0]["pointer"] == "/banked_on"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"payment_ids": []}, "/payment_ids"),
        ({"payment_ids": ["pat_" + "0" * 26]}, "/payment_ids/0"),
        ({"banked_on": "today"}, "/banked_on"),
        ({"site_id": None}, "/site_id"),
        ({"amount_cents": 1}, "/amount_cents"),
    ],
)
def test_a_request_that_says_nothing_clear_is_refused_by_field(clerk, take, asked, wrong, pointer):
    answer = clerk.post("/bank-deposits", asked(take(), **wrong))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_payment_nobody_knows_is_404_and_banks_nothing(clerk, take, asked):
    good = take()
    answer = clerk.post("/bank-deposits", asked(good, "pay_" + "0" * 26))
    assert (answer.status_code, answer.json["code"]) == (404, "no-such-payment")
    assert [one["id"] for one in clerk.get("/undeposited").json["items"]] == [good]
