"""The stand-in as the unchanged SDK sees it."""

import pytest
import stripe

from tests.factories import loopback
from tests.factories.sandbox import pay_on_card_page, sdk_client, start_sandbox

pytestmark = pytest.mark.processes

NOON = 1_793_620_800  # 2 November 2026, 12:00 UTC
NOON_TEXT = "2026-11-02T12:00:00+00:00"


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return tmp_path_factory.mktemp("clock") / "clock"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, clock):
    clock.write_text(NOON_TEXT)
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox, clock):
    clock.write_text(NOON_TEXT)
    return sdk_client(sandbox)


def new_session(client, cents=45_000, **more):
    item = {
        "quantity": 1,
        "price_data": {
            "currency": "usd",
            "unit_amount": cents,
            "product_data": {"name": "Clinic services"},
        },
    }
    return client.checkout.sessions.create(
        {"mode": "payment", "line_items": [item], "success_url": "http://127.0.0.1/paid", **more}
    )


def paid_charge(client, cents=45_000):
    session = new_session(client, cents)
    pay_on_card_page(session.url)
    paid = client.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    return paid.payment_intent.latest_charge


def test_a_paid_session_leads_to_its_charge_and_the_fee(client):
    session = new_session(client, metadata={"operation": "chk_1"}, client_reference_id="chk_1")
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 45_000)
    pay_on_card_page(session.url)
    paid = client.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    movement = paid.payment_intent.latest_charge.balance_transaction
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (movement.amount, movement.fee, movement.net) == (45_000, 1_335, 43_665)
    assert (movement.type, movement.reporting_category, movement.status) == ("charge", "charge", "pending")
    assert [item.description for item in paid.line_items.data] == ["Clinic services"]


@pytest.mark.parametrize(
    ("cents", "fee"), [(50, 31), (100, 33), (1_550, 75), (21_675, 659), (255_000, 7_425)]
)
def test_the_fee_is_rounded_half_up(client, cents, fee):
    charge = paid_charge(client, cents)
    assert client.balance_transactions.retrieve(charge.balance_transaction).fee == fee


