"""What receipts say of a service, a tender and a refund."""

from __future__ import annotations

from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundMethod

SERVICES_IN_WORDS = {
    "infusion": "Ketamine infusion treatment",
    "booster": "Ketamine infusion treatment, booster",
    "evaluation": "Medical evaluation",
    "no_show": "Fee for a missed appointment",
    "deposit": "Deposit",
}

TENDERS_IN_WORDS = {
    Tender.CARD: "Card",
    Tender.ACH: "Bank account",
    Tender.CARD_PRESENT: "Card at the desk",
    Tender.CASH: "Cash",
    Tender.CHECK: "Check",
    Tender.BANK: "Bank transfer",
    Tender.CREDIT: "Credit",
    Tender.INSURER: "Health plan",
}


def service_in_words(service: str) -> str:
    """What a payer's health account is told of a service, without a code or a diagnosis."""
    return SERVICES_IN_WORDS.get(service, service.replace("_", " ").capitalize())


def paid_with(tender: Tender, instrument: str | None) -> str:
    """`Card (visa 4242)`, as far as it is known."""
    return f"{TENDERS_IN_WORDS[tender]} ({instrument})" if instrument else TENDERS_IN_WORDS[tender]


def given_back_to(method: RefundMethod, reference: str | None) -> str:
    """Where a refund went, a bank account included; the processor's own id says nothing to a payer."""
    if method is RefundMethod.CARD:
        return "Back to the card or account that paid"
    return f"By {reference}" if reference else "By check"
