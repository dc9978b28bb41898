"""PaymentIntents at the stand-in, as the SDK sees them: confirmed, held, captured, declined, asked."""

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from tests.factories import loopback
from tests.factories.sandbox import pay_on_card_page, sdk_client, start_sandbox, submit_card

pytestmark = pytest.mark.processes

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


@pytest.fixture
def customer(client):
    return client.customers.create({}).id


def create(client, cents=10_000, options=None, **more):
    return client.payment_intents.create({"amount": cents, "currency": "usd", **more}, options or {})


def held(client, cents=10_000, **more):
    return create(client, cents, payment_method="pm_card_visa", confirm=True, capture_method="manual", **more)


def saved(client, customer, name="pm_card_visa"):
    return client.payment_methods.attach(name, {"customer": customer}).id


def off_session(client, customer, method):
    return create(client, customer=customer, payment_method=method, off_session=True, confirm=True)


def events_about(client, reference):
    """Their types, oldest first."""
    return [
        event.type
        for event in client.events.list({"limit": 100}).data[::-1]
        if reference in (event.data.object.id, event.data.object.to_dict().get("payment_intent"))
    ]


def test_a_saved_card_is_charged_off_session_again_and_again(client, customer):
    method = saved(client, customer)
    for _ in range(2):
        intent = off_session(client, customer, method)
        assert (intent.status, intent.customer, intent.payment_method) == ("succeeded", customer, method)
    charge = client.charges.retrieve(intent.latest_charge)
    assert (charge.customer, charge.payment_method) == (customer, method)
    assert events_about(client, intent.id) == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated",
    ]  # fmt: skip


