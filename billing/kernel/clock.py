"""The only place that reads the time. Edges call a clock; everything below takes `now` or `as_of`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

Clock = Callable[[], datetime]
"""Answers an aware instant in UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)


def file_clock(path: Path) -> Clock:
    """A movable clock: the instant that the file holds, ISO 8601 with an offset, read at each call.

    Web, worker and stand-in share one file, so that a demo or a test moves them together.
    Raises, when called: ValueError when the file holds no such instant.
    """

    def read() -> datetime:
        instant = datetime.fromisoformat(path.read_text().strip())
        if instant.tzinfo is None:
            raise ValueError(
                f"{path} must hold an instant with its offset, such as 2026-11-02T09:00:00-06:00"
            )
        return instant.astimezone(UTC)

    return read


def clock_from(path: str | None) -> Clock:
    """The clock that the setting CLINIC_CLOCK asks for: a file's, or else the system's."""
    return file_clock(Path(path)) if path else system_clock


def local_date(instant: datetime, zone: tzinfo) -> date:
    """The clinic-local date of an aware instant."""
    return instant.astimezone(zone).date()


def day_in_words(on: date) -> str:
    """`Nov 2, 2026`: as people read a day on every page, paper and message of the clinic's own."""
    return f"{on:%b} {on.day}, {on.year}"


def told_minutes(minutes: int) -> str:
    """`1 minute`, `45 minutes`."""
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
