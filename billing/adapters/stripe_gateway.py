"""The card processor, Stripe, behind the port of the payments room."""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import datetime

import stripe
from stripe import BalanceTransaction, Refund, RequestsClient, StripeClient
from stripe.params import PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from billing.adapters.stripe_calls import DESCRIPTION, answers, made_since, operation
from billing.adapters.stripe_charges import EXPANDED, checkout_state
from billing.adapters.stripe_disputes import dispute_facts, upload_evidence
from billing.adapters.stripe_lists import StripeLists
from billing.adapters.stripe_payouts import payout_facts, payout_lines
from billing.adapters.stripe_saved import StripeSavedCards
from billing.adapters.stripe_values import id_of, money
from billing.adapters.stripe_webhooks import read_header, read_payload
from billing.kernel.money import Money
from billing.payments.ports import (
    BadSignature,
    CheckoutState,
    GatewayRefused,
    OpenedCheckout,
    RefundState,
    RefundStatus,
)
from billing.payments.records.checkouts import Event, Reader
from billing.payments.records.disputes import DisputeFacts
from billing.payments.records.payouts import PayoutFacts

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
SIGNATURE_SECONDS = 300
"""How far a webhook's timestamp may be from now, before or after."""

REFUND_STATUS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


class StripeGateway(StripeSavedCards, StripeLists):
    """`api_base` leads elsewhere than to Stripe, in tests and demonstrations; never with a live key."""

    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str | None = None) -> None:
        """Raises: ValueError for a live key with another base, and for an empty secret."""
        self._livemode = not secret_key.startswith(("sk_test_", "rk_test_"))
        if self._livemode and api_base not in (None, stripe.DEFAULT_API_BASE):
            raise ValueError("STRIPE_API_BASE goes with a test key of Stripe only: unset one of the two.")
        if not webhook_secret.strip():
            raise ValueError("Set STRIPE_WEBHOOK_SECRET: without it anybody could announce payments.")
        self._signing = hmac.new(webhook_secret.encode(), digestmod="sha256")
        stripe.enable_telemetry = False  # it would send timings, and write a file into the home directory
        self._client = StripeClient(
            secret_key,
            base_addresses={
                "api": api_base or stripe.DEFAULT_API_BASE,
                "files": api_base or stripe.DEFAULT_UPLOAD_API_BASE,
            },
            max_network_retries=0,
            http_client=RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
        )

    def open_checkout(
        self,
        *,
        key: str,
        amount: Money,
        expires_at: datetime,
        success_url: str,
        cancel_url: str,
        descriptor: str | None,
    ) -> OpenedCheckout:
        page: SessionCreateParams = {
            "mode": "payment",
            "allowed_payment_method_types": ["card", "us_bank_account"],
            "client_reference_id": key,
            "metadata": {"operation": key},
            "payment_intent_data": {"metadata": {"operation": key}, "description": DESCRIPTION},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": amount.cents,
                        "product_data": {"name": DESCRIPTION},
                    },
                }
            ],
            "expires_at": int(expires_at.timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        if descriptor is not None:
            page["payment_intent_data"]["statement_descriptor_suffix"] = descriptor
        with answers():
            session = self._client.v1.checkout.sessions.create(page, {"idempotency_key": key})
        return OpenedCheckout(reference=session.id, url=session.url or "")

    def list_readers(self) -> list[Reader]:
        with answers():
            readers = self._client.v1.terminal.readers.list({"limit": 100}).auto_paging_iter()
            return [
                Reader(id=each.id, label=each.label or each.id, is_online=each.status == "online")
                for each in readers
                if isinstance(each, stripe.terminal.Reader)
            ]

    def ask_on_reader(
        self, *, key: str, amount: Money, reader_id: str, descriptor: str | None
    ) -> OpenedCheckout:
        ask: PaymentIntentCreateParams = {
            "amount": amount.cents,
            "currency": "usd",
            "allowed_payment_method_types": ["card_present"],
            "description": DESCRIPTION,
            "metadata": {"operation": key},
        }
        if descriptor is not None:
            ask["statement_descriptor_suffix"] = descriptor
        with answers():
            intent = self._client.v1.payment_intents.create(ask, {"idempotency_key": key})
        try:
            with answers():
                self._client.v1.terminal.readers.process_payment_intent(
                    reader_id, {"payment_intent": intent.id}, {"idempotency_key": f"{key}-reader"}
                )
        except GatewayRefused:
            with answers():
                self._client.v1.payment_intents.cancel(intent.id)
            raise
        return OpenedCheckout(reference=intent.id, url=None)

    def is_asking(self, reference: str, *, reader_id: str) -> bool:
        with answers():
            return _asks_for(self._client.v1.terminal.readers.retrieve(reader_id), reference)

    def cancel_on_reader(self, reference: str, *, reader_id: str) -> None:
        with suppress(GatewayRefused), answers():
            if _asks_for(self._client.v1.terminal.readers.retrieve(reader_id), reference):
                self._client.v1.terminal.readers.cancel_action(reader_id)
        with answers():
            self._client.v1.payment_intents.cancel(reference)

    def find_intent(self, key: str, *, opened_after: datetime) -> CheckoutState | None:
        since = made_since(opened_after)
        with answers():
            intents = self._client.v1.payment_intents.list({"created": {"gte": since}, "limit": 100})
            found = next((i.id for i in intents.auto_paging_iter() if operation(i.metadata) == key), None)
        return self.read_checkout(found) if found else None

    def read_checkout(self, reference: str) -> CheckoutState:
        if reference.startswith("pi_"):
            return self._read_intent(reference)
        with answers():
            return checkout_state(self._client.v1.checkout.sessions.retrieve(reference, {"expand": EXPANDED}))

    def expire_checkout(self, reference: str) -> None:
        with answers():
            self._client.v1.checkout.sessions.expire(reference)

    def find_checkout(self, key: str, *, opened_after: datetime) -> CheckoutState | None:
        since = made_since(opened_after)
        with answers():
            sessions = self._client.v1.checkout.sessions.list({"created": {"gte": since}, "limit": 100})
            found = next((s.id for s in sessions.auto_paging_iter() if operation(s.metadata) == key), None)
        return self.read_checkout(found) if found else None

    def refund(self, *, key: str, charge_reference: str, amount: Money) -> RefundState:
        with answers():
            refund = self._client.v1.refunds.create(
                {
                    "charge": charge_reference,
                    "amount": amount.cents,
                    "metadata": {"operation": key},
                    "expand": ["balance_transaction"],
                },
                {"idempotency_key": key},
            )
            return _refund_state(refund)

    def read_refund(self, reference: str) -> RefundState:
        with answers():
            return _refund_state(
                self._client.v1.refunds.retrieve(reference, {"expand": ["balance_transaction"]})
            )

    def find_refund(self, key: str, *, charge_reference: str) -> RefundState | None:
        with answers():
            refunds = self._client.v1.refunds.list({"charge": charge_reference, "limit": 100})
            found = next((r.id for r in refunds.auto_paging_iter() if operation(r.metadata) == key), None)
        return self.read_refund(found) if found else None

    def read_dispute(self, reference: str) -> DisputeFacts:
        with answers():
            return dispute_facts(self._client.v1.disputes.retrieve(reference))

    def send_evidence(self, *, key: str, reference: str, packet: bytes) -> str:
        with answers():
            file = upload_evidence(self._client, packet, key=f"{key}-file")
            self._client.v1.disputes.update(
                reference,
                {"evidence": {"uncategorized_file": file}, "metadata": {"operation": key}, "submit": True},
                {"idempotency_key": key},
            )
        return file

    def accept_dispute(self, *, key: str, reference: str) -> None:
        with answers():
            self._client.v1.disputes.close(reference, {}, {"idempotency_key": key})

    def read_payout(self, reference: str) -> PayoutFacts:
        with answers():
            payout = self._client.v1.payouts.retrieve(reference)
            lines = None
            if payout.reconciliation_status == "completed":
                moved = self._client.v1.balance_transactions.list({"payout": payout.id, "limit": 100})
                lines = payout_lines(payout, moved.auto_paging_iter())
            return payout_facts(payout, lines)

    def read_event(self, payload: bytes, signature: str, now: datetime) -> Event:
        """On the raw bytes, without building the SDK's objects, which costs some thirty times as much."""
        stamp, candidates = read_header(signature)
        signing = self._signing.copy()
        signing.update(stamp.encode() + b"." + payload)
        digest = signing.hexdigest()
        if not any(hmac.compare_digest(digest, candidate) for candidate in candidates):
            raise BadSignature("The signature is wrong: compare STRIPE_WEBHOOK_SECRET with Stripe's.")
        if abs(now.timestamp() - int(stamp)) > SIGNATURE_SECONDS:
            raise BadSignature("Signed too long ago, or ahead of time: set the clock right.", skewed=True)
        event = read_payload(payload)
        if event.livemode != self._livemode:
            raise BadSignature("This is of Stripe's other mode: give each mode an address of its own.")
        return event


def _refund_state(refund: Refund) -> RefundState:
    booked = refund.balance_transaction
    return RefundState(
        reference=refund.id,
        operation=operation(refund.metadata),
        charge_reference=id_of(refund.charge),
        status=REFUND_STATUS[refund.status or "pending"],
        amount=money(refund.amount, refund.currency),
        balance_transaction=id_of(booked),
        fee=Money(booked.fee) if isinstance(booked, BalanceTransaction) else Money(0),
        failure_balance_transaction=id_of(
            refund.failure_balance_transaction if "failure_balance_transaction" in refund else None
        ),
    )


def _asks_for(device: stripe.terminal.Reader, intent: str) -> bool:
    """Whether a reader asks for this payment now, and not for another one; a removed one shows no action."""
    action = device.action if "action" in device else None
    if action is None or action.status != "in_progress":
        return False
    return action.process_payment_intent is not None and (
        id_of(action.process_payment_intent.payment_intent) == intent
    )
