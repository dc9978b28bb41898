"""X12 segments as they come out of a file, and the refusal that names one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple, NoReturn

from billing.insurance.errors import UnreadableRemittance
from billing.kernel.errors import Flaw
from billing.kernel.money import LARGEST_CENTS, Money

AMOUNT = re.compile(r"(-?)([0-9]{0,13})(?:\.([0-9]{0,2}))?")
BLANK = "\r\n\t "
"""What may stand around a segment."""
HEADER_BYTES = 400
"""More than an ISA segment can take."""
HEADER_ELEMENTS = 16
BLOCK_BYTES = 65_536
"""A file is cut a block at a time, so that it is never held a second time."""


class Separators(NamedTuple):
    """A character each, as the file's own ISA has them."""

    element: str
    component: str
    terminator: str


def separators_of(content: bytes, start: int) -> Separators:
    """The byte behind the letters ISA, ISA16, and the byte behind that; senders may leave out padding.

    Raises: ValueError, saying what is wrong.
    """
    header = content[start : start + HEADER_BYTES].decode("latin-1").lstrip(BLANK)
    if not header.startswith("ISA") or len(header) == len("ISA"):
        raise ValueError("it does not start with an ISA segment")
    element = header[3]
    *told, last = header.split(element, HEADER_ELEMENTS)
    if len(told) < HEADER_ELEMENTS or len(last) < 2:
        raise ValueError("its ISA segment is cut off")
    return Separators(element, component=last[0], terminator=last[1])


def cut(content: bytes, start: int, end: int, separators: Separators) -> Iterator[list[str]]:
    """Each segment's name and elements, a character a byte, so that place 1 is the first element.

    Blank ones are passed over.
    """
    element, terminator = separators.element, separators.terminator
    mark = terminator.encode("latin-1")
    while start < end:
        stop = content.rfind(mark, start, min(start + BLOCK_BYTES, end))
        if stop < 0:
            stop = content.find(mark, start, end)
        if stop < 0:
            stop = end
        for raw in content[start:stop].decode("latin-1").split(terminator):
            if segment := raw.lstrip(BLANK):
                yield segment.split(element)
        start = stop + 1


@lru_cache(maxsize=4_096)
def money_of(dollars: str) -> Money | None:
    """`-12.5` is -$12.50; None for what is no decimal number, has an exponent or more than two decimals."""
    match = AMOUNT.fullmatch(dollars)
    if match is None or not (match[2] or match[3]):
        return None
    cents = int(match[2] or 0) * 100 + int((match[3] or "").ljust(2, "0"))
    return Money(-cents if match[1] else cents)


REPEATED = 100
"""Characters: codes, dates and names repeat from claim to claim, and nothing that is longer is kept."""


def text_of(value: str) -> str | None:
    """Trimmed, and read as UTF-8 where it is that; None for what cannot be printed."""
    return _usual_text(value) if len(value) <= REPEATED else _decoded(value)


@lru_cache(maxsize=4_096)
def _usual_text(value: str) -> str | None:
    return _decoded(value)


def _decoded(value: str) -> str | None:
    if not value.isascii():
        with suppress(UnicodeDecodeError):
            value = value.encode("latin-1").decode()
    text = value.strip()
    return text if text.isprintable() else None


@lru_cache(maxsize=4_096)
def day_of(text: str) -> date | None:
    """CCYYMMDD, or None when it is no date."""
    if not re.fullmatch(r"[0-9]{8}", text, re.ASCII):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


@dataclass(slots=True)
class Segment:
    """One segment; `place` counts from 1 over the whole file, and `elements` begin with its name."""

    place: int
    id: str
    elements: Sequence[str]
    component: str

    def text(self, element: int, *, longest: int = 80) -> str:
        """The element, counted from 1 as in X12, or empty when it is not there."""
        elements = self.elements
        if element >= len(elements):
            return ""
        value = elements[element]
        if self.component in value:
            value = value.replace(self.component, ":")
        text = text_of(value)
        return text if text is not None and len(text) <= longest else self._unusable(text, element, longest)

    def readable(self, element: int, *, longest: int = 80) -> str:
        """The element of a segment that is only looked at; empty where it cannot be used."""
        text = text_of(self.elements[element]) if element < len(self.elements) else ""
        return text if text is not None and len(text) <= longest else ""

    def part(self, element: int, component: int, *, longest: int = 80) -> str:
        """A component of an element, counted from 1; the whole element when it has one only."""
        value = self.elements[element] if element < len(self.elements) else ""
        parts = value.split(self.component)
        text = text_of(parts[component - 1]) if component <= len(parts) else ""
        return text if text is not None and len(text) <= longest else self._unusable(text, element, longest)

    def needed(self, element: int, *, longest: int = 80) -> str:
        return self.text(element, longest=longest) or self.refuse(element, "is missing")

    def amount(self, element: int, *, empty: Money | None = None) -> Money:
        """Dollars and cents, exactly. `empty` stands in for an amount that need not be sent."""
        elements = self.elements
        value = elements[element] if element < len(elements) else ""
        if not value and empty is not None:
            return empty
        amount = None if self.component in value or len(value) > REPEATED else money_of(value)
        if amount is None:
            self.refuse(element, "is no amount of dollars with at most two decimals")
        if not -LARGEST_CENTS <= amount.cents <= LARGEST_CENTS:
            self.refuse(element, "is larger than any payment")
        return amount

    def day(self, element: int) -> date | None:
        """CCYYMMDD, the first day of a range, or None when it is no date."""
        return day_of(self.text(element)[:8])

    def refuse(self, element: int, complaint: str) -> NoReturn:
        refuse(self.place, f"{self.id}{element:02d} {complaint}.")

    def _unusable(self, text: str | None, element: int, longest: int) -> NoReturn:
        if text is None:
            self.refuse(element, "has characters that cannot be printed")
        self.refuse(element, f"is longer than {longest} characters")


def refuse(place: int, complaint: str) -> NoReturn:
    raise refusal(place, complaint)


def refusal(place: int, complaint: str) -> UnreadableRemittance:
    return UnreadableRemittance(
        f"Segment {place}: {complaint} Nothing of the file was posted.", [Flaw(f"segment {place}", complaint)]
    )
