"""The envelopes of X12 files as they are really sent: several interchanges, separators of their own, a BOM.

What is here checks that each envelope is whole. A file is read to its end or refused, and the refusal names
the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TypeVar

from billing.adapters.x12_segments import (
    HEADER_BYTES,
    Segment,
    Separators,
    cut,
    refusal,
    refuse,
    separators_of,
)

LARGEST_FILE = 50_000_000
"""Bytes; some 300,000 claims."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANK, PADDING = b"\r\n\t ", b"\x00\x1a"
"""What may stand after the last segment: some transfers fill the file up, or mark its end as DOS did."""

T = TypeVar("T")


class Cursor:
    """The segments of one interchange, taken one after another; `place` counts over the whole file."""

    def __init__(self, segments: Iterator[list[str]], component: str, before: int) -> None:
        self._segments, self._component = segments, component
        self._stand_before(next(segments, None), before)

    def _stand_before(self, elements: list[str] | None, place: int) -> None:
        """`next_id` is empty at the end, and `?` for a segment without a name."""
        self._elements, self.place = elements, place
        self.next_id = (elements[0] or "?") if elements else ""

    def take(self, wanted: str) -> Segment:
        if not self.next_id:
            refuse(self.place, f"The file ends before its {wanted}: it is cut off.")
        if self.next_id != wanted:
            refuse(self.place + 1, f"{self.next_id[:20]!r} stands where {wanted} is to come.")
        return self.take_any()

    def take_any(self) -> Segment:
        segment = Segment(self.place + 1, self.next_id, self._elements or (), self._component)
        self._stand_before(next(self._segments, None), segment.place)
        return segment

    def each_of(self, known: Container[str], wanted: Container[str]) -> Iterator[Segment]:
        """As long as a known one comes, those that are wanted; what is known and not wanted is passed over.

        The cursor moves on when they have ended.
        """
        segments, component = self._segments, self._component
        elements, place = self._elements, self.place
        while elements and (name := elements[0]) in known:
            place += 1
            if name in wanted:
                yield Segment(place, name, elements, component)
            elements = next(segments, None)
        self._stand_before(elements, place)

    def end_set(self, head: Segment) -> None:
        """Take the SE that ends the set of this ST."""
        trailer = self.take("SE")
        _same(trailer, 1, str(trailer.place - head.place + 1), "segments")
        _same(trailer, 2, head.text(2), "ST02")


ReadSet = Callable[[Cursor, Segment], T]
"""Takes a set from its ST to its SE; told the GS of its group."""


def sets_of(content: bytes, read_set: ReadSet[T]) -> tuple[T, ...]:
    """What the sets of a file say, read to the end of the file.

    Raises: UnreadableRemittance, naming the segment.
    """
    if len(content) > LARGEST_FILE:
        refuse(1, f"The file is larger than {LARGEST_FILE // 1_000_000} MB.")
    if content.rstrip(BLANK).endswith((b"\x00", b"\x1a")):
        content = content.rstrip(BLANK + PADDING)
    if not content.removeprefix(BYTE_ORDER_MARK).strip():
        refuse(1, "The file is empty.")
    sets = tuple(_interchanges(content, read_set))
    if not sets:
        refuse(1, "The file holds no ST transaction.")
    return sets


def _interchanges(content: bytes, read_set: ReadSet[T]) -> Iterator[T]:
    """Cut the file at each ISA; each interchange has delimiters of its own."""
    start = place = 0
    while (header := content[start : start + HEADER_BYTES]).strip():
        start += len(header) - len(header.lstrip(BLANK).removeprefix(BYTE_ORDER_MARK))
        try:
            separators = separators_of(content, start)
        except ValueError as error:
            raise refusal(place + 1, f"This is no X12 interchange: {error}.") from None
        end = _end_of_interchange(content, start, separators)
        cursor = Cursor(cut(content, start, end, separators), separators.component, place)
        yield from _interchange(cursor, read_set)
        if cursor.next_id:
            refuse(cursor.place + 1, f"{cursor.next_id[:20]!r} stands after the end of the interchange.")
        place, start = cursor.place, end
    if content[start:].strip():
        refuse(place + 1, "Something stands after the last interchange.")


def _end_of_interchange(content: bytes, start: int, separators: Separators) -> int:
    """One byte past the terminator of the IEA; the end of the file when there is none."""
    element, _, terminator = (each.encode("latin-1") for each in separators)
    trailer, blank = b"IEA" + element, BLANK.replace(terminator, b"")
    found = content.find(trailer, start)
    while found >= 0 and not content[start:found].rstrip(blank).endswith(terminator):
        start, found = found, content.find(trailer, found + 1)
    end = content.find(terminator, found + len(trailer)) if found >= 0 else -1
    return end + 1 if end >= 0 else len(content)


def _interchange(cursor: Cursor, read_set: ReadSet[T]) -> Iterator[T]:
    head, groups = cursor.take("ISA"), 0
    while cursor.next_id == "TA1":
        cursor.take("TA1")
    while cursor.next_id == "GS":
        groups += 1
        yield from _group(cursor, read_set)
    trailer = cursor.take("IEA")
    _same(trailer, 1, str(groups), "groups")
    _same(trailer, 2, head.text(13), "ISA13")


def _group(cursor: Cursor, read_set: ReadSet[T]) -> Iterator[T]:
    head, sets = cursor.take("GS"), 0
    while cursor.next_id == "ST":
        sets += 1
        yield read_set(cursor, head)
    trailer = cursor.take("GE")
    _same(trailer, 1, str(sets), "transactions")
    _same(trailer, 2, head.text(6), "GS06")


def _same(trailer: Segment, element: int, expected: str, of: str) -> None:
    told = trailer.text(element)
    if told != expected and told.lstrip("0") != expected.lstrip("0"):
        trailer.refuse(element, f"says {told[:20]!r}, but {of} is {expected[:20]!r}: something is missing")
