"""What people are told of money: with what it was paid, how it goes back, and when they see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from billing.kernel.clock import day_in_words
from billing.kernel.money import Money, total
from billing.patients.records import HoldReason
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import CreditSource
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.refunds import (
    CHOSEN_REJECTIONS,
    Refund,
    RefundableKind,
    RefundableSource,
    RefundMethod,
    RefundReason,
    Rejection,
)
from billing.payments.records.saved_methods import CardFacts, Purpose
from billing.payments.rules import paid_with
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.payments.states.saved_methods import SavedState

BANKS_TAKE = (5, 10)
"""Business days until a bank shows what was sent to its card or account. Source: docs/sources.md."""

REASONS = {
    RefundReason.CANCELLED: "Treatment was called off",
    RefundReason.BILLING_ERROR: "We billed it wrongly",
    RefundReason.DUPLICATE: "It was paid twice",
    RefundReason.DISSATISFIED: "The patient was not satisfied",
    RefundReason.OTHER: "Another reason",
}
NO_MONEY = {
    PaymentState.BOUNCED: "The bank took it back",
    PaymentState.MOVED: "Booked for another patient",
}
"""Payments that are no money of the patient any more."""
SOURCES = {
    RefundableKind.CREDIT: "held as credit",
    RefundableKind.TO_COME: "paid for sessions to come",
    RefundableKind.GIVEN: "paid for sessions given or missed",
}
CREDITS = {
    CreditSource.REIMBURSEMENT: "An insurer paid for a session",
    CreditSource.OVERPAYMENT: "Paid more than was owed",
    CreditSource.RETURN: "A session that was called off",
    CreditSource.RELEASED: "Gathered for a refund",
    CreditSource.DEPOSIT: "A deposit",
}
REJECTIONS = {
    Rejection.WRONG_AMOUNT: "The amount is wrong",
    Rejection.WRONG_WAY: "It has to go back another way",
    Rejection.NOT_DUE: "Nothing is due to the patient",
    Rejection.ASK_FIRST: "Ask the patient first",
    Rejection.WITHDRAWN: "Who asked for it withdrew it",
    Rejection.TAKEN_BACK: "An insurer's money was booked first",
    Rejection.CAME_BACK: "The bank sent the money back",
    Rejection.OTHER: "Another reason, ask who refused it",
}
CHOSEN = {code: REJECTIONS[code] for code in CHOSEN_REJECTIONS}
HOLDS = {
    HoldReason.DEATH: "The patient died",
    HoldReason.BANKRUPTCY: "The patient filed for bankruptcy",
}
"""Why charges are stopped."""
BOUNCES = {
    BounceReason.INSUFFICIENT_FUNDS: "Not enough money in the account",
    BounceReason.ACCOUNT_CLOSED: "The account is closed",
    BounceReason.PAYMENT_STOPPED: "Its payment was stopped",
    BounceReason.STALE: "The check is too old",
    BounceReason.OTHER: "Another reason",
}
PURPOSES = {
    Purpose.FUTURE_VISITS: "Visits",
    Purpose.PLAN_INSTALMENTS: "Instalments of a plan",
}
"""What a saved card may be charged for."""
CARD_STATES = {
    SavedState.ACTIVE: ("Can be charged", "good"),
    SavedState.BLOCKED: ("Its bank said no for good", "bad"),
    SavedState.REMOVING: ("Being removed", "waiting"),
}
"""A saved card's state in few words, and how it is colored."""
OUTCOMES = {
    (RefundState.REQUESTED, RefundMethod.CARD): ("Waits for approval", "waiting"),
    (RefundState.REQUESTED, RefundMethod.CHECK): ("Waits for approval", "waiting"),
    (RefundState.APPROVED, RefundMethod.CARD): ("Being sent", "waiting"),
    (RefundState.APPROVED, RefundMethod.CHECK): ("Write the check", "waiting"),
    (RefundState.SENT, RefundMethod.CARD): ("Sent", "good"),
    (RefundState.SENT, RefundMethod.CHECK): ("Check sent", "good"),
    (RefundState.SUCCEEDED, RefundMethod.CARD): ("Sent", "good"),
    (RefundState.SUCCEEDED, RefundMethod.CHECK): ("Check sent", "good"),
    (RefundState.FAILED, RefundMethod.CARD): ("Came back", "bad"),
    (RefundState.FAILED, RefundMethod.CHECK): ("Check voided", "bad"),
    (RefundState.UNCLAIMED, RefundMethod.CHECK): ("Set aside", "waiting"),
    (RefundState.REJECTED, RefundMethod.CARD): ("Refused", ""),
    (RefundState.REJECTED, RefundMethod.CHECK): ("Refused", ""),
}
"""A refund's state in two words, and how it is colored."""


def day_of(told: date | str) -> str:
    """A day as pages say it, also one that a frozen document holds: `2026-11-02` is `Nov 2, 2026`."""
    return day_in_words(date.fromisoformat(told) if isinstance(told, str) else told)


def clinic_local(when: date, zone: tzinfo) -> date:
    """A moment as the clinic's clock shows it; a day stays the day that it is."""
    return when.astimezone(zone) if isinstance(when, datetime) else when


def payment_in_words(payment: Payment) -> str:
    """`Card (visa 4242)`."""
    return paid_with(payment.tender, payment.instrument)


