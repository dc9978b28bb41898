"""Is the day that a payment gives for itself likely, and on which day is it booked? No clock, no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

MOST_AHEAD = timedelta(days=10)
"""Files come one to three banking days before the money, over holidays some more. Source: decision 134."""
MOST_AGO = timedelta(days=3 * 365)
UNLIKELY_DAY = "The payment says that it was paid on"
"""How each of these reasons begins."""


def is_too_far_ahead(paid_on: date, today: date) -> bool:
    """Whether nobody can say yet that the money came: the payer corrects it, or the day comes near."""
    return paid_on > today + MOST_AHEAD


def unlikely_day(paid_on: date, today: date, served: Iterable[date]) -> str | None:
    """Why a person has to look at the day; `served` are the days of the visits that it pays."""
    last = max(served, default=None)
    if is_too_far_ahead(paid_on, today):
        return f"{UNLIKELY_DAY} {paid_on}, more than {MOST_AHEAD.days} days from now. Has it the right year?"
    if paid_on < today - MOST_AGO:
        return f"{UNLIKELY_DAY} {paid_on}, more than three years ago. Has it the right year?"
    if last and paid_on < last:
        return f"{UNLIKELY_DAY} {paid_on}, before the visit of {last} for which it pays."
    return None


def booking_day(paid_on: date, today: date, served: Iterable[date]) -> date:
    """The payer's own day; today for one that is of a month to come, or that a person had to look at."""
    is_of_a_later_month = (paid_on.year, paid_on.month) > (today.year, today.month)
    return today if is_of_a_later_month or unlikely_day(paid_on, today, served) else paid_on
