"""What people are told of money: with what it was paid, how it goes back, and when they see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from billing.kernel.clock import day_in_words
from billing.kernel.money import Money, total
from billing.patients.records import HoldReason
from billing.payments.records.bounces import BounceReason
from billing.payments.records.checkouts import Checkout
from billing.payments.records.credits import CreditSource, Election
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.refunds import (
    CHOSEN_REJECTIONS,
    Gone,
    Refund,
    RefundableKind,
    RefundableSource,
    RefundMethod,
    RefundReason,
    Rejection,
    WentBack,
)
from billing.payments.records.saved_methods import CardFacts, ConsentBy, ConsentDeed, Purpose
from billing.payments.rules.receipts import paid_with
from billing.payments.rules.refunds import goes_back_by
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.payments.states.saved_methods import SavedState
from billing.payments.states.takebacks import TakebackState

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
NEVER_BANKED = "Taken back before the bank had it"
"""A check that is worth nothing, of which no bank ever said so."""
OTHERS = "another payer's"
"""Money that is not the patient's."""
SOURCES = {
    RefundableKind.CREDIT: "held as credit",
    RefundableKind.TO_COME: "paid for sessions to come",
    RefundableKind.GIVEN: "paid for sessions given or missed",
}
ALWAYS = {
    "": "ask the patient each time",
    Election.CREDIT: "comes off the next invoice",
    Election.REFUND: "goes back to the patient",
}
"""By the choice for all that insurers pay."""
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
    Rejection.DISPUTE_LOST: "A dispute of the payment was lost",
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
NO_DEBIT = {
    "account_closed": "the account is closed",
    "charge_exceeds_weekly_limit": "it was more than the account may pay in a week",
    "debit_not_authorized": "the bank says that it was not allowed",
    "insufficient_funds": "the account had too little money",
    "no_account": "the bank found no such account",
}
"""Why a bank did not pay a debit, by its code, as one tells who wanted to pay."""
PURPOSES = {
    Purpose.FUTURE_VISITS: "Visits",
    Purpose.PLAN_INSTALMENTS: "Instalments of a plan",
}
"""What a saved card may be charged for."""
CARD_STATES = {
    SavedState.ACTIVE: ("Can be charged", "good"),
    SavedState.BLOCKED: ("Its bank said no for good", "bad"),
    SavedState.REMOVING: ("Being removed", "waiting"),
    SavedState.DETACHED: ("Removed", ""),
    SavedState.PENDING: ("Not saved yet", "waiting"),
    SavedState.ABANDONED: ("Never saved", ""),
}
"""A saved card's state in few words, and how it is colored."""
TAKEBACKS = {
    TakebackState.DEMANDED: ("Waits for a person", "waiting"),
    TakebackState.COVERED: ("The patient owes nothing of it", ""),
    TakebackState.BILLED: ("The patient was billed", ""),
    TakebackState.FORGIVEN: ("The clinic bears it", ""),
}
"""How a payer's demand stands in few words, and how these are colored."""
CONSENT_WAYS = {
    (ConsentDeed.GIVEN, ConsentBy.LINK): "By the patient, on the page of a link",
    (ConsentDeed.GIVEN, ConsentBy.WRITING): "Signed on paper",
    (ConsentDeed.REVOKED, ConsentBy.LINK): "By the patient, on the page of a link",
    (ConsentDeed.REVOKED, ConsentBy.WRITING): "The patient told the clinic",
}
"""In which way a patient agreed, or took it back."""
CARD_GONE = "the last refund to this card or account came back"
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
CALLED_OFF = ("Called off", "")
"""Of one whose check was never written."""
NOT_BOOKED = ("Sent, not booked yet", "waiting")
"""Of one that was made in the processor's dashboard."""
LEAVES_HEALTH_ACCOUNT = (
    "A health account (HSA or FSA) paid this. By a check it does not go back there: it may count as income, "
    "for an HSA with a further tax, and the plan of an FSA may ask for it. Send it to the card or account "
    "that paid while that takes it; else have who paid ask the account's administrator first."
)
"""Source: as of the notice on the refund's receipt."""
AFTER_FAILURE = {
    Gone.ASKED: "is asked for again, and waits for approval",
    Gone.WAITS: "is on its way once more",
    Gone.SENT: "was sent once more",
    Gone.LOST: "was lost to a dispute",
    Gone.FAILED: "is credit again",
}
"""What became of the money of a refund that failed, or whose check was voided."""


