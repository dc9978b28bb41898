"""Card readers at the stand-in, driven by the unchanged SDK."""

import pytest
import stripe

from billing.platform.sample_reader import offer_reader
from tests.factories.sandbox import sdk_client, start_sandbox

pytestmark = pytest.mark.processes

PLACE = {"line1": "1 Main St", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1")
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(sandbox):
    return sdk_client(sandbox)


@pytest.fixture
def readers(client):
    return client.terminal.readers


@pytest.fixture
def present(client):
    return client.test_helpers.terminal.readers.present_payment_method


@pytest.fixture
def reader(client, readers):
    location = client.terminal.locations.create({"display_name": "Desk", "address": PLACE})
    return readers.create(
        {"registration_code": "simulated-wpe", "label": "Front desk", "location": location.id}
    ).id


def intent_of(client, **more):
    wanted = {"amount": 10_000, "currency": "usd", "allowed_payment_method_types": ["card_present"]}
    return client.payment_intents.create({**wanted, **more}).id


def test_a_fresh_office_has_one_reader_however_often_it_starts(tmp_path):
    running = start_sandbox(tmp_path, "http://127.0.0.1:1")
    try:
        for _ in range(2):
            offer_reader(running.url, running.secret_key)
        (only,) = sdk_client(running).terminal.readers.list().data
        assert (only.label, only.status) == ("Front desk (simulated)", "online")
    finally:
        assert running.stop() == 0


def test_a_card_at_the_reader_pays(client, readers, present, reader):
    intent = intent_of(client)
    busy = readers.process_payment_intent(reader, {"payment_intent": intent})
    assert (busy.action.status, busy.action.process_payment_intent.payment_intent) == ("in_progress", intent)
    assert client.payment_intents.retrieve(intent).status == "requires_payment_method"
    assert present(reader).action.status == "succeeded"
    paid = client.payment_intents.retrieve(intent, {"expand": ["latest_charge.balance_transaction"]})
    details = paid.latest_charge.payment_method_details
    assert (paid.status, details.type, details.card_present.reader) == ("succeeded", "card_present", reader)
    assert (details.card_present.last4, details.card_present.read_method) == ("4242", "contactless_emv")
    assert paid.latest_charge.balance_transaction.fee == 275
    event = client.events.list({"type": "terminal.reader.*"}).data[0]
    assert (event.type, event.data.object.id) == ("terminal.reader.action_succeeded", reader)
    assert client.refunds.create({"payment_intent": intent}).amount == 10_000


def test_a_declined_card_fails_the_action_and_the_intent_can_go_on(client, readers, present, reader):
    intent = intent_of(client)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    declined = present(reader, {"type": "card_present", "card_present": {"number": "4000000000000002"}})
    assert (declined.action.status, declined.action.failure_code) == ("failed", "card_declined")
    tried = client.payment_intents.retrieve(intent)
    assert (tried.status, tried.last_payment_error.code) == ("requires_payment_method", "card_declined")
    told = declined.action.api_error
    assert (told.type, told.code, told.decline_code) == ("card_error", "card_declined", "generic_decline")
    events = [each.type for each in client.events.list({"limit": 3}).data]
    assert events == ["terminal.reader.action_failed", "payment_intent.payment_failed", "charge.failed"]
    readers.process_payment_intent(reader, {"payment_intent": intent})
    assert present(reader).action.status == "succeeded"


def test_what_a_reader_held_is_captured(client, readers, present, reader):
    intent = intent_of(client, capture_method="manual")
    readers.process_payment_intent(
        reader, {"payment_intent": intent, "process_config": {"skip_tipping": True}}
    )
    present(reader)
    assert client.payment_intents.retrieve(intent).status == "requires_capture"
    assert client.payment_intents.capture(intent, {"amount_to_capture": 9_000}).amount_received == 9_000


def test_a_busy_reader_takes_nothing_else_until_it_is_told_to_stop(client, readers, present, reader):
    intent, other = intent_of(client), intent_of(client)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as busy:
        readers.process_payment_intent(reader, {"payment_intent": other})
    assert busy.value.code == "terminal_reader_busy"
    assert readers.cancel_action(reader).action is None
    with pytest.raises(stripe.InvalidRequestError):
        present(reader)
    readers.process_payment_intent(reader, {"payment_intent": other})
    assert present(reader).action.status == "succeeded"
    assert client.payment_intents.retrieve(intent).status == "requires_payment_method"


def test_a_reader_that_is_away_or_gives_up(client, sandbox, readers, present, reader):
    intent = intent_of(client)
    sandbox.control("switch-reader", reader=reader, on=False)
    assert readers.retrieve(reader).status == "offline"
    with pytest.raises(stripe.InvalidRequestError) as away:
        readers.process_payment_intent(reader, {"payment_intent": intent})
    assert away.value.code == "terminal_reader_offline"
    sandbox.control("switch-reader", reader=reader, on=True)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    sandbox.control("fail-reader-action", reader=reader, reason="customer_canceled")
    action = readers.retrieve(reader).action
    assert (action.failure_code, action.api_error) == ("customer_canceled", None)
    assert client.events.list({"type": "terminal.reader.action_failed"}).data[0].data.object.id == reader


def test_a_reader_takes_only_what_is_meant_for_it(client, readers, reader):
    elsewhere = client.payment_intents.create({"amount": 500, "currency": "usd"}).id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        readers.process_payment_intent(reader, {"payment_intent": elsewhere})
    assert refused.value.param == "payment_intent"
    canceled = client.payment_intents.cancel(intent_of(client)).id
    with pytest.raises(stripe.InvalidRequestError) as over:
        readers.process_payment_intent(reader, {"payment_intent": canceled})
    assert over.value.code == "intent_invalid_state"


def test_a_card_at_the_reader_can_be_kept_for_later(client, readers, present, reader):
    customer = client.customers.create({}).id
    intent = intent_of(client, customer=customer, setup_future_usage="off_session")
    readers.process_payment_intent(reader, {"payment_intent": intent})
    present(reader)
    charge = client.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}).latest_charge
    kept = charge.payment_method_details.card_present.generated_card
    again = client.payment_intents.create({
        "amount": 500, "currency": "usd", "customer": customer, "payment_method": kept,
        "off_session": True, "confirm": True,
    })  # fmt: skip
    assert again.status == "succeeded"


