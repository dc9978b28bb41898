"""What the room wants of the outside world."""

from __future__ import annotations

from collections.abc import Callable

from billing.accounting.records.statements import Statement
from billing.accounting.records.year_statements import YearEnd

RenderStatement = Callable[[Statement], bytes]
"""Draws a patient's statement as a PDF; the same statement gives the same bytes."""

RenderYearEnd = Callable[[YearEnd], bytes]
"""Draws a patient's year as a PDF; the same year gives the same bytes."""
