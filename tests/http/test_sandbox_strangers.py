"""What somebody who knows only the processor's own pages is told by the stand-in."""

import pytest
import stripe

from tests.factories import loopback
from tests.factories.sandbox import sdk_client, start_sandbox, submit_account

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text("2026-11-02T12:00:00+00:00")
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


def paid(client, cents=2000):
    return client.payment_intents.create(
        {
            "amount": cents,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )


def refused(call, *arguments):
    with pytest.raises(stripe.StripeError) as error:
        call(*arguments)
    return error.value


def test_what_a_parameter_names_in_vain_is_400_and_what_the_address_names_404(client):
    errors = [
        refused(client.refunds.create, {"charge": "ch_none"}),
        refused(client.refunds.create, {"payment_intent": "pi_none"}),
        refused(client.setup_intents.create, {"customer": "cus_none"}),
        refused(client.customers.list, {"starting_after": "cus_none"}),
        refused(client.payment_methods.attach, "pm_card_visa", {"customer": "cus_none"}),
    ]
    told = [(error.http_status, error.code, error.param) for error in errors]
    named = ["charge", "payment_intent", "customer", "starting_after", "customer"]
    assert told == [(400, "resource_missing", name) for name in named]
    absent = refused(client.payment_intents.retrieve, "pi_none")
    assert (absent.http_status, absent.param) == (404, "intent")
    assert absent.user_message == "No such payment_intent: 'pi_none'"


def test_the_same_status_is_replayed(client):
    options = {"idempotency_key": "missing-once"}
    again = [refused(client.refunds.create, {"charge": "ch_none"}, options).http_status for _ in range(2)]
    assert again == [400, 400]


def test_an_error_says_where_to_read_about_it(client):
    error = refused(client.payment_intents.create, {"currency": "usd"}).json_body["error"]
    assert error["doc_url"] == "https://docs.stripe.com/error-codes/parameter-missing"


def test_a_refund_beyond_what_is_left_is_told_in_dollars(client):
    payment = paid(client)
    client.refunds.create({"payment_intent": payment.id, "amount": 500})
    error = refused(client.refunds.create, {"payment_intent": payment.id, "amount": 1501})
    words = "Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)"
    assert (error.user_message, error.param) == (words, "amount")


def test_an_unpaid_payment_has_nothing_to_refund(client):
    unpaid = client.payment_intents.create({"amount": 500, "currency": "usd"})
    error = refused(client.refunds.create, {"payment_intent": unpaid.id})
    words = f"This PaymentIntent ({unpaid.id}) does not have a successful charge to refund."
    assert (error.http_status, error.user_message) == (400, words)


def test_a_charge_shows_its_own_refunds_when_asked_only(client):
    payment, other = paid(client), paid(client)
    made = client.refunds.create({"payment_intent": payment.id, "amount": 500})
    client.refunds.create({"payment_intent": other.id})
    charge = client.charges.retrieve(
        payment.latest_charge, {"expand": ["refunds", "refunds.data.balance_transaction"]}
    )
    assert [refund.id for refund in charge.refunds.data] == [made.id]
    assert charge.refunds.data[0].balance_transaction.amount == -500
    assert "refunds" not in client.charges.retrieve(payment.latest_charge)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_month": 10, "exp_year": 2026}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2025}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
    ],
)
def test_card_details_that_cannot_be_are_a_card_error(client, change, code, param):
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123", **change}
    error = refused(client.payment_methods.create, {"type": "card", "card": card})
    assert (type(error), error.http_status) == (stripe.CardError, 402)
    assert (error.code, error.param) == (code, param)


def test_a_card_is_good_until_its_last_month_ends(client):
    card = {"number": "4242424242424242", "exp_month": 11, "exp_year": 2026, "cvc": "123"}
    assert client.payment_methods.create({"type": "card", "card": card}).card.exp_month == 11


@pytest.mark.parametrize("cents", [0, -5])
def test_no_amount_below_a_cent_is_an_amount(client, cents):
    error = refused(client.payment_intents.create, {"amount": cents, "currency": "usd"})
    assert (error.code, error.param) == ("parameter_invalid_integer", "amount")
    assert error.user_message == "This value must be greater than or equal to 1."


