"""Stripe's Checkout Sessions, PaymentIntents and charges, read as ours."""

from __future__ import annotations

from stripe import BalanceTransaction, Charge, PaymentIntent
from stripe.checkout import Session

from billing.adapters.stripe_calls import operation
from billing.adapters.stripe_values import instant, money
from billing.kernel.money import ZERO, Money, total
from billing.payments.ports import CheckoutState, CheckoutStatus
from billing.payments.records.payments import ChargeFacts, Tender

EXPANDED = [
    "payment_intent.latest_charge.balance_transaction",
    "payment_intent.latest_charge.failure_balance_transaction",
]
EXPANDED_INTENT = ["latest_charge.balance_transaction"]
INTENT_STATUS = {
    "succeeded": CheckoutStatus.COMPLETE,
    "processing": CheckoutStatus.PROCESSING,
    "canceled": CheckoutStatus.EXPIRED,
}
ON_READER = "card_present"
SPENT = ("requires_payment_method", "canceled")
"""How an intent stands whose completed page brought nothing after all."""
TENDERS = {"card": Tender.CARD, "us_bank_account": Tender.ACH, "card_present": Tender.CARD_PRESENT}


def checkout_state(session: Session) -> CheckoutState:
    paid = None
    if session.payment_status == "paid":
        paid = money(session.amount_total or 0, session.currency or "")
    return CheckoutState(
        reference=session.id,
        operation=operation(session.metadata),
        status=_status(session),
        paid=paid,
        charge=_charge_facts(session.payment_intent) if paid else None,
        lost_fee=_lost_fee(session.payment_intent),
        decline=None if paid else _failed_debit(session.payment_intent),
    )


def intent_state(intent: PaymentIntent) -> CheckoutState:
    """Asked on a reader, until it was paid or canceled a card may still come, after a decline too.

    Of a saved card a decline is the end: nobody is there to show another one. So it is of an intent that
    was canceled after a card was declined at the reader.
    """
    paid = money(intent.amount_received, intent.currency) if intent.status == "succeeded" else None
    declined = _decline(intent)
    return CheckoutState(
        reference=intent.id,
        operation=operation(intent.metadata),
        status=CheckoutStatus.DECLINED if declined else INTENT_STATUS.get(intent.status, CheckoutStatus.OPEN),
        paid=paid,
        charge=_charge_facts(intent) if paid else None,
        decline=declined,
    )


def _decline(intent: PaymentIntent) -> str | None:
    """The bank's word for why it did not pay, once no other card can come."""
    error = intent.last_payment_error
    end = "canceled" if ON_READER in intent.payment_method_types else "requires_payment_method"
    if error is None or intent.status != end:
        return None
    told = error.to_dict()
    return str(told.get("decline_code") or told.get("code") or "generic_decline")


def _failed_debit(intent: str | PaymentIntent | None) -> str | None:
    """The bank's word for why it did not pay a debit."""
    charge = intent.latest_charge if isinstance(intent, PaymentIntent) else None
    return charge.failure_code if isinstance(charge, Charge) else None


def _status(session: Session) -> CheckoutStatus:
    """A completed page that is not paid is a debit: under way, or failed."""
    if session.status != "complete" or session.payment_status == "paid":
        return CheckoutStatus(session.status or "open")
    intent = session.payment_intent
    failed = isinstance(intent, PaymentIntent) and intent.status in SPENT
    return CheckoutStatus.DECLINED if failed else CheckoutStatus.PROCESSING


def _lost_fee(intent: str | PaymentIntent | None) -> Money:
    """What a failed debit cost: its own fee, and that of its failure."""
    charge = intent.latest_charge if isinstance(intent, PaymentIntent) else None
    if not isinstance(charge, Charge) or charge.status != "failed":
        return ZERO
    movements = (charge.balance_transaction, charge.failure_balance_transaction)
    return total(money(each.fee, each.currency) for each in movements if isinstance(each, BalanceTransaction))


def _charge_facts(intent: str | PaymentIntent | None) -> ChargeFacts | None:
    """What was charged and kept; None until Stripe has booked it."""
    charge = intent.latest_charge if isinstance(intent, PaymentIntent) else None
    booked = charge.balance_transaction if isinstance(charge, Charge) else None
    if not (
        isinstance(intent, PaymentIntent)
        and isinstance(charge, Charge)
        and isinstance(booked, BalanceTransaction)
    ):
        return None
    return ChargeFacts(
        reference=charge.id,
        payment_intent=intent.id,
        amount=money(charge.amount, charge.currency),
        fee=money(booked.fee, booked.currency),
        net=money(booked.net, booked.currency),
        balance_transaction=booked.id,
        charged_at=instant(charge.created),
        reporting_category=booked.reporting_category,
        tender=TENDERS.get(_kind_of(charge), Tender.CARD),
        instrument=_instrument(charge),
    )


def _kind_of(charge: Charge) -> str:
    return charge.payment_method_details.type if charge.payment_method_details else "card"


def _instrument(charge: Charge) -> str | None:
    """What the payer would recognise: `visa 4242`, `bank 6789`."""
    details = charge.payment_method_details
    if details is None or details.type not in TENDERS:
        return None
    used = details[details.type]
    brand = "bank" if details.type == "us_bank_account" else used["brand"]
    return f"{brand} {used['last4']}"
