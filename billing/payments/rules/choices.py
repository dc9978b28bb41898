"""By when patients choose what becomes of an insurer's money, and when they are reminded."""

from __future__ import annotations

from datetime import date, timedelta

from billing.payments.records.credits import CreditLot

ANSWERS_WITHIN = timedelta(days=30)
"""From the day on which the money is held; then it goes back. Source: docs/sources.md."""
LETTERS_EVERY = timedelta(minutes=15)
"""How often letters are written that ask: soon enough for who took the money in to see that one was."""
REMINDED_BEFORE = timedelta(days=7)
"""How long before it goes back a patient is reminded, and how long after the first letter at least."""


def goes_back_on(lot: CreditLot) -> date:
    """The day on which what waits for a choice goes back by itself."""
    return lot.waits_since + ANSWERS_WITHIN


def is_to_be_asked(lot: CreditLot, today: date) -> bool:
    """Whether there is still a day on which the patient can choose."""
    return lot.waits and goes_back_on(lot) > today


def is_to_be_reminded(lot: CreditLot, *, asked_on: date, today: date) -> bool:
    """Once the time is nearly over, but not soon after the first letter."""
    is_near = goes_back_on(lot) - REMINDED_BEFORE <= today
    return is_to_be_asked(lot, today) and is_near and asked_on + REMINDED_BEFORE <= today


def shown_as(lot: CreditLot) -> str:
    """How a credit stands, as a form of the patient's page carries it back."""
    return f"{lot.available.cents}-{lot.election or 'ask'}-{lot.waits_since.isoformat()}"
