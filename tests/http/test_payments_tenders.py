"""Several tenders on one invoice, over real HTTP beside the stand-in."""

from __future__ import annotations

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.permissions import SYSTEM
from tests.factories.sandbox import sdk_client

pytestmark = pytest.mark.processes

CASH = {"tender": "cash", "amount_cents": 20_000}
CHECK = {"tender": "check", "amount_cents": 15_000, "number": "1042", "dated_on": "2026-11-02"}


@pytest.fixture
def readers(office):
    return sdk_client(office.sandbox)


@pytest.fixture
def reader(readers):
    return readers.terminal.readers.create({"registration_code": "simulated-wpe", "label": "Desk"}).id


def take(office, bill, *tenders, rest=None, key="k1"):
    body = {"tenders": tenders, **({"rest": rest} if rest else {})}
    return office.post(f"/invoices/{bill.invoice.id}/tenders", body, key=key)


def payments_of(office, bill):
    return office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]


def test_cash_and_a_check_are_booked_and_the_reader_asks_for_the_rest(office, bill, reader, readers):
    taken = take(office, bill, CASH, CHECK, rest={"way": "reader", "reader_id": reader})
    assert taken.status_code == 201
    told = taken.json()
    assert [each["tender"] for each in told["payments"]] == ["cash", "check"]
    assert told["open_cents"] == told["checkout"]["amount_cents"] == 10_000
    assert (told["checkout"]["state"], told["checkout"]["way"]) == ("open", "reader")
    card = {"type": "card_present", "card_present": {"number": "4242424242424242"}}
    readers.test_helpers.terminal.readers.present_payment_method(reader, card)
    asked = [each for each in office.sandbox.requests("/v1/terminal") if "process" in each["path"]]
    office.hear("payment_intent.succeeded", asked[-1]["parameters"]["payment_intent"])
    assert {each["tender"]: each["amount_cents"] for each in payments_of(office, bill)} == {
        "cash": 20_000,
        "check": 15_000,
        "card_present": 10_000,
    }
    with office.database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).state == "paid"


def test_the_same_key_takes_once_and_tells_what_became_of_the_rest(office, bill):
    first = take(office, bill, CASH, rest={"way": "page"})
    again = take(office, bill, CASH, rest={"way": "page"})
    assert first.json() == again.json()
    assert first.json()["checkout"]["url"]
    assert len(payments_of(office, bill)) == 1
    office.post(f"/checkouts/{first.json()['checkout_id']}/cancel")
    late = take(office, bill, CASH, rest={"way": "page"})
    assert (late.status_code, late.json()["checkout"]["state"]) == (201, "expired")
    other = take(office, bill, CHECK)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_a_reader_that_is_away_refuses_the_rest_and_the_cash_stays_taken(office, bill, reader):
    office.sandbox.control("switch-reader", reader=reader, on=False)
    told = take(office, bill, CASH, rest={"way": "reader", "reader_id": reader})
    assert (told.status_code, told.json()["checkout"]["state"]) == (201, "refused")
    assert len(payments_of(office, bill)) == 1
    assert take(office, bill, CHECK, key="k2").status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tenders": []}, "/tenders"),
        ({"tenders": [{"tender": "card", "amount_cents": 1}]}, "/tenders/0/tender"),
        ({"tenders": [CASH, {**CHECK, "number": None}]}, "/tenders/1/number"),
        ({"tenders": [{"tender": "check", "amount_cents": 1, "number": "1"}]}, "/tenders/0/dated_on"),
        ({"tenders": [{**CASH, "number": "1"}]}, "/tenders/0/number"),
        ({"tenders": [{**CASH, "is_health_account": True}]}, "/tenders/0/is_health_account"),
        ({"tenders": [{**CHECK, "tendered_cents": 20_000}]}, "/tenders/0/tendered_cents"),
        ({"tenders": [{**CASH, "tendered_cents": 19_999}]}, "/tendered_cents"),
        ({"tenders": [CASH], "rest": {"way": "reader"}}, "/rest/reader_id"),
        ({"tenders": [CASH], "rest": {"way": "page", "reader_id": "tmr_1"}}, "/rest/reader_id"),
        ({"tenders": [CASH], "rest": {"way": "saved"}}, "/rest/way"),
    ],
)
def test_a_list_that_nobody_could_hand_over_is_refused_by_field(office, bill, body, pointer):
    refused = office.post(f"/invoices/{bill.invoice.id}/tenders", body, key="k1")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert payments_of(office, bill) == []


def test_without_a_key_nothing_is_taken(office, bill):
    assert take(office, bill, CASH, key="").status_code == 400
    assert payments_of(office, bill) == []