def test_a_declined_card_leaves_a_failed_charge_and_an_open_session(client):
    session = new_session(client)
    assert pay_on_card_page(session.url, "4000000000000002") is None
    tried = client.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (tried.status, tried.payment_intent.status) == ("open", "requires_payment_method")
    assert tried.payment_intent.latest_charge.failure_code == "card_declined"
    pay_on_card_page(session.url)
    charges = client.charges.list({"payment_intent": tried.payment_intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


def test_a_session_expires_by_the_clock(client, clock):
    session = new_session(client, expires_at=NOON + 1_800)
    clock.write_text("2026-11-02T12:30:00+00:00")
    assert client.checkout.sessions.retrieve(session.id).status == "expired"
    assert loopback.get(session.url).status_code == 410


def test_a_session_s_metadata_is_changed_and_its_items_listed(client):
    session = new_session(client, metadata={"a": "1", "b": "2"})
    assert client.checkout.sessions.update(session.id, {"metadata": {"a": ""}}).metadata.to_dict() == {
        "b": "2"
    }
    items = client.checkout.sessions.line_items.list(session.id)
    assert ([item.amount_total for item in items.data], items.has_more) == ([45_000], False)


def test_an_expired_session_cannot_be_expired_again(client):
    session = new_session(client)
    assert client.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.checkout.sessions.expire(session.id)


def test_balance_is_pending_until_the_charge_settles(client, sandbox, clock):
    sandbox.control("payout-schedule", schedule="manual")
    before = client.balance.retrieve()
    paid_charge(client, 10_000)
    assert client.balance.retrieve().pending[0].amount == before.pending[0].amount + 9_680
    clock.write_text("2026-11-04T00:00:00+00:00")
    settled = client.balance.retrieve()
    assert settled.pending[0].amount == 0
    assert settled.available[0].amount >= before.available[0].amount + 9_680
    sandbox.control("payout-schedule", schedule="daily")


def test_partial_refunds_stop_at_the_charge_and_return_no_fee(client):
    charge = paid_charge(client, 10_000)
    first = client.refunds.create(
        {"charge": charge.id, "amount": 4_000, "expand": ["balance_transaction", "charge"]}
    )
    movement = first.balance_transaction
    assert (movement.amount, movement.fee, movement.net) == (-4_000, 0, -4_000)
    assert (movement.reporting_category, movement.source) == ("refund", first.id)
    assert (first.charge.amount_refunded, first.charge.refunded) == (4_000, False)
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.refunds.create({"charge": charge.id, "amount": 6_001})
    assert too_much.value.param == "amount"
    assert client.refunds.create({"charge": charge.id}).amount == 6_000
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.refunds.create({"charge": charge.id, "amount": 1})
    assert again.value.code == "charge_already_refunded"
    assert len(client.refunds.list({"charge": charge.id}).data) == 2


def test_a_refund_that_fails_later_brings_its_money_back(client, sandbox):
    charge = paid_charge(client, 10_000)
    refund = client.refunds.create({"charge": charge.id})
    sandbox.control("fail-refund", refund=refund.id, reason="lost_or_stolen_card")
    failed = client.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert failed.failure_balance_transaction.net == 10_000
    assert failed.failure_balance_transaction.reporting_category == "refund_failure"
    assert client.charges.retrieve(charge.id).amount_refunded == 0


def test_what_is_absent_or_unpaid_cannot_be_refunded(client):
    with pytest.raises(stripe.InvalidRequestError) as absent:
        client.refunds.create({"charge": "ch_nowhere"})
    assert (absent.value.http_status, absent.value.code) == (400, "resource_missing")
    session = new_session(client)
    pay_on_card_page(session.url, "4000000000000002")
    tried = client.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.create({"charge": tried.payment_intent.latest_charge})


def test_a_disputed_charge_cannot_be_refunded(client, sandbox):
    charge = paid_charge(client)
    sandbox.control("open-dispute", charge=charge.id, amount=20_000)
    with pytest.raises(stripe.InvalidRequestError) as disputed:
        client.refunds.create({"charge": charge.id})
    assert disputed.value.code == "charge_disputed"


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"receipt_email": "a@example.org"}, "parameter_unknown", "receipt_email"),
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"mode": "subscription"}, None, "mode"),
        ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
        ({"expires_at": NOON + 1_799}, None, "expires_at"),
        ({"expires_at": NOON + 86_401}, None, "expires_at"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"expand": ["metadata.operation"]}, None, "expand"),
        ({"line_items": []}, "parameter_missing", "line_items"),
    ],
)
def test_parameters_are_checked_as_the_processor_does(client, more, code, param):
    parameters = {
        "mode": "payment",
        "success_url": "http://127.0.0.1/paid",
        "line_items": [line_item(100)],
        **more,
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.checkout.sessions.create(parameters)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


@pytest.mark.parametrize(
    ("cents", "code"),
    [(49, "amount_too_small"), (0, "amount_too_small"), (100_000_000, "parameter_invalid_integer")],
)
def test_a_session_takes_from_fifty_cents_to_eight_digits(client, cents, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        new_session(client, cents)
    assert refused.value.code == code


def test_a_nested_unknown_parameter_is_named_in_full(client):
    item = {**line_item(100), "colour": "red"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.checkout.sessions.create(
            {"mode": "payment", "success_url": "http://127.0.0.1/paid", "line_items": [item]}
        )
    assert refused.value.param == "line_items[0][colour]"


def line_item(cents):
    price = {"currency": "usd", "unit_amount": cents, "product_data": {"name": "Clinic services"}}
    return {"quantity": 1, "price_data": price}


@pytest.mark.parametrize("name", ["pm_card_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"])
def test_a_named_card_that_declines_answers_402_and_stays_on_record(client, name):
    intent = client.payment_intents.create({"amount": 2_000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as declined:
        client.payment_intents.confirm(intent.id, {"payment_method": name})
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    after = client.payment_intents.retrieve(intent.id)
    assert (after.status, after.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert client.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert again.value.code == "payment_intent_unexpected_state"


def test_an_intent_of_checkout_is_confirmed_by_nobody_else(client):
    session = new_session(client)
    pay_on_card_page(session.url, "4000000000000002")
    intent = client.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError):
        client.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def test_events_are_paged_and_filtered(client, clock):
    clock.write_text("2026-11-03T12:00:00+00:00")
    for _ in range(3):
        paid_charge(client, 500)
    since = NOON + 24 * 3600
    page = client.events.list({"limit": 2, "type": "charge.succeeded", "created": {"gte": since}})
    assert page.has_more
    everything = list(page.auto_paging_iter())
    assert len(everything) == 3
    assert {event.type for event in everything} == {"charge.succeeded"}
    assert [event.created for event in everything] == [since] * 3
    both = client.events.list({"types": ["charge.succeeded", "checkout.session.completed"], "limit": 100})
    assert {event.type for event in both.data} == {"charge.succeeded", "checkout.session.completed"}
    before = client.events.list({"ending_before": everything[-1].id, "limit": 1, "type": "charge.succeeded"})
    assert [event.id for event in before.data] == [everything[-2].id]
    clock.write_text("2026-12-04T12:00:00+00:00")
    assert client.events.list({"type": "charge.*"}).data == []


@pytest.mark.parametrize("key", ["sk_test_other", "sk_live_0000000000000000", "pk_test_1"])
def test_another_key_is_refused(sandbox, key):
    answer = loopback.get(f"{sandbox.url}/v1/balance", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_no_key_is_refused(sandbox):
    assert loopback.post(f"{sandbox.url}/v1/refunds").status_code == 401


def test_an_unknown_address_answers_in_the_same_shape(sandbox):
    answer = loopback.get(
        f"{sandbox.url}/v1/nowhere", headers={"Authorization": f"Bearer {sandbox.secret_key}"}
    )
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"a[=1", b"a=1&a[b]=2", b"mode[x]=1", b"line_items=5", b"%ff=%00", b"a[b][c][d][e][f][g]=1", b"&&=;"],
)
def test_a_malformed_body_is_refused_and_never_an_error_of_ours(sandbox, body):
    answer = loopback.post(
        f"{sandbox.url}/v1/checkout/sessions",
        content=body,
        headers={
            "Authorization": f"Bearer {sandbox.secret_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert answer.status_code == 400


def test_a_live_key_does_not_start_it(tmp_path, sandbox, monkeypatch):
    monkeypatch.setattr("tests.factories.sandbox.SECRET_KEY", "sk_live_0000")
    with pytest.raises(RuntimeError, match="sk_test_"):
        start_sandbox(tmp_path, "http://127.0.0.1:1")


def test_one_that_dies_at_its_start_says_why_and_others_run_on(tmp_path, sandbox):
    """Its database is a folder."""
    (tmp_path / "sandbox.db").mkdir()
    with pytest.raises(RuntimeError, match="unable to open database file"):
        start_sandbox(tmp_path, "http://127.0.0.1:1")
    assert sandbox.state()["refused_requests"] == []
