"""Days that people write down of what was done outside: held against the clinic's own calendar."""

from __future__ import annotations

from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.kernel.clock import day_in_words
from billing.kernel.errors import Flaw
from billing.payments.errors.days import BadDay
from billing.platform.data.database import Read


def refuse_unless_past(
    read: Read, site_id: str, field: str, day: date, now: datetime, *, since: date | None = None
) -> None:
    """`field` is the input's name, `since` the first day on which it can have been done.

    Raises: BadDay.
    """
    today = site_date(read, site_id, now)
    if day > today:
        raise _bad(field, f"Must be {day_in_words(today)} or earlier: that is today at the site.")
    if since is not None and day < since:
        raise _bad(field, f"Must be {day_in_words(since)} or later.")


def _bad(field: str, what: str) -> BadDay:
    return BadDay(what, [Flaw(f"/{field}", what)])
