"""Stops of charges: from which days they may reach."""

from __future__ import annotations

from datetime import date

from billing.kernel.errors import Flaw
from billing.patients.errors import InvalidHold


def check_hold_day(effective_from: date, *, born_on: date, today: date) -> None:
    """Raises: InvalidHold for a day to come, and for one before the patient was born."""
    if effective_from > today:
        flaw = Flaw("/effective_from", "Give the day on which it happened, today or before.")
        raise InvalidHold("Charges cannot be stopped for what has not happened yet.", [flaw])
    if effective_from < born_on:
        flaw = Flaw("/effective_from", "Give a day on or after the birth date.")
        raise InvalidHold("That day is before the patient was born.", [flaw])
