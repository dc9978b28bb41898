"""The gateway of the product against the stand-in: the unchanged SDK, over real HTTP."""

import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from billing.adapters.stripe_gateway import StripeGateway
from billing.kernel.money import Money
from billing.payments.ports import (
    BadSignature,
    CheckoutStatus,
    GatewayRefused,
    GatewayTimeout,
    RefundStatus,
)
from tests.factories.sandbox import SECRET_KEY, WEBHOOK_SECRET, pay_on_card_page, start_sandbox
from tests.factories.webhooks import Listener

pytestmark = pytest.mark.processes

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def listener():
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, listener):
    place = tmp_path_factory.mktemp("stand-in")
    (place / "clock").write_text(NOON.isoformat())
    running = start_sandbox(place, listener.url, place / "clock")
    yield running
    running.stop()


@pytest.fixture
def gateway(sandbox):
    return gateway_at(sandbox.url)


def gateway_at(url):
    return StripeGateway(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=url)


def open_checkout(gateway, key, cents=45_000):
    return gateway.open_checkout(
        key=key,
        amount=Money(cents),
        expires_at=NOON + timedelta(hours=1),
        success_url="http://127.0.0.1:9/paid?id={CHECKOUT_SESSION_ID}",
        cancel_url="http://127.0.0.1:9/back",
        descriptor="CLINIC B AUSTIN",
    )


def paid_checkout(gateway, key, cents=45_000):
    page = open_checkout(gateway, key, cents)
    pay_on_card_page(page.url)
    return gateway.read_checkout(page.reference)


def test_a_checkout_is_opened_paid_and_read_with_its_fee(gateway):
    page = open_checkout(gateway, "chk_paid")
    before = gateway.read_checkout(page.reference)
    assert (before.status, before.paid, before.charge) == (CheckoutStatus.OPEN, None, None)
    assert pay_on_card_page(page.url) == f"http://127.0.0.1:9/paid?id={page.reference}"
    after = gateway.read_checkout(page.reference)
    assert (after.status, after.operation, after.paid) == (CheckoutStatus.COMPLETE, "chk_paid", Money(45_000))
    charge = after.charge
    assert (charge.amount, charge.fee, charge.net) == (Money(45_000), Money(1_335), Money(43_665))
    assert (charge.charged_at, charge.reporting_category) == (NOON, "charge")
    assert charge.reference.startswith("ch_")
    assert charge.payment_intent.startswith("pi_")


def test_the_processor_learns_an_amount_an_opaque_id_and_constant_texts(gateway, sandbox):
    open_checkout(gateway, "chk_said")
    said = sandbox.requests("/v1/checkout/sessions")[-1]
    assert said["idempotency_key"] == "chk_said"
    assert leaves(said["parameters"]) == {
        "payment", "card", "us_bank_account", "chk_said", "Clinic services", "1", "usd", "45000",
        "CLINIC B AUSTIN",
        str(int(NOON.timestamp()) + 3600),
        "http://127.0.0.1:9/paid?id={CHECKOUT_SESSION_ID}", "http://127.0.0.1:9/back",
    }  # fmt: skip


def leaves(tree):
    if isinstance(tree, str):
        return {tree}
    return {leaf for part in tree.values() for leaf in leaves(part)}


def test_the_same_key_opens_one_checkout(gateway):
    assert open_checkout(gateway, "chk_same") == open_checkout(gateway, "chk_same")


def test_another_amount_under_the_same_key_says_nothing_of_the_first(gateway):
    open_checkout(gateway, "chk_mixed")
    with pytest.raises(GatewayTimeout):
        open_checkout(gateway, "chk_mixed", cents=1_000)


def test_an_open_checkout_is_expired_and_a_paid_one_is_not(gateway):
    page = open_checkout(gateway, "chk_expired")
    gateway.expire_checkout(page.reference)
    assert gateway.read_checkout(page.reference).status == CheckoutStatus.EXPIRED
    with pytest.raises(GatewayRefused):
        gateway.expire_checkout(paid_checkout(gateway, "chk_not_expired").reference)


def test_a_lost_answer_is_a_timeout_and_the_checkout_is_found_by_its_key(gateway, sandbox):
    sandbox.control("lose-response", path="/v1/checkout/sessions")
    with pytest.raises(GatewayTimeout):
        open_checkout(gateway, "chk_lost")
    found = gateway.find_checkout("chk_lost", opened_after=NOON)
    assert found.operation == "chk_lost"
    assert open_checkout(gateway, "chk_lost").reference == found.reference
    assert gateway.find_checkout("chk_never", opened_after=NOON) is None
    assert gateway.find_checkout("chk_lost", opened_after=NOON + timedelta(hours=2)) is None


def test_a_refund_is_partial_counted_and_never_more_than_the_charge(gateway):
    charge = paid_checkout(gateway, "chk_refunded").charge
    refund = gateway.refund(key="ref_part", charge_reference=charge.reference, amount=Money(20_000))
    assert (refund.status, refund.amount, refund.fee) == (RefundStatus.SUCCEEDED, Money(20_000), Money(0))
    assert (refund.operation, refund.charge_reference) == ("ref_part", charge.reference)
    assert refund.balance_transaction.startswith("txn_")
    with pytest.raises(GatewayRefused):
        gateway.refund(key="ref_more", charge_reference=charge.reference, amount=Money(25_001))
    assert gateway.read_refund(refund.reference) == refund