def test_a_saved_card_is_charged_for_its_customer_only(client, customer):
    method = saved(client, customer)
    other = client.customers.create({}).id
    for more in ({"customer": other}, {}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            create(client, payment_method=method, confirm=True, **more)
        assert refused.value.param == "payment_method"


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
        ("pm_card_authenticationRequiredOnSetup", "authentication_required", "authentication_required"),
        (
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ],
)
def test_an_off_session_decline_is_a_402_that_tells_of_its_intent(client, customer, name, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        off_session(client, customer, name)
    error = declined.value.error
    assert (declined.value.http_status, error.code) == (402, code)
    assert error.to_dict().get("decline_code") == decline_code
    intent = client.payment_intents.retrieve(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.payment_method.id == error.payment_method.id
    assert client.charges.retrieve(error.charge).status == "failed"
    assert events_about(client, intent.id)[-2:] == ["charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(
    "name", ["pm_card_authenticationRequiredSetupForOffSession", "pm_card_authenticationRequiredOnSetup"]
)
def test_a_card_that_was_set_up_asks_nobody_off_session(client, sandbox, customer, name):
    setup = client.setup_intents.create({"customer": customer, "payment_method": name, "confirm": True})
    if setup.status == "requires_action":
        sandbox.control("authenticate", intent=setup.id, succeeds=True)
    assert off_session(client, customer, setup.payment_method).status == "succeeded"


def test_a_card_that_always_asks_is_refused_off_session_though_it_was_set_up(client, sandbox, customer):
    name = "pm_card_authenticationRequired"
    setup = client.setup_intents.create({"customer": customer, "payment_method": name, "confirm": True})
    assert setup.next_action.type == "use_stripe_sdk"
    sandbox.control("authenticate", intent=setup.id, succeeds=True)
    with pytest.raises(stripe.CardError) as declined:
        off_session(client, customer, setup.payment_method)
    again = client.payment_intents.confirm(
        declined.value.error.payment_intent.id,
        {"payment_method": setup.payment_method, "return_url": "http://127.0.0.1/back?a=1"},
    )
    assert again.status == "requires_action"
    back = loopback.post(again.next_action.redirect_to_url.url, data={"authentication": "complete"})
    told = parse_qs(urlsplit(back.headers["Location"]).query)
    assert (told["a"], told["payment_intent"], told["redirect_status"]) == (["1"], [again.id], ["succeeded"])
    assert client.payment_intents.retrieve(again.id).status == "succeeded"
    assert "payment_intent.requires_action" in events_about(client, again.id)


def test_who_fails_to_authenticate_is_not_charged(client, sandbox):
    intent = create(client, payment_method="pm_card_authenticationRequired", confirm=True)
    sandbox.control("authenticate", intent=intent.id, succeeds=False)
    failed = client.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert failed.latest_charge is None
    with pytest.raises(stripe.CardError) as refused:
        create(
            client,
            payment_method="pm_card_authenticationRequired",
            confirm=True,
            error_on_requires_action=True,
        )
    assert refused.value.code == "authentication_required"


def test_a_card_on_the_page_is_kept_for_later(client, customer):
    session = client.checkout.sessions.create({
        "mode": "payment", "customer": customer, "success_url": "http://127.0.0.1/paid",
        "line_items": [{"quantity": 1, "price_data": {
            "currency": "usd", "unit_amount": 9_000, "product_data": {"name": "Clinic services"}}}],
        "payment_intent_data": {"setup_future_usage": "off_session"},
    })  # fmt: skip
    assert "Is it you?" in submit_card(session.url, "4000002500003155").text
    assert loopback.post(session.url, data={"authentication": "complete"}).status_code == 303
    (method,) = client.payment_methods.list({"customer": customer}).data
    assert off_session(client, customer, method.id).status == "succeeded"


def test_a_page_can_make_the_customer(client):
    session = client.checkout.sessions.create({
        "mode": "payment", "customer_creation": "always", "success_url": "http://127.0.0.1/paid",
        "line_items": [{"quantity": 1, "price_data": {
            "currency": "usd", "unit_amount": 9_000, "product_data": {"name": "Clinic services"}}}],
    })  # fmt: skip
    pay_on_card_page(session.url)
    paid = client.checkout.sessions.retrieve(session.id, {"expand": ["customer", "payment_intent"]})
    assert paid.payment_intent.customer == paid.customer.id


def test_a_method_without_a_customer_is_used_once(client):
    first = create(client, payment_method="pm_card_visa", confirm=True)
    with pytest.raises(stripe.InvalidRequestError) as again:
        create(client, payment_method=first.payment_method, confirm=True)
    assert again.value.param == "payment_method"


@pytest.mark.parametrize(("part", "fee"), [(10_000, 320), (4_000, 146)])
def test_what_is_held_is_captured_whole_or_in_part(client, part, fee):
    intent = held(client)
    charge = client.charges.retrieve(intent.latest_charge)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        10_000,
        0,
    )
    assert (charge.captured, charge.paid, charge.balance_transaction) == (False, True, None)
    done = client.payment_intents.capture(
        intent.id, {"amount_to_capture": part, "expand": ["latest_charge.balance_transaction"]}
    )
    assert (done.status, done.amount_received, done.amount_capturable) == ("succeeded", part, 0)
    assert (done.latest_charge.amount, done.latest_charge.amount_captured) == (10_000, part)
    assert (done.latest_charge.balance_transaction.amount, done.latest_charge.balance_transaction.fee) == (
        part, fee,
    )  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.create({"charge": charge.id, "amount": part + 1})
    assert client.refunds.create({"charge": charge.id}).amount == part
    assert events_about(client, intent.id)[:5] == [
        "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
        "charge.captured", "payment_intent.succeeded",
    ]  # fmt: skip


def test_more_than_is_held_cannot_be_captured_nor_twice(client):
    intent = held(client)
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.payment_intents.capture(intent.id, {"amount_to_capture": 10_001})
    assert too_much.value.code == "amount_too_large"
    with pytest.raises(stripe.InvalidRequestError):
        client.refunds.create({"charge": intent.latest_charge})
    client.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.payment_intents.capture(intent.id)
    assert again.value.code == "payment_intent_unexpected_state"
    assert again.value.error.payment_intent.status == "succeeded"


def test_what_is_held_is_released_by_a_cancel_or_after_a_week(client, clock):
    canceled = client.payment_intents.cancel(
        held(client).id, {"cancellation_reason": "requested_by_customer"}
    )
    charge = client.charges.retrieve(canceled.latest_charge)
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
    assert (charge.refunded, charge.amount_refunded, charge.balance_transaction) == (True, 10_000, None)
    late = held(client)
    clock.write_text("2026-11-09T12:00:00+00:00")
    expired = client.payment_intents.retrieve(late.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "automatic")
    assert "charge.expired" in events_about(client, late.id)


def test_what_cannot_be_captured_later_is_not_offered(client):
    kinds = ["card", "us_bank_account"]
    assert held(client, allowed_payment_method_types=kinds).payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(client, capture_method="manual", allowed_payment_method_types=["us_bank_account"])
    assert refused.value.param == "allowed_payment_method_types"


def test_an_intent_is_changed_until_it_is_paid(client, customer):
    intent = create(client, metadata={"a": "1", "b": "2"})
    changed = client.payment_intents.update(
        intent.id, {"amount": 2_500, "metadata": {"a": ""}, "customer": customer, "description": "x"}
    )
    assert (changed.amount, changed.metadata.to_dict(), changed.customer) == (2_500, {"b": "2"}, customer)
    client.payment_intents.update(intent.id, {"payment_method": "pm_card_visa"})
    assert client.payment_intents.confirm(intent.id).amount_received == 2_500
    assert client.payment_intents.update(intent.id, {"metadata": {"c": "3"}}).metadata["c"] == "3"
    with pytest.raises(stripe.InvalidRequestError) as late:
        client.payment_intents.update(intent.id, {"amount": 100})
    assert late.value.code == "payment_intent_unexpected_state"
    assert [found.id for found in client.payment_intents.list({"customer": customer}).data] == [intent.id]


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({"off_session": True}, None, "off_session"),
        ({"receipt_email": "a@example.org"}, "parameter_unknown", "receipt_email"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"confirm": True}, "payment_intent_unexpected_state", "payment_method"),
        ({"confirm": True, "payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        (
            {
                "confirm": True, "payment_method": "pm_card_visa",
                "allowed_payment_method_types": ["us_bank_account"],
            },
            None,
            "payment_method",
        ),
    ],
)  # fmt: skip
def test_what_fits_no_intent_is_refused(client, more, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(client, **more)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_the_same_key_charges_once_and_a_decline_is_replayed(client, customer):
    method, key = saved(client, customer), {"idempotency_key": "plan_1"}
    asked = {"customer": customer, "payment_method": method, "off_session": True, "confirm": True}
    first, again = (create(client, 500, key, **asked) for _ in "ab")
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError) as mismatch:
        create(client, 501, key, **asked)
    assert mismatch.value.http_status == 400
    declined = []
    for _ in "ab":
        with pytest.raises(stripe.CardError) as refused:
            create(client, 500, {"idempotency_key": "plan_2"}, **{
                **asked, "payment_method": "pm_card_chargeDeclined"})  # fmt: skip
        declined.append(refused.value.error.payment_intent.id)
    assert declined[0] == declined[1]


