"""What Stripe keeps for patients: customers without a name, and the cards that they saved."""

from __future__ import annotations

from datetime import datetime

import stripe
from stripe import PaymentMethod, SetupIntent, StripeClient
from stripe.checkout import Session
from stripe.params import PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from billing.adapters.stripe_calls import DESCRIPTION, answers, made_since, operation
from billing.adapters.stripe_charges import EXPANDED_INTENT, intent_state
from billing.kernel.money import Money
from billing.payments.ports import (
    CheckoutState,
    GatewayRefused,
    OpenedCheckout,
    SavingState,
    SavingStatus,
)
from billing.payments.records.saved_methods import CardFacts

EXPANDED_SETUP = ["setup_intent.payment_method"]


class StripeSavedCards:
    """The part of the gateway that keeps cards and charges them."""

    _client: StripeClient

    def open_customer(self, *, key: str) -> str:
        with answers():
            made = self._client.v1.customers.create(
                {"metadata": {"operation": key}}, {"idempotency_key": key}
            )
        return made.id

    def find_customer(self, key: str, *, opened_after: datetime) -> str | None:
        with answers():
            customers = self._client.v1.customers.list(
                {"created": {"gte": made_since(opened_after)}, "limit": 100}
            )
            return next((c.id for c in customers.auto_paging_iter() if operation(c.metadata) == key), None)

    def open_saving(
        self, *, key: str, customer: str, expires_at: datetime, success_url: str, cancel_url: str
    ) -> OpenedCheckout:
        page: SessionCreateParams = {
            "mode": "setup",
            "allowed_payment_method_types": ["card"],
            "customer": customer,
            "client_reference_id": key,
            "metadata": {"operation": key},
            "setup_intent_data": {"metadata": {"operation": key}, "description": DESCRIPTION},
            "expires_at": int(expires_at.timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        with answers():
            session = self._client.v1.checkout.sessions.create(page, {"idempotency_key": key})
        return OpenedCheckout(reference=session.id, url=session.url)

    def read_saving(self, reference: str) -> SavingState | None:
        with answers():
            return _saving_state(
                self._client.v1.checkout.sessions.retrieve(reference, {"expand": EXPANDED_SETUP})
            )

    def find_saving(self, key: str, *, opened_after: datetime) -> SavingState | None:
        with answers():
            sessions = self._client.v1.checkout.sessions.list(
                {"created": {"gte": made_since(opened_after)}, "limit": 100}
            )
            found = next((s.id for s in sessions.auto_paging_iter() if operation(s.metadata) == key), None)
        return self.read_saving(found) if found else None

    def read_card(self, reference: str) -> CardFacts | None:
        with answers():
            method = self._client.v1.payment_methods.retrieve(reference)
        return _card_facts(method) if method.customer else None

    def detach_card(self, reference: str) -> None:
        """Stripe refuses to detach twice: what it keeps no more is as it should be."""
        try:
            with answers():
                self._client.v1.payment_methods.detach(reference)
        except GatewayRefused:
            if self.read_card(reference) is not None:
                raise

    def charge_card(
        self, *, key: str, amount: Money, customer: str, card: str, descriptor: str | None
    ) -> CheckoutState:
        charge: PaymentIntentCreateParams = {
            "amount": amount.cents,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "capture_method": "automatic",
            "confirm": True,
            "off_session": True,
            "customer": customer,
            "payment_method": card,
            "description": DESCRIPTION,
            "metadata": {"operation": key},
            "expand": EXPANDED_INTENT,
        }
        if descriptor is not None:
            charge["statement_descriptor_suffix"] = descriptor
        with answers():
            try:
                made = self._client.v1.payment_intents.create(charge, {"idempotency_key": key})
                return intent_state(made)
            except stripe.CardError as error:
                intent = error.error.payment_intent if error.error else None
                if intent is None:
                    raise
                declined = intent.id
        return self._read_intent(declined)

    def cancel_charge(self, reference: str) -> None:
        with answers():
            self._client.v1.payment_intents.cancel(reference)

    def _read_intent(self, reference: str) -> CheckoutState:
        with answers():
            return intent_state(
                self._client.v1.payment_intents.retrieve(reference, {"expand": EXPANDED_INTENT})
            )


def _saving_state(session: Session) -> SavingState | None:
    if session.mode != "setup":
        return None
    setup = session.setup_intent
    method = setup.payment_method if isinstance(setup, SetupIntent) else None
    return SavingState(
        reference=session.id,
        operation=operation(session.metadata),
        status=SavingStatus(session.status or "open"),
        card=_card_facts(method) if isinstance(method, PaymentMethod) and method.customer else None,
    )


def _card_facts(method: PaymentMethod) -> CardFacts | None:
    """Cards are all that our pages take."""
    if method.type != "card" or method.card is None:
        return None
    card = method.card
    return CardFacts(
        reference=method.id,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
    )
