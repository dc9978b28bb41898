"""Customers, saved payment methods and SetupIntents at the stand-in, as the unchanged SDK sees them."""

import pytest
import stripe

from tests.factories import loopback
from tests.factories.sandbox import pay_on_card_page, sdk_client, start_sandbox, submit_account, submit_card

pytestmark = pytest.mark.processes

ACCEPTED = {"customer_acceptance": {"type": "offline", "offline": {}}}
ACCOUNT = {
    "type": "us_bank_account",
    "billing_details": {"name": "A. Payer"},
    "us_bank_account": {
        "account_number": "000123456789", "routing_number": "110000000", "account_holder_type": "individual",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1")
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


@pytest.fixture
def customer(client):
    return client.customers.create({"metadata": {"patient": "pat_1"}}).id


def event_types(client, since):
    """What happened after an event, oldest first."""
    return [event.type for event in client.events.list({"ending_before": since, "limit": 100}).data][::-1]


def latest_event(client):
    return client.events.list({"limit": 1}).data[0].id


def setup_session(client, customer, kinds=("card",), **more):
    return client.checkout.sessions.create({
        "mode": "setup",
        "customer": customer,
        "success_url": "http://127.0.0.1/saved?id={CHECKOUT_SESSION_ID}",
        "allowed_payment_method_types": list(kinds),
        **more,
    })  # fmt: skip


def test_a_customer_is_made_changed_listed_and_deleted(client):
    customer = client.customers.create({"metadata": {"a": "1", "b": "2"}, "description": "first"})
    changed = client.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}, "description": ""})
    assert (changed.metadata.to_dict(), changed.description) == ({"b": "2", "c": "3"}, None)
    event = client.events.list({"type": "customer.updated", "limit": 1}).data[0]
    assert event.data.previous_attributes["description"] == "first"
    assert client.customers.list({"limit": 1}).data[0].id == customer.id
    assert client.customers.delete(customer.id).deleted
    assert client.customers.retrieve(customer.id).deleted
    assert customer.id not in [found.id for found in client.customers.list({"limit": 100}).data]
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.setup_intents.create({"customer": customer.id})
    assert (gone.value.http_status, gone.value.code) == (400, "resource_missing")


def test_an_empty_string_removes_all_metadata(client, customer):
    assert client.customers.update(customer, {"metadata": ""}).metadata.to_dict() == {}


def test_a_deleted_customer_keeps_no_method(client, customer):
    method = client.payment_methods.attach("pm_card_visa", {"customer": customer})
    client.customers.delete(customer)
    assert client.payment_methods.retrieve(method.id).customer is None


def test_a_method_is_attached_listed_and_detached_for_good(client, customer):
    since = latest_event(client)
    method = client.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    client.payment_methods.attach(method.id, {"customer": customer})
    assert [found.id for found in client.payment_methods.list({"customer": customer}).data] == [method.id]
    listed = client.customers.payment_methods.list(customer, {"type": "us_bank_account"})
    assert listed.data == []
    other = client.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError):
        client.payment_methods.attach(method.id, {"customer": other})
    assert client.payment_methods.detach(method.id).customer is None
    for again in (
        lambda: client.payment_methods.attach(method.id, {"customer": customer}),
        lambda: client.payment_methods.detach(method.id),
        lambda: client.payment_intents.create(
            {"amount": 500, "currency": "usd", "payment_method": method.id, "confirm": True}
        ),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            again()
    assert event_types(client, since) == [
        "payment_method.attached", "customer.created", "payment_method.detached",
    ]  # fmt: skip


def test_a_card_has_one_fingerprint_and_another_card_another(client):
    card = {"exp_month": 12, "exp_year": 2040, "cvc": "123"}
    numbers = ["4242424242424242", "4242424242424242", "5555555555554444"]
    one, same, other = (
        client.payment_methods.create({"type": "card", "card": {"number": number, **card}}).card
        for number in numbers
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert (one.last4, one.brand, one.exp_year, one.funding) == ("4242", "visa", 2040, "credit")
    assert client.payment_methods.create({"type": "card", "card": {"token": "tok_amex"}}).card.brand == "amex"


@pytest.mark.parametrize(
    ("number", "code"), [("4242424242424241", "incorrect_number"), ("4111111111111111", "card_declined")]
)
def test_only_published_test_cards_are_taken(client, number, code):
    with pytest.raises(stripe.CardError) as refused:
        client.payment_methods.create(
            {"type": "card", "card": {"number": number, "exp_month": 1, "exp_year": 2040}}
        )
    assert (refused.value.http_status, refused.value.code) == (402, code)


def test_no_whole_number_is_remembered(client, sandbox, tmp_path):
    client.payment_methods.create(
        {"type": "card", "card": {"number": "4000056655665556", "exp_month": 1, "exp_year": 2040}}
    )
    client.payment_methods.create(ACCOUNT)
    kept = str(sandbox.requests("/v1/payment_methods"))
    assert "4000056655665556" not in kept
    assert "000123456789" not in kept


def test_a_declined_card_cannot_be_attached_but_one_that_fails_later_can(client, customer):
    with pytest.raises(stripe.CardError) as declined:
        client.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})
    assert (declined.value.code, declined.value.error.decline_code) == ("card_declined", "generic_decline")
    method = client.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    with pytest.raises(stripe.CardError):
        client.payment_intents.create({
            "amount": 500, "currency": "usd", "customer": customer, "payment_method": method.id,
            "off_session": True, "confirm": True,
        })  # fmt: skip