def test_a_capture_under_way_keeps_its_key(client, sandbox):
    intent = held(client)
    path = f"/v1/payment_intents/{intent.id}/capture"
    sandbox.control("hold-request", path=path)
    key = {"idempotency_key": f"capture_{intent.id}"}
    first = threading.Thread(target=client.payment_intents.capture, args=(intent.id, {}, key))
    first.start()
    assert sandbox.control("await-held-request")["held"]
    with pytest.raises(stripe.StripeError) as under_way:
        client.payment_intents.capture(intent.id, {}, key)
    assert under_way.value.http_status == 409
    sandbox.control("release-request")
    first.join(20)
    assert client.payment_intents.capture(intent.id, {}, key).amount_received == 10_000


def test_a_saved_card_can_be_made_to_fail_from_now_on(client, sandbox, customer):
    method = saved(client, customer)
    sandbox.control("decline-method", payment_method=method, reason="expired_card")
    with pytest.raises(stripe.CardError) as declined:
        off_session(client, customer, method)
    assert declined.value.code == "expired_card"
    sandbox.control("decline-method", payment_method=method, reason="none")
    assert off_session(client, customer, method).status == "succeeded"


@pytest.mark.parametrize("words", ["A" * 23, "CLINIC*B", "CLINIC 'B'", "12345", "CL\u00cdNICA"])
def test_a_statement_that_no_bank_prints_is_refused(client, words):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.payment_intents.create(
            {"amount": 45_000, "currency": "usd", "statement_descriptor_suffix": words}
        )
    assert refused.value.param == "statement_descriptor_suffix"


def test_of_a_card_only_the_end_of_the_statement_is_said(client):
    asked = {"amount": 45_000, "currency": "usd", "allowed_payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.payment_intents.create({**asked, "statement_descriptor": "CLINIC B"})
    assert refused.value.param == "statement_descriptor"
    paid = client.payment_intents.create(
        {
            **asked,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "statement_descriptor_suffix": "CLINIC B",
        }
    )
    assert client.charges.retrieve(paid.latest_charge).statement_descriptor_suffix == "CLINIC B"
    debit = {**asked, "allowed_payment_method_types": ["us_bank_account"], "statement_descriptor": "CLINIC B"}
    assert client.payment_intents.create(debit).statement_descriptor == "CLINIC B"
