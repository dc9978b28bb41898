"""A date that a patient types."""

from __future__ import annotations

import re
from datetime import date

AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def date_of(text: str) -> date | None:
    """As a browser sends it, or `05/17/1980` as a person types it where a browser has no field for dates."""
    american = AMERICAN.fullmatch(text.strip())
    month_first = f"{american[3]}-{american[1]:0>2}-{american[2]:0>2}" if american else text.strip()
    try:
        return date.fromisoformat(month_first)
    except ValueError:
        return None
