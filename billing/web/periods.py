"""Days and years that stand in the address of a page that only looks."""

from __future__ import annotations

from datetime import date

from flask import request

from billing.kernel.errors import Flaw
from billing.platform.http.errors import InvalidRequest
from billing.web.portal.dates import date_of


def day_in_query(field: str) -> date | None:
    """None where none is named. Raises: InvalidRequest."""
    text = request.args.get(field, "").strip()
    if not text:
        return None
    day = date_of(text)
    if day is None or not 1900 <= day.year <= 2200:
        raise _refused(field, "Type a day of the calendar, such as 11/02/2026.")
    return day


def year_in_query(field: str = "year") -> int | None:
    """None where none is named. Raises: InvalidRequest."""
    text = request.args.get(field, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) == len("2026")):
        raise _refused(field, "Type a year of four figures, such as 2026.")
    return int(text)


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [Flaw(f"/{field}", message)])
