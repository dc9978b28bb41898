"""One signed event of the card processor, verified and read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from importlib.metadata import version
from time import time

import stripe

from bench.databases import Databases
from bench.frame import PRODUCT, Goal, Row, contest, repeated
from billing.adapters.stripe_gateway import StripeGateway
from billing.kernel.clock import system_clock

SECRET = "whsec_" + "b" * 48
PEER = "construct_event"


def rows(_databases: Databases) -> Iterator[Row]:
    payload, header = _signed_event()
    gateway = StripeGateway(secret_key="sk_test_" + "b" * 24, webhook_secret=SECRET)
    now = system_clock()
    assert gateway.read_event(payload, header, now).id == _by_the_sdk(payload, header).id
    sides = {
        PRODUCT: repeated(lambda: gateway.read_event(payload, header, now), 400),
        PEER: repeated(lambda: _by_the_sdk(payload, header), 40),
    }
    called = f"stripe {version('stripe')}, Webhook.construct_event"
    yield contest(sides, rounds=15).row("webhook: verify and parse", Goal(30), against=PEER, called=called)


def _by_the_sdk(payload: bytes, header: str) -> stripe.Event:
    return stripe.Webhook.construct_event(payload, header, SECRET)


def _signed_event() -> tuple[bytes, str]:
    """A checkout that was completed, with the members that the processor sends."""
    payload = json.dumps(_event(), indent=2).encode()
    stamp = int(time())
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return payload, f"t={stamp},v1={digest}"


def _event() -> dict[str, object]:
    return {
        "id": "evt_1Sample000000000000000000",
        "object": "event",
        "api_version": stripe.api_version,
        "created": 1_793_631_600,
        "data": {"object": _checkout()},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    }


def _checkout() -> dict[str, object]:
    nothing = (
        "after_expiration", "allow_promotion_codes", "cancel_url", "client_secret", "consent", "customer",
        "consent_collection", "currency_conversion", "customer_email", "invoice", "locale", "payment_link",
        "permissions", "recovered_from", "setup_intent", "shipping_address_collection", "subscription",
        "shipping_cost", "submit_type", "url",
    )  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        "id": "cs_test_a1Sample0000000000000000000000000000000000000000000000000000",
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": 36_125,
        "amount_total": 36_125,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_reference_id": "chk_0sgdk9sz3y1z4c46scypm23033",
        "created": 1_793_631_500,
        "currency": "usd",
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer_creation": "if_required",
        "customer_details": {
            "address": {"city": None, "country": "US", "line1": None, "postal_code": "78701", "state": None},
            "email": "sample@example.com",
            "name": "Sample Patient",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "expires_at": 1_793_635_100,
        "invoice_creation": {"enabled": False, "invoice_data": {"footer": None, "metadata": {}}},
        "livemode": False,
        "metadata": {"operation": "chk_0sgdk9sz3y1z4c46scypm23033"},
        "mode": "payment",
        "payment_intent": "pi_1Sample000000000000000000",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "complete",
        "success_url": "https://billing.example.com/pay/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
    }
