"""What can go wrong with days that people write down."""

from __future__ import annotations

from billing.kernel.errors import Invalid


class BadDay(Invalid):
    """A thing that was done has a day that came already, and not before what it follows."""

    code = "bad-day"
