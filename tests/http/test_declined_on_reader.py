"""A card that is declined, or never shown, at a reader: the attempt ends, and whoever looks is told so."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from billing.kernel.errors import Unavailable
from billing.ledger.queries import trial_balance
from billing.payments.flows.resolve import resolve
from billing.payments.queries.credits import elected_credits
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.office import Office
from tests.factories.sandbox import sdk_client

pytestmark = pytest.mark.processes
GOOD, DECLINED, STOLEN = "4242424242424242", "4000000000000002", "4000000000009979"
TOO_LITTLE = "4000000000009995"


@pytest.fixture
def readers(office):
    return sdk_client(office.sandbox).terminal.readers


@pytest.fixture
def reader(readers):
    return readers.create({"registration_code": "simulated-wpe", "label": "Desk"}).id


def ask(office: Office, bill, reader, *, key="k1"):
    return office.post(f"/invoices/{bill.invoice.id}/terminal-payments", {"reader_id": reader}, key=key)


def show_card(office: Office, reader, number):
    sdk_client(office.sandbox).test_helpers.terminal.readers.present_payment_method(
        reader, {"type": "card_present", "card_present": {"number": number}}
    )


def intents(office: Office):
    """What was asked on readers, oldest first."""
    asked = [each for each in office.sandbox.requests("/v1/terminal") if "process" in each["path"]]
    return [each["parameters"]["payment_intent"] for each in asked]


def notice(office: Office, kind: str, object_id: str) -> None:
    office.hear(kind, object_id)


def attempt(office: Office, asked):
    """As the API tells of it now, without its times."""
    told = office.get(f"/checkouts/{asked.json()['id']}").json()
    return told["state"], told["decline"]


def kept(office: Office, asked):
    """As it is kept, without anybody looking at the processor."""
    with office.database.reading() as read:
        (state,) = read.session.connection().exec_driver_sql(
            f"SELECT state FROM checkout WHERE id = '{asked.json()['id']}'"
        ).one()  # fmt: skip
    return state


def status_at_processor(office: Office, reference):
    return sdk_client(office.sandbox).payment_intents.retrieve(reference).status


def cash(office: Office, bill, cents=45_000, key="c1"):
    return office.post(f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": cents}, key=key)


@pytest.mark.parametrize("told_by", ["payment_intent.payment_failed", "terminal.reader.action_failed"])
def test_a_notice_of_a_declined_card_ends_the_attempt_and_cash_is_taken(office, bill, reader, told_by):
    asked = ask(office, bill, reader)
    show_card(office, reader, TOO_LITTLE)
    (intent,) = intents(office)
    for _ in range(2):
        notice(office, told_by, intent if told_by.startswith("payment") else reader)
    assert kept(office, asked) == "declined"
    assert attempt(office, asked) == ("declined", "insufficient_funds")
    assert status_at_processor(office, intent) == "canceled"
    assert cash(office, bill).status_code == 201


def test_without_a_notice_whoever_asks_for_the_attempt_is_told(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, STOLEN)
    assert cash(office, bill).json()["code"] == "checkout-stands"
    assert attempt(office, asked) == ("declined", "stolen_card")
    assert cash(office, bill, key="c2").status_code == 201


def test_while_the_reader_waits_for_a_card_looking_changes_nothing(office, bill, reader, readers):
    asked = ask(office, bill, reader)
    notice(office, "terminal.reader.action_failed", reader)
    assert attempt(office, asked) == ("open", None)
    assert readers.retrieve(reader).action.status == "in_progress"


def test_a_reader_that_asks_for_the_same_once_more_after_a_decline_is_not_ended(
    office, bill, reader, readers
):
    """So does one whose card wants its PIN."""
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    (intent,) = intents(office)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    notice(office, "payment_intent.payment_failed", intent)
    assert attempt(office, asked) == ("open", None)
    show_card(office, reader, GOOD)
    assert attempt(office, asked) == ("paid", None)


def test_the_next_card_pays_once_and_the_declined_one_can_pay_no_more(office, bill, reader, readers):
    first = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    second = ask(office, bill, reader, key="k2")
    assert (second.status_code, second.json()["state"]) == (201, "open")
    assert attempt(office, first) == ("declined", "generic_decline")
    declined, _ = intents(office)
    show_card(office, reader, GOOD)
    assert attempt(office, second) == ("paid", None)
    assert status_at_processor(office, declined) == "canceled"
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert payment["amount_cents"] == 45_000


def test_a_late_notice_of_the_declined_card_leaves_the_second_try_alone(office, bill, reader, readers):
    first = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    second = ask(office, bill, reader, key="k2")
    for reference in intents(office):
        notice(office, "payment_intent.payment_failed", reference)
    notice(office, "terminal.reader.action_failed", reader)
    assert (kept(office, first), kept(office, second)) == ("declined", "open")
    assert readers.retrieve(reader).action.status == "in_progress"
    show_card(office, reader, GOOD)
    notice(office, "terminal.reader.action_succeeded", reader)
    assert kept(office, second) == "paid"


def test_of_two_clerks_who_ask_for_the_next_card_one_is_told_that_the_other_does(office, bill, reader):
    ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    assert ask(office, bill, reader, key="k2").status_code == 201
    refused = ask(office, bill, reader, key="k3")
    assert (refused.status_code, refused.json()["code"]) == (409, "checkout-stands")
    assert len(intents(office)) == 2


def test_whoever_looks_and_asks_at_one_moment_the_next_card_is_asked_for_once(office, bill, reader):
    """And the credit that came off comes off once."""
    deposit = {"tender": "cash", "amount_cents": 5_000}
    assert office.post(f"/patients/{bill.patient.id}/deposits", deposit, key="d1").status_code == 201
    first = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    (intent,) = intents(office)

    def do(number):
        if number % 3 == 0:
            return ask(office, bill, reader, key=f"n{number}").status_code
        if number % 3 == 1:
            return office.get(f"/checkouts/{first.json()['id']}").status_code
        return notice(office, "payment_intent.payment_failed", intent)

    with ThreadPoolExecutor(9) as pool:
        told = [each for each in pool.map(do, range(18)) if each not in (None, 200)]
    assert sorted(told) == [201, 409, 409, 409, 409, 409]
    assert len(intents(office)) == 2
    show_card(office, reader, GOOD)
    notice(office, "terminal.reader.action_succeeded", reader)
    invoice = office.get(f"/invoices/{bill.invoice.id}").json()
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert (invoice["open_cents"], payment["amount_cents"]) == (0, 40_000)


def test_a_reader_that_asks_another_patient_meanwhile_is_left_alone(office, bill, reader, readers):
    first = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    other = billed(office.database, a_patient(office.database), only_first=1)
    second = ask(office, other, reader, key="k2")
    notice(office, "terminal.reader.action_failed", reader)
    assert (kept(office, first), kept(office, second)) == ("declined", "open")
    assert readers.retrieve(reader).action.process_payment_intent.payment_intent == intents(office)[1]
    show_card(office, reader, GOOD)
    assert attempt(office, second) == ("paid", None)


@pytest.mark.parametrize("reason", ["customer_canceled", "terminal_reader_timeout", "connection_error"])
def test_a_reader_that_gives_up_without_a_card_ends_the_attempt_too(office, bill, reader, reason):
    asked = ask(office, bill, reader)
    office.sandbox.control("fail-reader-action", reader=reader, reason=reason)
    notice(office, "terminal.reader.action_failed", reader)
    assert attempt(office, asked) == ("expired", None)
    assert cash(office, bill).status_code == 201


def test_a_card_that_paid_while_the_reader_lost_its_connection_is_booked(office, bill, reader):
    asked = ask(office, bill, reader)
    office.sandbox.control("lose-reader", reader=reader)
    show_card(office, reader, GOOD)
    notice(office, "terminal.reader.action_failed", reader)
    assert attempt(office, asked) == ("paid", None)


def test_a_processor_that_does_not_answer_ends_nothing_and_the_notice_is_worked_again(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    (intent,) = intents(office)
    office.sandbox.control("lose-response", path=f"/v1/payment_intents/{intent}/cancel", when="before")
    with pytest.raises(Unavailable):
        notice(office, "payment_intent.payment_failed", intent)
    assert (kept(office, asked), status_at_processor(office, intent)) == ("open", "requires_payment_method")
    assert attempt(office, asked) == ("declined", "generic_decline")


def test_who_asks_for_the_next_card_while_the_processor_does_not_answer_may_repeat_it(office, bill, reader):
    ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    (intent,) = intents(office)
    office.sandbox.control("lose-response", path=f"/v1/payment_intents/{intent}", when="before")
    assert ask(office, bill, reader, key="k2").status_code == 503
    assert ask(office, bill, reader, key="k2").status_code == 201


def test_an_answer_to_the_cancel_that_is_lost_is_no_reason_to_forget_the_decline(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    (intent,) = intents(office)
    office.sandbox.control("lose-response", path=f"/v1/payment_intents/{intent}/cancel", times=1)
    assert attempt(office, asked) == ("open", None)
    assert attempt(office, asked) == ("declined", "generic_decline")


def test_without_any_notice_the_janitor_ends_it_once_the_reader_gave_up(office, bill, reader, clock_file):
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    clock_file.write_text((NOW + timedelta(minutes=20)).isoformat())
    assert resolve(office.room).unknown == 0
    assert kept(office, asked) == "declined"


def test_a_decline_costs_nothing_and_is_nobody_s_task(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    assert attempt(office, asked)[0] == "declined"
    with office.database.reading() as read:
        assert {cents for cents in trial_balance(read).values() if cents} == set()
    assert office.get("/tasks").json()["items"] == []


def test_credit_that_came_off_is_the_patient_s_again_and_comes_off_before_the_next_card(office, bill, reader):
    deposit = {"tender": "cash", "amount_cents": 5_000}
    assert office.post(f"/patients/{bill.patient.id}/deposits", deposit, key="d1").status_code == 201
    first = ask(office, bill, reader)
    assert first.json()["amount_cents"] == 40_000
    show_card(office, reader, DECLINED)
    assert attempt(office, first)[0] == "declined"
    with office.database.reading() as read:
        assert [lot.available.cents for lot in elected_credits(read, bill.patient.id)] == [5_000]
    second = ask(office, bill, reader, key="k2")
    assert second.json()["amount_cents"] == 40_000
    show_card(office, reader, GOOD)
    assert attempt(office, second)[0] == "paid"
    assert office.get(f"/invoices/{bill.invoice.id}").json()["open_cents"] == 0


def test_a_deposit_that_is_declined_stays_asked_for_and_is_asked_on_the_reader_again(office, bill, reader):
    body = {"amount_cents": 10_000}
    request = office.post(f"/patients/{bill.patient.id}/deposit-requests", body, key="d1").json()
    path = f"/deposit-requests/{request['id']}/terminal-payments"
    first = office.post(path, {"reader_id": reader}, key="k1")
    show_card(office, reader, DECLINED)
    second = office.post(path, {"reader_id": reader}, key="k2")
    assert second.status_code == 201
    assert attempt(office, first) == ("declined", "generic_decline")
    show_card(office, reader, GOOD)
    assert attempt(office, second) == ("paid", None)


def test_who_may_not_see_the_attempt_learns_nothing_and_asks_the_processor_nothing(office, bill, reader):
    asked = len(office.sandbox.requests("/v1"))
    assert office.get("/checkouts/chk_unknown").status_code == 404
    assert len(office.sandbox.requests("/v1")) == asked


def test_the_worker_is_told_by_webhooks(office, bill, reader):
    asked = ask(office, bill, reader)
    show_card(office, reader, DECLINED)
    ends = time.monotonic() + 20
    while not office.kept("terminal.reader.action_failed") and time.monotonic() < ends:
        time.sleep(0.05)
    office.work()
    assert kept(office, asked) == "declined"
