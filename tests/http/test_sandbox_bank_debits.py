"""Bank debits at the stand-in: under way for days, then paid, failed or disputed."""

import pytest
import stripe

from tests.factories.sandbox import sdk_client, start_sandbox, submit_account

pytestmark = pytest.mark.processes

NOON_TEXT = "2026-11-02T12:00:00+00:00"
LATER_TEXT = "2026-11-06T12:00:00+00:00"
ONLINE = {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "test"}}


@pytest.fixture
def clock(tmp_path):
    file = tmp_path / "clock"
    file.write_text(NOON_TEXT)
    return file


@pytest.fixture
def sandbox(tmp_path, clock):
    running = start_sandbox(tmp_path, "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


def debit(client, name="pm_usBankAccount_success", cents=10_000, **more):
    return client.payment_intents.create({
        "amount": cents, "currency": "usd", "payment_method": name, "confirm": True,
        "mandate_data": {"customer_acceptance": ONLINE}, **more,
    })  # fmt: skip


def bank_session(client):
    item = {"currency": "usd", "unit_amount": 10_000, "product_data": {"name": "Clinic services"}}
    return client.checkout.sessions.create({
        "mode": "payment", "success_url": "http://127.0.0.1/paid",
        "line_items": [{"quantity": 1, "price_data": item}],
        "allowed_payment_method_types": ["card", "us_bank_account"],
    })  # fmt: skip


def event_types(client):
    return [event.type for event in client.events.list({"limit": 100}).data][::-1]


@pytest.mark.parametrize(("cents", "fee"), [(10_000, 80), (50, 0), (90_000, 500)])
def test_a_debit_is_under_way_for_days_and_then_paid(client, clock, cents, fee):
    intent = debit(client, cents=cents, expand=["latest_charge.balance_transaction"])
    charge, movement = intent.latest_charge, intent.latest_charge.balance_transaction
    assert (intent.status, intent.amount_received, charge.status, charge.paid) == (
        "processing", 0, "pending", False,
    )  # fmt: skip
    assert (movement.type, movement.reporting_category, movement.fee) == ("payment", "charge", fee)
    assert charge.payment_method_details.us_bank_account.expected_debit_date == "2026-11-06"
    clock.write_text("2026-11-06T11:59:59+00:00")
    assert client.payment_intents.retrieve(intent.id).status == "processing"
    clock.write_text(LATER_TEXT)
    paid = client.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.amount_received, paid.latest_charge.status) == ("succeeded", cents, "succeeded")
    kinds = [kind for kind in event_types(client) if not kind.startswith("payout")]
    assert kinds == [
        "payment_intent.created", "payment_intent.processing", "charge.pending", "charge.succeeded",
        "payment_intent.succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pm_usBankAccount_accountClosed", "account_closed"),
        ("pm_usBankAccount_noAccount", "no_account"),
        ("pm_usBankAccount_insufficientFunds", "insufficient_funds"),
        ("pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"),
        ("pm_usBankAccount_invalidCurrency", "invalid_currency"),
        ("pm_usBankAccount_weeklyLimitExceeded", "charge_exceeds_weekly_limit"),
    ],
)
def test_a_debit_that_fails_leaves_the_balance_again(client, sandbox, clock, name, code):
    intent = debit(client, name)
    clock.write_text(LATER_TEXT)
    failed = client.payment_intents.retrieve(
        intent.id, {"expand": ["latest_charge.failure_balance_transaction"]}
    )
    charge = failed.latest_charge
    assert (failed.status, failed.last_payment_error.code) == ("requires_payment_method", code)
    assert (charge.status, charge.failure_code, charge.amount_captured) == ("failed", code, 0)
    back = charge.failure_balance_transaction
    assert (back.type, back.reporting_category, back.amount) == (
        "payment_failure_refund", "charge_failure", -10_000,
    )  # fmt: skip
    totals = sandbox.state()["totals"]
    assert (totals["captured"], totals["charge_failures"]) == (10_000, 10_000)
    assert event_types(client)[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert client.payment_intents.confirm(failed.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_an_account_that_never_answers_stays_processing(client, clock):
    intent = debit(client, "pm_usBankAccount_processing")
    clock.write_text("2026-12-01T12:00:00+00:00")
    assert client.payment_intents.retrieve(intent.id).status == "processing"
    with pytest.raises(stripe.InvalidRequestError):
        client.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.create({"payment_intent": intent.id})


def test_a_debit_is_disputed_after_it_was_paid(client, clock):
    intent = debit(client, "pm_usBankAccount_dispute")
    clock.write_text(LATER_TEXT)
    (dispute,) = client.disputes.list({"payment_intent": intent.id}).data
    assert (dispute.reason, dispute.amount) == ("debit_not_authorized", 10_000)
    assert "payment_method_details" not in dispute


def test_a_refund_to_an_account_takes_days(client, clock):
    intent = debit(client)
    clock.write_text(LATER_TEXT)
    refund = client.refunds.create(
        {"payment_intent": intent.id, "amount": 4_000, "expand": ["balance_transaction"]}
    )
    assert (refund.status, refund.balance_transaction.type) == ("pending", "payment_refund")
    assert refund.destination_details.type == "us_bank_transfer"
    clock.write_text("2026-11-08T12:00:00+00:00")
    assert client.refunds.retrieve(refund.id).status == "succeeded"


@pytest.mark.parametrize(
    ("account", "payment_status", "kind"),
    [("000123456789", "paid", "succeeded"), ("000222222227", "unpaid", "failed")],
)
def test_a_page_completes_at_once_and_tells_later_how_it_ended(client, clock, account, payment_status, kind):
    session = bank_session(client)
    assert submit_account(session.url, account).status_code == 303
    begun = client.checkout.sessions.retrieve(session.id)
    assert (begun.status, begun.payment_status) == ("complete", "unpaid")
    clock.write_text(LATER_TEXT)
    assert client.checkout.sessions.retrieve(session.id).payment_status == payment_status
    event = client.events.list({"type": "checkout.session.async_payment_*"}).data[0]
    assert event.type == f"checkout.session.async_payment_{kind}"
    assert event.data.object.payment_status == payment_status


def test_a_page_takes_no_real_account(client):
    session = bank_session(client)
    answer = submit_account(session.url, "123456789012")
    assert (answer.status_code, "test accounts only" in answer.text) == (402, True)
    assert client.checkout.sessions.retrieve(session.id).status == "open"


def test_a_debit_needs_leave_once_and_for_all(client):
    customer = client.customers.create({}).id
    first = debit(client, customer=customer, setup_future_usage="off_session")
    again = client.payment_intents.create({
        "amount": 700, "currency": "usd", "customer": customer, "payment_method": first.payment_method,
        "off_session": True, "confirm": True,
    })  # fmt: skip
    assert again.status == "processing"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.payment_intents.create(
            {"amount": 700, "currency": "usd", "payment_method": "pm_usBankAccount_success", "confirm": True}
        )
    assert refused.value.param == "mandate_data"


def test_an_account_by_number_pays_once_it_is_verified(client):
    account = {"account_number": "000123456789", "routing_number": "110000000",
               "account_holder_type": "individual"}  # fmt: skip
    intent = client.payment_intents.create({
        "amount": 700, "currency": "usd", "confirm": True, "mandate_data": {"customer_acceptance": ONLINE},
        "payment_method_data": {
            "type": "us_bank_account", "us_bank_account": account, "billing_details": {"name": "A. Payer"},
        },
    })  # fmt: skip
    assert (intent.status, intent.next_action.type) == ("requires_action", "verify_with_microdeposits")
    paying = client.payment_intents.verify_microdeposits(intent.id, {"amounts": [32, 45]})
    assert paying.status == "processing"


@pytest.mark.parametrize(
    ("failure", "status"), [(None, "succeeded"), ("no_account", "requires_payment_method")]
)
def test_a_debit_can_be_ended_at_will_but_once(client, sandbox, failure, status):
    intent = debit(client, "pm_usBankAccount_processing")
    how = {"failure": failure} if failure else {}
    assert sandbox.control("end-debit", payment_intent=intent.id, **how)["status"] == status
    with pytest.raises(AssertionError):
        sandbox.control("end-debit", payment_intent=intent.id)


def test_a_debit_under_way_survives_being_killed(client, sandbox, clock):
    intent = debit(client)
    sandbox.kill()
    clock.write_text(LATER_TEXT)
    sandbox.start()
    assert client.payment_intents.retrieve(intent.id).status == "succeeded"
    assert event_types(client).count("charge.succeeded") == 1