def test_a_lost_refund_is_found_and_done_once(gateway, sandbox):
    charge = paid_checkout(gateway, "chk_lost_refund").charge.reference
    sandbox.control("lose-response", path="/v1/refunds")
    with pytest.raises(GatewayTimeout):
        gateway.refund(key="ref_lost", charge_reference=charge, amount=Money(30_000))
    found = gateway.find_refund("ref_lost", charge_reference=charge)
    assert gateway.refund(key="ref_lost", charge_reference=charge, amount=Money(30_000)) == found
    assert gateway.find_refund("ref_never", charge_reference=charge) is None


def test_a_refund_that_failed_later_says_so(gateway, sandbox):
    charge = paid_checkout(gateway, "chk_failed_refund").charge.reference
    refund = gateway.refund(key="ref_failed", charge_reference=charge, amount=Money(100))
    sandbox.control("fail-refund", refund=refund.reference)
    failed = gateway.read_refund(refund.reference)
    assert failed.status == RefundStatus.FAILED
    assert failed.failure_balance_transaction.startswith("txn_")


def test_what_is_not_there_is_refused_with_the_processors_reason(gateway):
    with pytest.raises(GatewayRefused) as refused:
        gateway.read_checkout("cs_test_nothing")
    assert (refused.value.reason, refused.value.more) == ("resource_missing", {"reason": "resource_missing"})


def test_a_wrong_key_and_a_dead_processor_are_no_definite_answers(sandbox):
    wrong = StripeGateway(secret_key="sk_test_wrong", webhook_secret="whsec_x", api_base=sandbox.url)
    with pytest.raises(GatewayTimeout):
        wrong.read_checkout("cs_test_1")
    with pytest.raises(GatewayTimeout):
        gateway_at("http://127.0.0.1:1").read_checkout("cs_test_1")


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1", "sk_org_1", ""])
def test_a_key_that_may_be_live_goes_to_the_processor_alone(key):
    with pytest.raises(ValueError, match="test key"):
        StripeGateway(secret_key=key, webhook_secret="whsec_x", api_base="http://127.0.0.1:1")


def test_a_live_key_goes_to_the_processor_itself():
    StripeGateway(secret_key="sk_live_1", webhook_secret="whsec_x", api_base="https://api.stripe.com")
    StripeGateway(secret_key="sk_live_1", webhook_secret="whsec_x")


@pytest.fixture(scope="module")
def webhook(sandbox, listener):
    """A real one, of a paid checkout."""
    paid_checkout(gateway_at(sandbox.url), "chk_webhook")
    while (webhook := listener.next()).event["type"] != "checkout.session.completed":
        pass
    return webhook


def test_a_webhook_is_read(gateway, webhook):
    event = gateway.read_event(webhook.body, webhook.signature, NOON)
    assert (event.kind, event.object_kind) == ("checkout.session.completed", "checkout.session")
    assert event.object_id.startswith("cs_test_")
    assert event.id.startswith("evt_")
    assert (event.livemode, event.created_at) == (False, NOON)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_webhook_out_of_time_is_refused_as_skewed(gateway, webhook, seconds):
    with pytest.raises(BadSignature) as refused:
        gateway.read_event(webhook.body, webhook.signature, NOON + timedelta(seconds=seconds))
    assert refused.value.skewed


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_forgiven(gateway, webhook, seconds):
    assert gateway.read_event(webhook.body, webhook.signature, NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "signature",
    [
        "", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=١,v1=00", "t=-1,v1=00", "t=1_0,v1=00",
        f"t={'9' * 400},v1=00", "t=1,v1=é", "t=1793620800,v1=" + "0" * 64, "=,=,=", ",",
    ],
)  # fmt: skip
def test_a_signature_that_is_none_is_refused(gateway, webhook, signature):
    with pytest.raises(BadSignature) as refused:
        gateway.read_event(webhook.body, signature, NOON)
    assert not refused.value.skewed


def test_a_changed_body_is_refused(gateway, webhook):
    with pytest.raises(BadSignature):
        gateway.read_event(webhook.body.replace(b"45000", b"45001"), webhook.signature, NOON)


def test_any_of_several_signatures_is_enough_while_a_secret_is_rolled(gateway, webhook):
    stamp, _, signature = webhook.signature.partition(",")
    rolled = f"{stamp},v1={'0' * 64},{signature},v0={'1' * 64}"
    assert gateway.read_event(webhook.body, rolled, NOON)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{}", b"\xff", b'{"object":"event"}',
        b'{"object":"v2.core.event","id":"evt_1"}',
        b'{"object":"event","id":"e","type":"t","livemode":false,"created":1e99,"data":{"object":{"object":""}}}',
        b'{"object":"event","id":"e","type":"t","livemode":false,"created":1,"data":{"object":[]}}',
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(gateway, body):
    with pytest.raises(BadSignature):
        gateway.read_event(body, signed(body), NOON)


def test_an_event_of_the_other_mode_is_refused(gateway, webhook):
    body = json.dumps({**webhook.event, "livemode": True}).encode()
    with pytest.raises(BadSignature, match="other mode"):
        gateway.read_event(body, signed(body), NOON)


def signed(body):
    stamp = int(NOON.timestamp())
    return f"t={stamp},v1=" + hmac_hex(b"%d." % stamp + body)


def hmac_hex(payload):
    return hmac.digest(WEBHOOK_SECRET.encode(), payload, "sha256").hex()