def test_a_flag_is_true_or_false(client):
    error = refused(client.payment_intents.create, {"amount": 500, "currency": "usd", "confirm": "maybe"})
    assert (error.user_message, error.param) == ("Invalid boolean: maybe", "confirm")


def test_a_customer_without_a_mail_address_is_told_so(client):
    error = refused(client.customers.create, {"email": "nobody"})
    assert (error.http_status, error.code, error.param) == (400, "email_invalid", "email")
    customer = client.customers.create({"email": "a@example.test"})
    assert client.customers.update(customer.id, {"email": ""}).email is None


def test_a_secret_that_is_told_has_to_be_the_intents_own(client):
    for intents in (client.payment_intents, client.setup_intents):
        made = intents.create({"amount": 500, "currency": "usd"} if intents is client.payment_intents else {})
        assert intents.retrieve(made.id, {"client_secret": made.client_secret}).id == made.id
        error = refused(intents.retrieve, made.id, {"client_secret": f"{made.id}_secret_guessed"})
        assert (error.http_status, error.param) == (400, "client_secret")


def test_every_answer_says_which_version_it_is(sandbox):
    answer = loopback.get(f"{sandbox.url}/v1/customers")
    assert (answer.status_code, answer.headers["Stripe-Version"]) == (401, "2026-10-28.endive")


def test_what_the_processor_knows_and_the_stand_in_does_not_is_no_slip_of_the_pen(client):
    payment = {"amount": 500, "currency": "usd"}
    slip = refused(client.payment_intents.create, {**payment, "amuont": 5, "colour": "red"})
    assert slip.user_message == "Received unknown parameters: amuont, colour"
    assert (slip.code, slip.param) == ("parameter_unknown", "amuont")
    for name, value in (("receipt_email", "a@example.test"), ("transfer_data", {"destination": "acct_1"})):
        left_out = refused(client.payment_intents.create, {**payment, name: value})
        assert left_out.user_message == (
            f"Received unknown parameter: {name}. The processor takes it, the stand-in does not simulate it."
        )
        assert (left_out.code, left_out.param) == ("parameter_unknown", name)


def test_a_search_is_refused_as_such(client):
    for kind in ("payment_intents", "charges", "customers"):
        error = refused(getattr(client, kind).search, {"query": "created>0"})
        assert error.http_status == 404
        assert error.user_message.startswith(f"Unrecognized request URL (GET: /v1/{kind}/search)")
        assert "docs/stand-in.md" in error.user_message


def test_choices_are_told_as_a_sentence_tells_them(client):
    payment = {"amount": 500, "currency": "usd"}
    told = [
        refused(client.payment_intents.create, {**payment, "capture_method": "later"}).user_message,
        refused(client.payment_intents.create, {**payment, "setup_future_usage": "never"}).user_message,
        refused(client.payment_intents.create, {**payment, "currency": "eur"}).user_message,
    ]
    assert told == [
        "Invalid capture_method: must be one of automatic, automatic_async, or manual",
        "Invalid setup_future_usage: must be one of on_session or off_session",
        "Invalid currency: eur. The stand-in takes usd only.",
    ]


def test_an_object_never_holds_more_than_fifty_keys(client):
    fifty = {f"key_{number}": "x" for number in range(50)}
    customer = client.customers.create({"metadata": fifty})
    change = {"metadata": {"one_more": "x"}}
    error = refused(client.customers.update, customer.id, change)
    assert (error.http_status, error.param) == (400, "metadata")
    client.customers.update(customer.id, {"metadata": {"key_0": "", "one_more": "x"}})
    assert len(client.customers.retrieve(customer.id).metadata.to_dict()) == 50


def test_a_currency_is_taken_in_capitals_too(client):
    assert client.payment_intents.create({"amount": 500, "currency": "USD"}).currency == "usd"