def test_readers_and_locations_are_kept_changed_and_given_up(client, readers, reader):
    found = readers.retrieve(reader, {"expand": ["location"]})
    assert (found.device_type, found.location.display_name) == ("simulated_wisepos_e", "Desk")
    assert [one.id for one in readers.list({"location": found.location.id}).data] == [reader]
    assert readers.update(reader, {"label": "Back office"}).label == "Back office"
    with pytest.raises(stripe.InvalidRequestError):
        client.terminal.locations.delete(found.location.id)
    assert readers.delete(reader).deleted
    assert readers.list({"location": found.location.id}).data == []
    assert client.terminal.locations.delete(found.location.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        readers.create({"registration_code": "puppies-plug-could"})
    assert unknown.value.param == "registration_code"


def test_an_intent_that_was_declined_and_canceled_says_why_and_can_be_processed_no_more(
    client, readers, present, reader
):
    intent = intent_of(client)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    present(reader, {"type": "card_present", "card_present": {"number": "4000000000009995"}})
    canceled = client.payment_intents.cancel(intent)
    assert canceled.last_payment_error.decline_code == "insufficient_funds"
    with pytest.raises(stripe.InvalidRequestError) as over:
        readers.process_payment_intent(reader, {"payment_intent": intent})
    assert over.value.code == "intent_invalid_state"


def test_a_reader_that_loses_its_connection_as_it_pays_fails_though_the_money_is_taken(
    client, sandbox, readers, present, reader
):
    intent = intent_of(client)
    readers.process_payment_intent(reader, {"payment_intent": intent})
    sandbox.control("lose-reader", reader=reader)
    assert present(reader).action.failure_code == "connection_error"
    assert client.payment_intents.retrieve(intent).status == "succeeded"
    again = intent_of(client)
    readers.process_payment_intent(reader, {"payment_intent": again})
    assert present(reader).action.status == "succeeded"


def test_a_card_is_shown_by_the_control_page_too(client, sandbox, readers, reader):
    readers.process_payment_intent(reader, {"payment_intent": intent_of(client)})
    shown = sandbox.control("show-card", reader=reader, number="4000 0000 0000 9995")
    assert shown["action"]["failure_code"] == "card_declined"