def day_of(told: date | str) -> str:
    """A day as pages say it, also one that a frozen document holds: `2026-11-02` is `Nov 2, 2026`."""
    return day_in_words(date.fromisoformat(told) if isinstance(told, str) else told)


def clinic_local(when: date, zone: tzinfo) -> date:
    """A moment as the clinic's clock shows it; a day stays the day that it is."""
    return when.astimezone(zone) if isinstance(when, datetime) else when


def told_of_debit(refused: Checkout | None) -> str | None:
    """Of a debit that came to nothing, as one tells who wanted to pay."""
    if refused is None:
        return None
    why = NO_DEBIT.get(refused.decline or "", "the bank gave no reason")
    return f"The payment from a bank account did not go through: {why}."


def payment_in_words(payment: Payment) -> str:
    """`Card (visa 4242)`."""
    return paid_with(payment.tender, payment.instrument)


def no_money(payment: Payment, *, was_banked: bool = True) -> str | None:
    """Why a payment is no money of the patient any more, if it is none."""
    if payment.state is PaymentState.BOUNCED and not was_banked:
        return NEVER_BANKED
    return NO_MONEY.get(payment.state)


def marks_of(
    payment: Payment, back: WentBack, disputed: Money | None, *, was_banked: bool = True
) -> list[tuple[str, str]]:
    """Whose a payment was, what became of it, with colors; nothing of an ordinary one.

    `disputed` is what a bank holds of it until it has decided.
    """
    became = became_of(payment, back, disputed, was_banked=was_banked)
    return [*([(OTHERS, "")] if payment.payer_id else []), *became]


def became_of(
    payment: Payment, back: WentBack, disputed: Money | None, *, was_banked: bool = True
) -> list[tuple[str, str]]:
    """What became of a payment, where whose it was is known."""
    told = [
        (no_money(payment, was_banked=was_banked) or "", "bad"),
        *((each, "bad") for each in parts_gone(payment, disputed)),
        (f"{back.sent} refunded" if back.sent else "", ""),
        (f"{back.waits} being refunded" if back.waits else "", "waiting"),
        (f"a refund of {back.asked} waits for approval" if back.asked else "", "waiting"),
    ]
    return [(mark, color) for mark, color in told if mark]


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


def planned_way(payment: Payment, method: RefundMethod) -> str:
    """As `way_back`, and why what the processor took goes back by check all the same."""
    way = way_back(payment, method)
    return way if method is goes_back_by(payment.tender) else f"{way}: {CARD_GONE}"


def leaves_health_account(
    payment: Payment | None, method: RefundMethod, *, is_credit_of_one: bool = False
) -> str | None:
    """What to know before money of a health account goes elsewhere, also as the credit that it became."""
    is_of_one = is_credit_of_one if payment is None else payment.is_health_account
    return LEAVES_HEALTH_ACCOUNT if is_of_one and method is RefundMethod.CHECK else None


def when_seen(method: RefundMethod) -> str:
    """When whoever gets the money has it, before it was sent."""
    if method is RefundMethod.CHECK:
        return "They have it when the check arrives. Write the check and enter its number next."
    return "Their bank shows it {} to {} business days after it was sent.".format(*BANKS_TAKE)


def shown_between(sent_on: date) -> tuple[date, date]:
    """From when to when a bank shows what was sent on a day."""
    first, last = BANKS_TAKE
    return _business_days_after(sent_on, first), _business_days_after(sent_on, last)


