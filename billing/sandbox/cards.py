"""The published test cards, by number and by the names that the API takes for them.

Source: docs.stripe.com/testing.
"""

from __future__ import annotations

from dataclasses import dataclass

from billing.sandbox.storage import Thing, new_reference


@dataclass(frozen=True)
class Decline:
    """Why the bank said no; `decline_code` only where `code` is `card_declined`."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True)
class Card:
    number: str
    brand: str
    decline: Decline | None = None
    dispute: str | None = None
    """The reason that its bank will dispute each charge for."""
    refund: str | None = None
    """How its refunds end, where not at once: each after a minute."""

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


_CARDS = (
    Card("4242424242424242", "visa"),
    Card("5555555555554444", "mastercard"),
    Card("378282246310005", "amex"),
    Card("4000000000000002", "visa", _declined("generic_decline")),
    Card("4000000000009995", "visa", _declined("insufficient_funds", "Your card has insufficient funds.")),
    Card("4000000000009987", "visa", _declined("lost_card")),
    Card("4000000000009979", "visa", _declined("stolen_card")),
    Card("4000000000000069", "visa", Decline("expired_card", None, "Your card has expired.")),
    Card(
        "4000000000000127", "visa", Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
    ),
    Card(
        "4000000000000119",
        "visa",
        Decline("processing_error", None, "An error occurred while processing your card. Try again."),
    ),
    Card("4000000000000259", "visa", dispute="fraudulent"),
    Card("4000000000002685", "visa", dispute="product_not_received"),
    Card("4000000000001976", "visa", dispute="general"),
    Card("4000000000007726", "visa", refund="succeeded"),
    Card("4000000000005126", "visa", refund="failed"),
)
INQUIRED_LAST4 = "1976"
"""Its disputes are inquiries, which take no money."""

BY_NUMBER = {card.number: card for card in _CARDS}
BY_LAST4 = {card.last4: card for card in _CARDS}
"""How a stored payment method finds its card again: no whole number is kept."""

_NAMES = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
}
BY_NAME = {name: BY_NUMBER[number] for name, number in _NAMES.items()}


def passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def payment_method(card: Card, *, now: int, expires: tuple[int, int]) -> Thing:
    """The card as the processor remembers it: never its whole number. `expires` is (month, year)."""
    month, year = expires
    return {
        "id": new_reference("pm"),
        "object": "payment_method",
        "created": now,
        "livemode": False,
        "type": "card",
        "customer": None,
        "metadata": {},
        "billing_details": billing_details(),
        "card": {
            "brand": card.brand,
            "country": "US",
            "exp_month": month,
            "exp_year": year,
            "funding": "credit",
            "last4": card.last4,
        },
    }


def billing_details() -> Thing:
    return {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
