"""A week at the processor whose notices all wait: paid, refunded, sent back, disputed, debited, paid out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.refunds import send_refund
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page, sdk_client, submit_account

PRICE, FEE, DISPUTE_FEE, DEBIT_FEE, FAILED_DEBIT_FEE = 45_000, 1_335, 1_500, 360, 400
PLAIN, REFUNDED, SENT_BACK = 24, 4, 2
PART = 10_000
CARDS = PLAIN + REFUNDED + SENT_BACK + 3
EARNED_LATER = {"open": PRICE, "won": PRICE, "lost": 0}

BANKED = (
    CARDS * (PRICE - FEE)
    - REFUNDED * PART
    - 2 * PRICE
    - 3 * DISPUTE_FEE
    + PRICE
    - 2 * DEBIT_FEE
    - FAILED_DEBIT_FEE
)
"""What is left of it all when the processor has paid everything out."""
BOOKS = {
    "1000": BANKED,
    "1070": PRICE,
    "2100": -((PLAIN + 3) * PRICE + (REFUNDED + SENT_BACK) * (PRICE - PART)),
    "2200": -SENT_BACK * PART,
    "6100": CARDS * FEE + 2 * DEBIT_FEE + FAILED_DEBIT_FEE,
    "6110": 3 * DISPUTE_FEE,
}
CARD, ACH = ("card", PRICE, FEE), ("ach", PRICE, DEBIT_FEE)
PAYMENTS = sorted([
    *[(*CARD, 0, 0)] * (PLAIN + SENT_BACK + 2),
    *[(*CARD, PART, 0)] * REFUNDED,
    (*CARD, 0, PRICE),
    (*ACH, 0, 0),
])  # fmt: skip
"""Tender, amount, fee, refunded and lost of each payment, in that order."""


def a_busy_week(office: Office, clock_file: Path) -> None:
    """Nobody here hears of it but by what a payer's return or an answer tells."""
    office.sandbox.control("payout-schedule", schedule="manual")
    office.sandbox.control("duplicate-events", on=True)
    office.sandbox.control("hold-events")
    pages = [_page(office, number) for number in range(CARDS + 3)]
    cards, (expired, debited, failed) = pages[:CARDS], pages[CARDS:]
    for page in cards:
        assert pay_on_card_page(page["url"])
    sdk_client(office.sandbox).checkout.sessions.expire(expired["reference"])
    submit_account(debited["url"], "000123456789")
    submit_account(failed["url"], "000111111116")
    _give_back(office, cards[PLAIN : PLAIN + REFUNDED + SENT_BACK])
    _dispute(office, cards[-3:])
    sdk_client(office.sandbox).customers.create({})
    _none_of_ours(office)
    clock_file.write_text((NOW + timedelta(days=6)).isoformat())
    office.sandbox.control("pay-out")


def _page(office: Office, number: int) -> dict[str, str]:
    bill = billed(office.database, a_patient(office.database), only_first=1)
    page = office.post(f"/invoices/{bill.invoice.id}/checkouts", key=f"k{number}").json()
    sessions = sdk_client(office.sandbox).checkout.sessions.list({"limit": 1})
    return {**page, "reference": sessions.data[0].id}


def _give_back(office: Office, pages: list[dict[str, str]]) -> None:
    """Asked for here, since the payer's return told of the payment; some the bank sends back."""
    for place, page in enumerate(pages):
        settle_checkout(office.room, reference=page["reference"])
        (payment,) = office.get(f"/payments?invoice_id={page['invoice_id']}").json()["items"]
        body = {"amount_cents": PART, "refundable_cents": PRICE, "reason": "other"}
        asked = office.post(f"/payments/{payment['id']}/refunds", body, key=f"r{place}")
        assert asked.status_code == 201, asked.text
        sent = send_refund(office.room, refund_id=asked.json()["id"])
        if place >= REFUNDED:
            office.sandbox.control("fail-refund", refund=sent.reference)


def _dispute(office: Office, pages: list[dict[str, str]]) -> None:
    """One stays open, one is won, one is lost."""
    client = sdk_client(office.sandbox)
    for page, outcome in zip(pages, ("", "won", "lost"), strict=True):
        intent = client.checkout.sessions.retrieve(page["reference"]).payment_intent
        dispute = office.sandbox.control("open-dispute", charge=intent)
        if outcome:
            office.sandbox.control("decide-dispute", dispute=dispute["id"], outcome=outcome)


def _none_of_ours(office: Office) -> None:
    """Somebody began to take money by other means, and let it be."""
    client = sdk_client(office.sandbox)
    made = client.payment_intents.create(
        {"amount": 100, "currency": "usd", "allowed_payment_method_types": ["card"]}
    )
    client.payment_intents.cancel(made.id)
