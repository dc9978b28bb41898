"""Cards shown to a reader at the desk, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.ledger.queries import trial_balance
from billing.payments.flows.resolve import resolve
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.office import Office
from tests.factories.sandbox import sdk_client

pytestmark = pytest.mark.processes


@pytest.fixture
def reader(office):
    made = sdk_client(office.sandbox).terminal.readers.create(
        {"registration_code": "simulated-wpe", "label": "Desk"}
    )
    return made.id


def ask(office: Office, bill, reader, *, key="k1"):
    return office.post(f"/invoices/{bill.invoice.id}/terminal-payments", {"reader_id": reader}, key=key)


def show_card(office: Office, reader, number="4242424242424242"):
    sdk_client(office.sandbox).test_helpers.terminal.readers.present_payment_method(
        reader, {"type": "card_present", "card_present": {"number": number}}
    )


def notice(office: Office, kind: str) -> None:
    """What the processor tells of the intent that was asked on the reader."""
    asked = [each for each in office.sandbox.requests("/v1/terminal") if "process" in each["path"]]
    office.hear(f"payment_intent.{kind}", asked[-1]["parameters"]["payment_intent"])


def state_of(office: Office, attempt) -> str:
    return str(office.get(f"/checkouts/{attempt.json()['id']}").json()["state"])


def books(office: Office):
    with office.database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def test_a_card_shown_to_the_reader_pays_the_bill(office, bill, reader):
    asked = ask(office, bill, reader)
    assert (asked.status_code, asked.json()["state"], asked.json()["way"]) == (201, "open", "reader")
    show_card(office, reader)
    notice(office, "succeeded")
    notice(office, "succeeded")
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert (payment["tender"], payment["instrument"]) == ("card_present", "visa 4242")
    assert state_of(office, asked) == "paid"
    assert books(office)["2100"] == -45_000


def test_while_a_reader_asks_nothing_else_pays(office, bill, reader):
    first = ask(office, bill, reader)
    assert ask(office, bill, reader).json()["id"] == first.json()["id"]
    for refused in (
        ask(office, bill, reader, key="k2"),
        office.post(f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": 100}, key="k3"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "checkout-stands")


def test_a_desk_that_cancels_before_it_knows_of_a_declined_card_is_told(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, "4000000000000002")
    assert office.post(f"/checkouts/{asked.json()['id']}/cancel").json()["state"] == "declined"
    assert books(office) == {}
    assert ask(office, bill, reader, key="k2").status_code == 201


def test_a_cancel_that_comes_too_late_finds_the_money(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader)
    assert office.post(f"/checkouts/{asked.json()['id']}/cancel").json()["state"] == "paid"


def test_an_old_attempt_that_is_canceled_leaves_the_reader_to_whom_it_asks_now(office, bill, reader):
    old = ask(office, bill, reader)
    show_card(office, reader, "4000000000000002")
    other = billed(office.database, a_patient(office.database), only_first=1)
    asked = ask(office, other, reader, key="k2")
    assert office.post(f"/checkouts/{old.json()['id']}/cancel").json()["state"] == "declined"
    show_card(office, reader)
    notice(office, "succeeded")
    assert state_of(office, asked) == "paid"


def test_a_reader_that_is_away_takes_nothing_and_leaves_nothing_standing(office, bill, reader):
    office.sandbox.control("switch-reader", reader=reader, on=False)
    refused = ask(office, bill, reader)
    assert (refused.status_code, refused.json()["code"]) == (409, "processor-refused")
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k2").status_code == 201


def test_a_lost_answer_asks_once(office, bill, reader):
    office.sandbox.control("lose-response", path="/v1/payment_intents", times=1)
    assert ask(office, bill, reader).status_code == 503
    again = ask(office, bill, reader)
    assert again.status_code == 201
    made = [e for e in office.sandbox.requests("/v1/payment_intents") if e["method"] == "POST"]
    assert {each["idempotency_key"] for each in made} == {again.json()["id"]}


def test_a_card_whose_notice_was_lost_is_found_and_what_was_never_shown_is_closed(
    office, bill, reader, clock_file
):
    paid = ask(office, bill, reader)
    show_card(office, reader)
    other = billed(office.database, bill.patient, only_first=1)
    left = ask(office, other, reader, key="k2")
    clock_file.write_text((NOW + timedelta(minutes=20)).isoformat())
    assert resolve(office.room).unknown == 0
    assert (state_of(office, paid), state_of(office, left)) == ("paid", "expired")


def test_the_readers_are_listed(office, reader):
    assert office.get("/readers").json()["items"] == [{"id": reader, "label": "Desk", "is_online": True}]


@pytest.mark.parametrize("later", [timedelta(minutes=20), timedelta(hours=25)])
def test_a_reader_whose_answer_was_lost_asks_nobody_who_has_left(office, bill, reader, clock_file, later):
    office.sandbox.control("lose-response", path="/v1/terminal/readers", times=1)
    assert ask(office, bill, reader).status_code == 503
    clock_file.write_text((NOW + later).isoformat())
    assert resolve(office.room).unknown == 0
    assert sdk_client(office.sandbox).terminal.readers.retrieve(reader).action is None
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k2").status_code == 201


def test_what_a_card_at_the_desk_paid_goes_back_to_that_card(office, bill, reader):
    ask(office, bill, reader)
    show_card(office, reader)
    notice(office, "succeeded")
    assert office.post(f"/sessions/{bill.session_ids[0]}/cancel").status_code == 200
    (lot,) = office.get(f"/patients/{bill.patient.id}/credits").json()["items"]
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    body = {"amount_cents": 45_000, "available_cents": 45_000, "payment_id": payment["id"]}
    asked = office.post(f"/credits/{lot['id']}/refunds", body, key="r1")
    assert asked.status_code == 201
    office.work()
    assert office.get(f"/refunds/{asked.json()['id']}").json()["state"] == "succeeded"


@pytest.fixture
def paid_unheard(office, bill, reader, clock_file):
    """A card was shown and paid a day ago; the answer to our asking was lost, and nobody looked since."""
    office.sandbox.control("lose-response", path="/v1/terminal/readers", times=1)
    assert ask(office, bill, reader).status_code == 503
    show_card(office, reader)
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    refused = office.post(f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": 45_000}, key="k2")
    return refused.json()["checkout_id"]


def cancel_attempt(office, attempt_id, bill, reader):
    return office.post(f"/checkouts/{attempt_id}/cancel")


def open_card_page(office, attempt_id, bill, reader):
    return office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k3")


def ask_again(office, attempt_id, bill, reader):
    return ask(office, bill, reader)


@pytest.mark.parametrize("deed", [cancel_attempt, open_card_page, ask_again])
def test_an_asking_of_a_day_ago_is_looked_up_whoever_comes_first(office, bill, reader, paid_unheard, deed):
    deed(office, paid_unheard, bill, reader)
    made = [e for e in office.sandbox.requests("/v1/payment_intents") if e["method"] == "POST"]
    assert len(made) == 1
    assert office.get(f"/checkouts/{paid_unheard}").json()["state"] == "paid"


def test_an_asking_of_a_day_ago_that_never_arrived_is_closed_and_asked_anew(office, bill, reader, clock_file):
    office.sandbox.control("lose-response", path="/v1/payment_intents", when="before")
    lost = ask(office, bill, reader)
    assert lost.status_code == 503
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    assert ask(office, bill, reader).json()["state"] == "expired"
    assert ask(office, bill, reader, key="k2").json()["state"] == "open"