def test_a_method_s_expiry_can_be_corrected_once_it_is_saved(client, customer):
    method = client.payment_methods.attach("pm_card_visa", {"customer": customer})
    changed = client.payment_methods.update(method.id, {"card": {"exp_month": 3, "exp_year": 2041}})
    assert (changed.card.exp_month, changed.card.exp_year, changed.card.last4) == (3, 2041, "4242")


def test_a_setup_saves_a_card_for_its_customer(client, customer):
    since = latest_event(client)
    setup = client.setup_intents.create({"customer": customer, "usage": "off_session"})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    done = client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert (done.status, done.last_setup_error) == ("succeeded", None)
    saved = client.setup_intents.retrieve(setup.id, {"expand": ["payment_method.customer"]}).payment_method
    assert saved.customer.id == customer
    assert event_types(client, since) == [
        "setup_intent.created", "payment_method.attached", "setup_intent.succeeded",
    ]  # fmt: skip
    for forbidden in (client.setup_intents.confirm, client.setup_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            forbidden(setup.id)
        assert refused.value.code == "setup_intent_unexpected_state"


def test_a_declined_setup_says_why_and_can_be_tried_again(client, customer):
    setup = client.setup_intents.create({"customer": customer})
    with pytest.raises(stripe.CardError) as declined:
        client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclinedExpiredCard"})
    told = declined.value.error
    assert (declined.value.http_status, told.code, told.setup_intent.id) == (402, "expired_card", setup.id)
    tried = client.setup_intents.retrieve(setup.id)
    assert (tried.status, tried.last_setup_error.code) == ("requires_payment_method", "expired_card")
    assert client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_each_try_to_set_up_is_on_record(client, sandbox, customer):
    setup = client.setup_intents.create({"customer": customer})
    with pytest.raises(stripe.CardError):
        client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_authenticationRequired"})
    asked = client.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]}).latest_attempt
    assert asked.status == "requires_action"
    sandbox.control("authenticate", intent=setup.id, succeeds=True)
    tries = client.setup_attempts.list({"setup_intent": setup.id}).data
    assert [(one.status, one.customer) for one in tries] == [("succeeded", customer), ("failed", customer)]
    assert tries[1].setup_error.code == "card_declined"


def test_a_test_name_is_a_method_wherever_one_is_named(client):
    assert client.payment_methods.retrieve("pm_card_amex").card.brand == "amex"


def test_a_setup_is_canceled(client, customer):
    setup = client.setup_intents.create({"customer": customer, "payment_method": "pm_card_visa"})
    assert setup.status == "requires_confirmation"
    canceled = client.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert client.setup_intents.list({"customer": customer}).data[0].status == "canceled"