def marks_of(payment: Payment, disputed: Money | None) -> list[str]:
    """What became of a payment in few words each; nothing of an ordinary one.

    `disputed` is what a bank holds of it until it has decided.
    """
    parts = parts_gone(payment, disputed)
    return [NO_MONEY[payment.state], *parts] if payment.state in NO_MONEY else parts


def parts_gone(payment: Payment, disputed: Money | None) -> list[str]:
    """How much of a payment a bank holds, or keeps: `$450.00 disputed`."""
    told = ((disputed, "disputed"), (payment.lost, "lost to a dispute"))
    return [f"{amount} {what}" for amount, what in told if amount]


def card_in_words(card: CardFacts) -> str:
    """`Visa **** 4242`."""
    return f"{card.brand.capitalize()} **** {card.last4}"


def ending_in(instrument: str | None) -> str:
    """`visa 4242` as `visa **** 4242`; nothing when it is not known."""
    brand, _, digits = (instrument or "").rpartition(" ")
    return f", {brand} **** {digits}" if brand else ""


def way_back(payment: Payment | None, method: RefundMethod, payer: str | None = None) -> str:
    """Where a refund goes: `to the card that paid, visa **** 4242`; a check names who is not the patient."""
    if method is RefundMethod.CHECK:
        return f"by a check to {payer}" if payer else "by a check"
    if payment is None:
        return "to the card or account that paid"
    what = "bank account" if payment.tender is Tender.ACH else "card"
    return f"to the {what} that paid{ending_in(payment.instrument)}"


def when_seen(method: RefundMethod) -> str:
    """When whoever gets the money has it, before it was sent."""
    if method is RefundMethod.CHECK:
        return "They have it when the check arrives. Write the check and enter its number next."
    return "Their bank shows it {} to {} business days after it was sent.".format(*BANKS_TAKE)


def shown_between(sent_on: date) -> tuple[date, date]:
    """From when to when a bank shows what was sent on a day."""
    first, last = BANKS_TAKE
    return _business_days_after(sent_on, first), _business_days_after(sent_on, last)


def progress_of(refund: Refund) -> str:
    """What became of a refund, and what comes next, as one tells the patient."""
    if refund.state is RefundState.REQUESTED and refund.has_left_unbooked:
        return "It was made in the processor's dashboard. It is booked once another person approves it."
    if refund.state is RefundState.REQUESTED:
        return "Another person has to approve it. The amount is set aside until then."
    if refund.state is RefundState.REJECTED:
        why = f": {REJECTIONS[refund.rejected_for].lower()}" if refund.rejected_for else ""
        return f"It was refused{why}. {money_of_refused(refund)}"
    if refund.is_voided:
        return f"{(refund.reference or 'The check').capitalize()} was voided. The money is owed as before."
    if refund.state is RefundState.UNCLAIMED:
        return "Nobody took it for years, so it is set aside for the state."
    if refund.state is RefundState.FAILED and refund.refunded_on is None:
        return "It did not go out, and the money is credit again. Send it in another way."
    if refund.state is RefundState.FAILED:
        return "The money did not arrive and is held as credit again. Send it in another way."
    if refund.method is RefundMethod.CHECK:
        return _progress_of_check(refund)
    if refund.refunded_on is None:
        return "The processor is being told. This takes a minute."
    first, last = (day_in_words(on) for on in shown_between(refund.refunded_on))
    return f"Sent on {day_in_words(refund.refunded_on)}. Their bank shows it between {first} and {last}."


def money_of_refused(refund: Refund) -> str:
    """Where the money is of a refund that was refused."""
    if refund.made_by_hand and refund.rejected_for is not Rejection.CAME_BACK:
        return "The money has left all the same: it stays a task until it is booked, or comes back."
    return "The money is where it was before."


def told_to_payer(refund: Refund) -> str | None:
    """What who paid is told of a refund; nothing before it is approved, or when it came to nothing."""
    if refund.state not in (RefundState.APPROVED, RefundState.SENT, RefundState.SUCCEEDED):
        return None
    if refund.refunded_on is None:
        return "It is on its way. Look here again tomorrow."
    sent = day_in_words(refund.refunded_on)
    if refund.method is RefundMethod.CHECK:
        return f"Sent by check on {sent}."
    first, last = (day_in_words(on) for on in shown_between(refund.refunded_on))
    return f"Sent on {sent} to the card or account that paid. Your bank shows it between {first} and {last}."


def _progress_of_check(refund: Refund) -> str:
    if refund.refunded_on is None:
        return "Approved. Write the check, then enter its number here."
    went_out = f"{(refund.reference or 'check').capitalize()} went out on {day_in_words(refund.refunded_on)}"
    if refund.cashed_on is None:
        return f"{went_out}. The bank has not paid it yet, as far as we know."
    return f"{went_out}, and the bank paid it on {day_in_words(refund.cashed_on)}."


def taken_from(sources: Iterable[RefundableSource]) -> str:
    """`$50.00 held as credit and $20.00 paid for sessions to come`."""
    listed = list(sources)
    parts = [
        f"{total(each.amount for each in listed if each.kind is kind)} {words}"
        for kind, words in SOURCES.items()
        if any(each.kind is kind for each in listed)
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _business_days_after(on: date, days: int) -> date:
    while days:
        on += timedelta(days=1)
        days -= on.weekday() < 5
    return on
