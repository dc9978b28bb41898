"""What people are told of payouts: how one stands, what it is made of, and how that adds up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from billing.kernel.money import Money, total
from billing.payments.records.payouts import Payout, PayoutContents, PayoutPart
from billing.payments.records.reconciliation import Family
from billing.payments.states.payouts import PayoutState
from billing.web.words import day_of

STATES = {
    PayoutState.PENDING: ("On its way", "waiting"),
    PayoutState.IN_TRANSIT: ("On its way", "waiting"),
    PayoutState.PAID: ("Arrived", "good"),
    PayoutState.FAILED: ("Came back", "bad"),
    PayoutState.CANCELED: ("Called off", ""),
}
"""How a payout stands in few words, and how that is colored; until its day see `stands`."""
UNDER_WAY = (PayoutState.PENDING, PayoutState.IN_TRANSIT)
FAMILIES = {
    Family.CHARGE: "Payments",
    Family.REFUND: "Refunds",
    Family.DISPUTE: "Disputes",
    Family.PAYOUT: "Other payouts",
    Family.MOVEMENT: "Other movements",
}
PARTS = {
    "charge": "Payment",
    "charge_failure": "Payment that the bank refused",
    "refund": "Refund",
    "refund_failure": "Refund that came back",
    "dispute": "Dispute",
    "dispute_reversal": "Dispute, given back",
    "payout": "Payout made by hand before",
    "payout_reversal": "Payout that came back",
    "fee": "Fee of the processor",
}
"""By the processor's reporting category."""


def is_under_way(payout: Payout, today: date) -> bool:
    """Whether it is still to arrive: one that is called paid ahead of its day may yet come back.

    Source: docs.stripe.com/api/payouts/object, `status` and `arrival_date`.
    """
    return payout.state in UNDER_WAY or (payout.state is PayoutState.PAID and payout.arrives_on > today)


def stands(payout: Payout, today: date) -> tuple[str, str]:
    """How a payout stands on a day at the clinic, and how that is colored."""
    if not is_under_way(payout, today):
        return STATES[payout.state]
    words, color = STATES[PayoutState.IN_TRANSIT]
    return (f"{words}, arrives {day_of(payout.arrives_on)}" if payout.arrives_on >= today else words), color


def part_in_words(part: PayoutPart) -> str:
    """A category that has no words has its own name for words."""
    return PARTS.get(part.category) or part.category.replace("_", " ").capitalize()


def added_up(contents: PayoutContents) -> Iterator[tuple[str, int | None, Money]]:
    """What each kind brought before fees, how many of it, the fees, and what is not told.

    Together this is the payout's amount.
    """
    for family, words in FAMILIES.items():
        parts = [part for part in contents.parts if part.family is family]
        if parts:
            yield words, len(parts), total(_gross(part) for part in parts)
    elsewhere = contents.elsewhere
    if elsewhere:
        yield "Other sites", elsewhere.count, elsewhere.gross
    fees = total(part.net - _gross(part) for part in contents.parts)
    fees += elsewhere.net - elsewhere.gross if elsewhere else Money(0)
    if fees:
        yield "Fees", None, fees
    told = total(part.net for part in contents.parts)
    untold = contents.payout.amount - told - (elsewhere.net if elsewhere else Money(0))
    if untold:
        yield "The processor does not say", None, untold


def outcome_of(payout: Payout, today: date) -> str:
    """What became of the whole amount."""
    if is_under_way(payout, today):
        return "On its way to the bank"
    if payout.state is PayoutState.PAID:
        return "Paid to the bank" if payout.amount > Money(0) else "Taken from the bank"
    return STATES[payout.state][0]


def why_untold(payout: Payout) -> str:
    """Why nothing is known of what a payout is made of."""
    if not payout.is_automatic:
        return "Made by hand in the processor's dashboard: the processor does not say of what."
    if payout.state in UNDER_WAY:
        return "The processor says what it is made of once it has arrived."
    return "The processor has not said yet what it is made of. It may be hours later."


def _gross(part: PayoutPart) -> Money:
    return part.net if part.gross is None else part.gross