@pytest.mark.parametrize(
    ("answer", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_bank_that_asks_is_answered_on_its_page(client, customer, answer, status):
    setup = client.setup_intents.create({
        "customer": customer, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True,
        "return_url": "http://127.0.0.1/back",
    })  # fmt: skip
    assert (setup.status, setup.next_action.type) == ("requires_action", "redirect_to_url")
    page = setup.next_action.redirect_to_url.url
    assert loopback.get(page).status_code == 200
    back = loopback.post(page, data={"authentication": answer})
    assert back.headers["Location"].startswith(f"http://127.0.0.1/back?setup_intent={setup.id}")
    assert client.setup_intents.retrieve(setup.id).status == status
    assert loopback.post(page, data={"authentication": answer}).status_code == 404


def test_an_account_is_saved_with_a_mandate(client, customer):
    setup = client.setup_intents.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.setup_intents.confirm(setup.id, {"payment_method": "pm_usBankAccount_success"})
    assert refused.value.param == "mandate_data"
    saved = client.setup_intents.confirm(
        setup.id,
        {"payment_method": "pm_usBankAccount_success", "mandate_data": ACCEPTED, "expand": ["mandate"]},
    )
    assert (saved.status, saved.mandate.status) == ("succeeded", "active")
    assert client.mandates.retrieve(saved.mandate.id).payment_method == saved.payment_method


@pytest.mark.parametrize("proof", [{"amounts": [32, 45]}, {"descriptor_code": "SM11AA"}])
def test_an_account_by_number_is_verified_by_deposits(client, customer, proof):
    setup = client.setup_intents.create(
        {"customer": customer, "payment_method_data": ACCOUNT, "confirm": True, "mandate_data": ACCEPTED}
    )
    assert (setup.status, setup.next_action.type) == ("requires_action", "verify_with_microdeposits")
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        client.setup_intents.verify_microdeposits(setup.id, {"amounts": [10, 11]})
    assert wrong.value.code == "payment_method_microdeposit_verification_amounts_mismatch"
    assert client.setup_intents.verify_microdeposits(setup.id, proof).status == "succeeded"
    assert client.payment_methods.list({"customer": customer}).data[0].us_bank_account.last4 == "6789"


def test_the_type_is_chosen_by_the_parameter_of_this_release(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.setup_intents.create({"payment_method_types": ["card"]})
    assert refused.value.code == "payment_method_types_no_longer_supported"
    setup = client.setup_intents.create({"allowed_payment_method_types": ["us_bank_account"]})
    assert setup.payment_method_types == ["us_bank_account"]
    with pytest.raises(stripe.InvalidRequestError):
        client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})


def test_a_card_is_saved_on_the_page(client, customer):
    session = setup_session(client, customer, setup_intent_data={"metadata": {"consent": "con_1"}})
    assert (session.payment_status, session.amount_total) == ("no_payment_required", None)
    assert pay_on_card_page(session.url) == f"http://127.0.0.1/saved?id={session.id}"
    done = client.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.status, done.customer, done.setup_intent.status) == ("complete", customer, "succeeded")
    assert done.setup_intent.metadata["consent"] == "con_1"
    assert done.setup_intent.payment_method.customer == customer
    assert client.payment_intents.list({"customer": customer}).data == []


def test_the_page_says_why_a_card_is_not_saved(client, customer):
    session = setup_session(client, customer)
    answer = submit_card(session.url, "4000000000009995")
    assert (answer.status_code, "insufficient funds" in answer.text) == (402, True)
    assert client.payment_methods.list({"customer": customer}).data == []


def test_the_page_asks_for_whom_the_bank_wants_to_see(client, customer):
    session = setup_session(client, customer)
    assert "Is it you?" in submit_card(session.url, "4000002500003155").text
    assert "Is it you?" in loopback.get(session.url).text
    assert loopback.post(session.url, data={"authentication": "fail"}).status_code == 402
    submit_card(session.url, "4000002500003155")
    assert loopback.post(session.url, data={"authentication": "complete"}).status_code == 303
    assert len(client.payment_methods.list({"customer": customer}).data) == 1


def test_an_account_is_saved_on_the_page(client, customer):
    session = setup_session(client, customer, ["card", "us_bank_account"])
    assert submit_account(session.url).status_code == 303
    done = client.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.mandate"]})
    assert done.setup_intent.mandate.customer_acceptance.type == "online"


def test_an_expired_page_cancels_its_setup(client, customer):
    session = setup_session(client, customer)
    client.checkout.sessions.expire(session.id)
    assert client.setup_intents.retrieve(session.setup_intent).status == "canceled"


@pytest.mark.parametrize(
    "more",
    [{"payment_intent_data": {"description": "x"}}, {"customer_creation": "always"}],
)
def test_what_fits_no_setup_is_refused(client, customer, more):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        setup_session(client, customer, **more)
    assert refused.value.param == next(iter(more))


def test_saved_things_survive_a_restart(client, sandbox, customer):
    method = client.payment_methods.attach("pm_card_visa", {"customer": customer}, {"idempotency_key": "att"})
    sandbox.restart()
    assert client.customers.retrieve(customer).metadata["patient"] == "pat_1"
    again = client.payment_methods.attach("pm_card_visa", {"customer": customer}, {"idempotency_key": "att"})
    assert again.id == method.id
    with pytest.raises(stripe.IdempotencyError):
        client.customers.create({}, {"idempotency_key": "att"})