def test_who_says_nothing_of_methods_takes_what_the_dashboard_enables(client):
    payment = {"amount": 500, "currency": "usd"}
    said_nothing = client.payment_intents.create(payment).automatic_payment_methods
    assert said_nothing.to_dict() == {"allow_redirects": "always", "enabled": True}
    chosen = client.payment_intents.create({**payment, "allowed_payment_method_types": ["card"]})
    assert chosen.automatic_payment_methods is None
    without = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    assert client.payment_intents.create({**payment, **without}).automatic_payment_methods.to_dict() == {
        "allow_redirects": "never", "enabled": True,
    }  # fmt: skip
    only_enabled = {"automatic_payment_methods": {"enabled": True}}
    setup = client.setup_intents.create(only_enabled)
    assert setup.automatic_payment_methods.allow_redirects == "always"


@pytest.mark.parametrize("name", ["pm_card_radarBlock", "pm_card_riskLevelHighest"])
def test_what_the_processor_blocks_never_reached_the_bank(client, name):
    payment = {"amount": 500, "currency": "usd", "payment_method": name, "confirm": True}
    error = refused(client.payment_intents.create, payment)
    assert (error.code, error.json_body["error"]["decline_code"]) == ("card_declined", "fraudulent")
    outcome = client.charges.retrieve(error.json_body["error"]["charge"]).outcome
    assert (outcome.type, outcome.network_status) == ("blocked", "not_sent_to_network")
    assert (outcome.risk_level, outcome.reason) == ("highest", "highest_risk_level")


@pytest.mark.parametrize(
    ("name", "risk", "cvc"),
    [
        ("pm_card_visa", "normal", "pass"),
        ("pm_card_riskLevelElevated", "elevated", "pass"),
        ("pm_card_cvcCheckFail", "normal", "fail"),
    ],
)
def test_what_no_rule_blocks_is_paid_and_says_what_was_doubtful(client, name, risk, cvc):
    payment = {"amount": 500, "currency": "usd", "payment_method": name, "confirm": True}
    charge = client.charges.retrieve(client.payment_intents.create(payment).latest_charge)
    assert (charge.status, charge.outcome.risk_level) == ("succeeded", risk)
    assert charge.payment_method_details.card.checks.cvc_check == cvc


def test_the_first_answer_to_a_key_names_its_own_request(client):
    options = {"idempotency_key": "told-once"}
    first, second = (client.customers.create({}, options).last_response for _ in range(2))
    assert first.headers["Original-Request"] == first.request_id
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Original-Request"] == first.request_id
    assert second.request_id != first.request_id


def test_who_brings_no_key_is_told_how_to(sandbox):
    answer = loopback.get(f"{sandbox.url}/v1/balance")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Stripe"')


def test_a_debit_is_named_whole_on_the_page_too_and_renamed_until_it_is_paid(client):
    named = {"payment_intent_data": {"statement_descriptor": "CLINIC B"}}
    error = refused(new_session, client, named)
    assert error.param == "payment_intent_data[statement_descriptor]"
    session = new_session(client, {**named, "allowed_payment_method_types": ["us_bank_account"]})
    submit_account(session.url)
    page = client.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert page.payment_intent.statement_descriptor == "CLINIC B"
    assert page.payment_intent.latest_charge.statement_descriptor == "CLINIC B"
    debit = {"amount": 500, "currency": "usd", "allowed_payment_method_types": ["us_bank_account"]}
    intent = client.payment_intents.create(debit)
    renamed = client.payment_intents.update(intent.id, {"statement_descriptor": "CLINIC C"})
    assert renamed.statement_descriptor == "CLINIC C"
    assert client.payment_intents.update(intent.id, {"statement_descriptor": ""}).statement_descriptor is None
    by_card = client.payment_intents.create({**debit, "allowed_payment_method_types": ["card"]})
    error = refused(client.payment_intents.update, by_card.id, {"statement_descriptor": "CLINIC C"})
    assert error.param == "statement_descriptor"


def new_session(client, more):
    price = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Clinic services"}}
    item = {"quantity": 1, "price_data": price}
    wanted = {"mode": "payment", "line_items": [item], "success_url": "http://127.0.0.1/paid", **more}
    return client.checkout.sessions.create(wanted)
