"""The published test cards, by number and by the names that the API takes for them.

Source: docs.stripe.com/testing, docs.stripe.com/radar/testing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from billing.sandbox.storage import Thing


@dataclass(frozen=True)
class Decline:
    """Why the bank said no; `decline_code` only where `code` is `card_declined`."""

    code: str
    decline_code: str | None
    message: str
    blocked: bool = False
    """Whether the processor itself said no, before the bank was asked."""


@dataclass(frozen=True)
class Card:
    number: str
    brand: str
    decline: Decline | None = None
    dispute: str | None = None
    """The reason that its bank will dispute each charge for."""
    refund: str | None = None
    """How its refunds end, where not at once: each after a minute."""
    authenticates: str | None = None
    """When its bank wants to see the payer: `always`, `unless_set_up` (and on-session), or `on_session`."""
    attaches: bool = False
    """Whether it can be saved although it is declined."""
    funding: str = "credit"
    available_at_once: bool = False
    """Whether what it pays is available at once, instead of pending for days."""
    risk: str = "normal"
    """How doubtful the processor finds what it lets through."""
    cvc_check: str = "pass"
    """What the bank says of the security code; no rule here blocks a wrong one."""

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
    Card("4000000000006975", "visa", _declined("card_velocity_exceeded")),
    Card("4000000000000341", "visa", _declined("generic_decline"), attaches=True),
    Card("4000002500003155", "visa", authenticates="unless_set_up"),
    Card("4000002760003184", "visa", authenticates="always"),
    Card("4000003800000446", "visa", authenticates="on_session"),
    Card(
        "4000008260003178",
        "visa",
        _declined("insufficient_funds", "Your card has insufficient funds."),
        authenticates="on_session",
        attaches=True,
    ),
    Card("4000000000003220", "visa", authenticates="unless_set_up"),
    Card("4000000000003063", "visa", authenticates="unless_set_up"),
    Card("4000000000003055", "visa"),
    Card(
        "4000008400001629", "visa", _declined("generic_decline"), authenticates="unless_set_up", attaches=True
    ),
    Card(
        "4100000000000019",
        "visa",
        Decline("card_declined", "fraudulent", "Your card was declined.", blocked=True),
    ),
    Card(
        "4000000000004954",
        "visa",
        Decline("card_declined", "fraudulent", "Your card was declined.", blocked=True),
    ),
    Card("4000000000009235", "visa", risk="elevated"),
    Card("4000000000000101", "visa", cvc_check="fail"),
    Card("5200828282828210", "mastercard", funding="debit"),
    Card("5105105105105100", "mastercard", funding="prepaid"),
    Card("30569309025904", "diners"),
    Card("3566002020360505", "jcb"),
    Card("6205500000000000004", "unionpay"),
    Card("6011111111111117", "discover"),
    Card("4000056655665556", "visa", funding="debit"),
    Card("4000000000000077", "visa", available_at_once=True),
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
    "pm_card_us": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_discover": "6011111111111117",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_threeDSecureRequired": "4000000000003063",
    "pm_card_threeDSecureOptional": "4000000000003055",
    "pm_card_threeDSecureRequiredChargeDeclined": "4000008400001629",
    "pm_card_radarBlock": "4100000000000019",
    "pm_card_riskLevelHighest": "4000000000004954",
    "pm_card_riskLevelElevated": "4000000000009235",
    "pm_card_cvcCheckFail": "4000000000000101",
    "pm_card_mastercard_debit": "5200828282828210",
    "pm_card_mastercard_prepaid": "5105105105105100",
    "pm_card_diners": "30569309025904",
    "pm_card_jcb": "3566002020360505",
    "pm_card_unionpay": "6205500000000000004",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_visa_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_visa_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_visa_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_bypassPending": "4000000000000077",
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


AUTHENTICATION_REQUIRED = Decline(
    "authentication_required", "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)  # fmt: skip
DECLINES = {
    "generic_decline": _declined("generic_decline"),
    "insufficient_funds": _declined("insufficient_funds", "Your card has insufficient funds."),
    "lost_card": _declined("lost_card"),
    "stolen_card": _declined("stolen_card"),
    "do_not_honor": _declined("do_not_honor"),
    "expired_card": Decline("expired_card", None, "Your card has expired."),
    "processing_error": Decline(
        "processing_error", None, "An error occurred while processing your card. Try again."
    ),
    "authentication_required": AUTHENTICATION_REQUIRED,
}
"""How a saved card can be made to be declined from now on, by the control API's names."""


def card_of(method: Thing) -> Card:
    return BY_LAST4[method[method["type"]]["last4"]]


def risk_of(method: Thing) -> str:
    """Of a card; nothing is said of a bank account."""
    return card_of(method).risk if method["type"] != "us_bank_account" else "normal"


def decline_of(method: Thing) -> Decline | None:
    """Of a card, on a charge: what the control API wants, or what the card is published for."""
    wanted = method.get("_decline")
    return DECLINES[wanted] if wanted else card_of(method).decline


def needs_authentication(method: Thing, *, off_session: bool) -> bool:
    when = card_of(method).authenticates
    if when is None or when == "always" or not off_session:
        return when is not None
    return when == "unless_set_up" and not method.get("_set_up")


def card_hash(card: Card, expires: tuple[int, int]) -> Thing:
    """What is remembered of a card: never its whole number. `expires` is (month, year)."""
    month, year = expires
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": card.cvc_check,
        },
        "country": "US",
        "display_brand": "american_express" if card.brand == "amex" else card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": fingerprint(card.number),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def fingerprint(number: str) -> str:
    """The same for each payment method of one card or account."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]