def outcome_of(refund: Refund) -> tuple[str, str]:
    """How a refund stands in a few words, and how these are colored."""
    if refund.has_left_unbooked:
        return NOT_BOOKED
    return CALLED_OFF if refund.was_called_off else OUTCOMES[(refund.state, refund.method)]


def progress_of(refund: Refund, after: Gone | None = None) -> str:
    """What became of a refund, and what comes next, as one tells the patient.

    `after` is what became of the money of one that failed.
    """
    if refund.has_left_unbooked:
        return f"It was made in the processor's dashboard. {_when_booked(refund)}"
    if refund.state is RefundState.REQUESTED:
        return "Another person has to approve it. The amount is set aside until then."
    if refund.state is RefundState.REJECTED:
        why = f": {REJECTIONS[refund.rejected_for].lower()}" if refund.rejected_for else ""
        return f"It was refused{why}. {money_of_refused(refund)}"
    if refund.is_voided:
        return f"{(refund.reference or 'The check').capitalize()} was voided. The money is owed as before."
    if refund.state is RefundState.UNCLAIMED:
        return "Nobody took it for years, so it is set aside for the state."
    if refund.state is RefundState.FAILED:
        return _told_of_failed(refund, after)
    if refund.method is RefundMethod.CHECK:
        return _progress_of_check(refund)
    if refund.refunded_on is None:
        return "The processor is being told. This takes a minute."
    first, last = (day_in_words(on) for on in shown_between(refund.refunded_on))
    return f"Sent on {day_in_words(refund.refunded_on)}. Their bank shows it between {first} and {last}."


def _when_booked(refund: Refund) -> str:
    if refund.state is RefundState.REQUESTED:
        return "It is booked once another person approves it."
    return "It is being booked; this takes a minute."


def money_of_refused(refund: Refund) -> str:
    """Where the money is of a refund that was refused."""
    if refund.rejected_for is Rejection.DISPUTE_LOST:
        return "What the bank left of the money is where it was before."
    if refund.made_by_hand and refund.rejected_for is not Rejection.CAME_BACK:
        return "The money has left all the same: it stays a task until it is booked, or comes back."
    return "The money is where it was before."


def told_to_payer(refund: Refund) -> str | None:
    """What who paid is told of a refund; nothing before it is approved, or when it came to nothing.

    One that was made in the processor's dashboard was sent, whoever has to approve its booking.
    """
    if refund.has_left_unbooked:
        return "It was sent to the card or account that paid."
    if refund.state not in (RefundState.APPROVED, RefundState.SENT, RefundState.SUCCEEDED):
        return None
    if refund.refunded_on is None:
        return "It is on its way. Look here again tomorrow."
    sent = day_in_words(refund.refunded_on)
    if refund.method is RefundMethod.CHECK:
        return f"Sent by check on {sent}."
    first, last = (day_in_words(on) for on in shown_between(refund.refunded_on))
    return f"Sent on {sent} to the card or account that paid. Your bank shows it between {first} and {last}."


def _told_of_failed(refund: Refund, after: Gone | None) -> str:
    if refund.rejected_for is Rejection.DISPUTE_LOST and refund.refunded_on is not None:
        return "It came back. A dispute of the payment was lost, so that the bank has the money."
    if refund.rejected_for is Rejection.DISPUTE_LOST:
        return "It was called off: a dispute of the payment was lost, so that the bank has the money."
    if after and after is not Gone.FAILED:
        return f"It failed. The money {AFTER_FAILURE[after]}."
    if refund.refunded_on is None:
        return "It did not go out, and the money is credit again. Send it in another way."
    return "The money did not arrive and is held as credit again. Send it in another way."


def _progress_of_check(refund: Refund) -> str:
    if refund.refunded_on is None:
        return "Approved. Write the check, then enter its number with this refund."
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
