"""Reads X12 835 files (005010X221A1, and the older 004010X091) as insurers really send them.

oxedi finds the delimiters and cuts the bytes into segments; what is here checks the envelopes and turns the
segments into records. A file is read to its end or refused whole, and the refusal names the segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NoReturn

import oxedi

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.records import (
    Adjustment,
    ProviderAdjustment,
    RemittanceClaim,
    RemittanceFile,
    RemittanceLine,
    RemittanceTransaction,
)
from billing.kernel.errors import Flaw
from billing.kernel.money import LARGEST_CENTS, ZERO, Money

LARGEST_FILE = 50_000_000
"""Bytes; some 300,000 claims."""
HEADER_BYTES = 400
"""More than an ISA segment can take."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
KNOWN = frozenset({
    "BPR", "NTE", "TRN", "CUR", "REF", "DTM", "N1", "N2", "N3", "N4", "PER", "RDM", "LX", "TS2", "TS3", "CLP",
    "CAS", "NM1", "MIA", "MOA", "SVC", "AMT", "QTY", "LQ", "PLB",
})  # fmt: skip
VERSIONS = ("005010X221", "004010X091")
AMOUNT = re.compile(rb"(-?)([0-9]{0,13})(?:\.([0-9]{0,2}))?")
SERVICE_DATES = frozenset({"472", "150"})
"""DTM01 of a line: the day of service, or the first of a period."""


@lru_cache(maxsize=4_096)
def cents_of(dollars: bytes) -> int | None:
    """`-12.5` is -1250; None for what is no decimal number, has an exponent or more than two decimals."""
    match = AMOUNT.fullmatch(dollars)
    if match is None or not (match[2] or match[3]):
        return None
    cents = int(match[2] or 0) * 100 + int((match[3] or b"").ljust(2, b"0"))
    return -cents if match[1] else cents


@dataclass(slots=True)
class Segment:
    """One segment; `place` counts from 1 over the whole file."""

    place: int
    id: str
    elements: Sequence[bytes | list[bytes]]

    def text(self, element: int, *, longest: int = 80) -> str:
        """The element, counted from 1 as in X12, or empty when it is not there."""
        if element > len(self.elements):
            return ""
        value = self.elements[element - 1]
        return self._decoded(b":".join(value) if isinstance(value, list) else value, element, longest)

    def part(self, element: int, component: int) -> str:
        """A component of an element, counted from 1; the whole element when it has one only."""
        value = self.elements[element - 1] if element <= len(self.elements) else b""
        parts = value if isinstance(value, list) else [value]
        return self._decoded(parts[component - 1], element, 80) if component <= len(parts) else ""

    def needed(self, element: int, *, longest: int = 80) -> str:
        return self.text(element, longest=longest) or self.refuse(element, "is missing")

    def amount(self, element: int, *, empty: Money | None = None) -> Money:
        """Dollars and cents, exactly. `empty` stands in for an amount that need not be sent."""
        value = self.elements[element - 1] if element <= len(self.elements) else b""
        if not value and empty is not None:
            return empty
        cents = None if isinstance(value, list) else cents_of(value)
        if cents is None:
            self.refuse(element, "is no amount of dollars with at most two decimals")
        if abs(cents) > LARGEST_CENTS:
            self.refuse(element, "is larger than any payment")
        return Money(cents)

    def day(self, element: int) -> date | None:
        """CCYYMMDD, the first day of a range, or None when it is no date."""
        text = self.text(element)[:8]
        if not re.fullmatch(r"[0-9]{8}", text, re.ASCII):
            return None
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            return None

    def refuse(self, element: int, complaint: str) -> NoReturn:
        refuse(self.place, f"{self.id}{element:02d} {complaint}.")

    def _decoded(self, value: bytes, element: int, longest: int) -> str:
        try:
            text = value.decode().strip()
        except UnicodeDecodeError:
            text = value.decode("latin-1").strip()
        if not text.isprintable():
            self.refuse(element, "has characters that cannot be printed")
        if len(text) > longest:
            self.refuse(element, f"is longer than {longest} characters")
        return text


@dataclass
class OpenLine:
    """An SVC segment, while what belongs to it is still being read."""

    head: Segment
    adjustments: list[Adjustment] = field(default_factory=list)
    served_on: date | None = None
    control_number: str = ""

    def closed(self) -> RemittanceLine:
        return RemittanceLine(
            self.head.place,
            self.head.text(1),
            self.head.amount(2),
            self.head.amount(3),
            tuple(self.adjustments),
            self.served_on,
            self.control_number,
        )


@dataclass
class OpenClaim:
    """A CLP segment, while what belongs to it is still being read."""

    head: Segment
    adjustments: list[Adjustment] = field(default_factory=list)
    lines: list[OpenLine] = field(default_factory=list)

    def closed(self) -> RemittanceClaim:
        head = self.head
        return RemittanceClaim(
            head.place,
            head.needed(1, longest=50),
            head.needed(2, longest=2),
            head.amount(3),
            head.amount(4),
            head.amount(5, empty=ZERO),
            head.text(7, longest=50),
            tuple(self.adjustments),
            tuple(line.closed() for line in self.lines),
        )


class Edi835Reader:
    """The port's reader. It keeps nothing between files."""

    def read(self, content: bytes) -> RemittanceFile:
        """Raises: UnreadableRemittance, naming the segment."""
        if len(content) > LARGEST_FILE:
            refuse(1, f"The file is larger than {LARGEST_FILE // 1_000_000} MB.")
        if not content.removeprefix(BYTE_ORDER_MARK).strip():
            refuse(1, "The file is empty.")
        transactions: list[RemittanceTransaction] = []
        for segments in _interchanges(content):
            transactions.extend(_interchange(Cursor(segments)))
        if not transactions:
            refuse(1, "The file holds no ST transaction.")
        return RemittanceFile(tuple(transactions))


class Cursor:
    """The segments of one interchange, taken one after another."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments
        self._next = 0

    def next_id(self) -> str:
        return self._segments[self._next].id if self._next < len(self._segments) else ""

    def take(self, wanted: str) -> Segment:
        if self._next >= len(self._segments):
            last = self._segments[-1]
            refuse(last.place, f"The file ends after {last.id} and before its {wanted}: it is cut off.")
        segment = self._segments[self._next]
        if segment.id != wanted:
            refuse(segment.place, f"{segment.id[:20]!r} stands where {wanted} is to come.")
        self._next += 1
        return segment

    def body(self) -> list[Segment]:
        """What stands before the next SE, which is left to be taken."""
        first = self._next
        while self.next_id() in KNOWN:
            self._next += 1
        return self._segments[first : self._next]


def _interchanges(content: bytes) -> Iterator[list[Segment]]:
    """Cut the file at each ISA; each interchange has delimiters of its own."""
    start, place = len(content) - len(content.removeprefix(BYTE_ORDER_MARK)), 0
    while content[start : start + HEADER_BYTES].strip():
        document = _indexed(content[start : start + HEADER_BYTES], place)
        end = _end_of_interchange(content, start, document.delimiters)
        segments = _segments(_indexed(content[start:end], place), place)
        yield segments
        place, start = place + len(segments), end
    if content[start:].strip():
        refuse(place + 1, "Something stands after the last interchange.")


def _indexed(content: bytes, place: int) -> oxedi.Document:
    try:
        return oxedi.parse(content).document
    except (oxedi.ParseError, ValueError) as error:
        raise _refusal(place + 1, f"This is no X12 interchange: {error}.") from None


def _end_of_interchange(content: bytes, start: int, delimiters: oxedi.Delimiters) -> int:
    """One byte past the terminator of the IEA; the end of the file when there is none."""
    trailer = re.compile(re.escape(delimiters.segment) + rb"[\r\n\t ]*IEA" + re.escape(delimiters.element))
    found = trailer.search(content, start)
    end = content.find(delimiters.segment, found.end()) if found else -1
    return end + 1 if end >= 0 else len(content)


def _segments(document: oxedi.Document, place: int) -> list[Segment]:
    segments: list[Segment] = []
    for index in range(len(document)):
        raw = document[index]
        name = raw.id.decode("latin-1")
        if name or raw.raw.strip(b"\r\n\t " + document.delimiters.segment):
            segments.append(Segment(place + len(segments) + 1, name, raw.elements))
    return segments


def _interchange(cursor: Cursor) -> Iterator[RemittanceTransaction]:
    head, groups = cursor.take("ISA"), 0
    while cursor.next_id() == "TA1":
        cursor.take("TA1")
    while cursor.next_id() == "GS":
        groups += 1
        yield from _group(cursor)
    trailer = cursor.take("IEA")
    _same(trailer, 1, str(groups), "groups")
    _same(trailer, 2, head.text(13), "ISA13")


def _group(cursor: Cursor) -> Iterator[RemittanceTransaction]:
    head, sets = cursor.take("GS"), 0
    if not head.text(8).startswith(VERSIONS):
        head.refuse(8, "is no version of the 835 that can be read (005010X221A1, 004010X091A1)")
    group_date = head.day(4)
    while cursor.next_id() == "ST":
        sets += 1
        yield _transaction(cursor, group_date)
    trailer = cursor.take("GE")
    _same(trailer, 1, str(sets), "transactions")
    _same(trailer, 2, head.text(6), "GS06")


def _transaction(cursor: Cursor, group_date: date | None) -> RemittanceTransaction:
    head = cursor.take("ST")
    if head.text(1) != "835":
        head.refuse(1, "is not 835")
    body = cursor.body()
    trailer = cursor.take("SE")
    _same(trailer, 1, str(len(body) + 2), "segments")
    _same(trailer, 2, head.text(2), "ST02")
    return TransactionReader(head, body, group_date).read()


def _same(trailer: Segment, element: int, expected: str, of: str) -> None:
    told = trailer.text(element)
    if told != expected and told.lstrip("0") != expected.lstrip("0"):
        trailer.refuse(element, f"says {told[:20]!r}, but {of} is {expected[:20]!r}: something is missing")


class TransactionReader:
    """Turns the segments between ST and SE into a record."""

    def __init__(self, head: Segment, body: list[Segment], group_date: date | None) -> None:
        self._head = head
        self._body = body
        self._group_date = group_date
        self._first: dict[str, Segment] = {}
        self._payer: Segment | None = None
        self._payee_npi = ""
        self._produced_on: date | None = None
        self._claims: list[OpenClaim] = []
        self._provider_adjustments: list[ProviderAdjustment] = []

    def read(self) -> RemittanceTransaction:
        for segment in self._body:
            if taken := SEGMENTS.get(segment.id):
                taken(self, segment)
        payment, trace = self._header("BPR"), self._header("TRN")
        stated = payment.day(16)
        doubts = () if stated else (f"BPR16 at segment {payment.place} is no date of payment.",)
        return RemittanceTransaction(
            segment=self._head.place,
            payer_id=self._payer_id(payment, trace),
            payer_name=self._payer.text(2) if self._payer else "",
            payee_npi=self._payee_npi,
            trace=trace.needed(2, longest=50),
            amount=payment.amount(2),
            paid_on=stated or self._produced_on or self._group_date or payment.refuse(16, "is no date"),
            handling=payment.text(1),
            credit=payment.text(3) != "D",
            method=payment.text(4),
            claims=tuple(claim.closed() for claim in self._claims),
            provider_adjustments=tuple(self._provider_adjustments),
            doubts=doubts,
        )

    def _header(self, name: str) -> Segment:
        return self._first.get(name) or refuse(self._head.place, f"The transaction has no {name} segment.")

    def _payer_id(self, payment: Segment, trace: Segment) -> str:
        named = self._payer.text(4) or self._payer.text(2) if self._payer else ""
        return trace.text(3) or payment.text(10) or named or trace.refuse(3, "and N1*PR name no payer")

    def take_once(self, segment: Segment) -> None:
        if segment.id in self._first or self._claims:
            refuse(segment.place, f"A second {segment.id} in one transaction.")
        self._first[segment.id] = segment

    def take_party(self, segment: Segment) -> None:
        if segment.text(1) == "PR" and self._payer is None:
            self._payer = segment
        elif segment.text(1) == "PE" and segment.text(3) == "XX":
            self._payee_npi = segment.text(4)

    def take_date(self, segment: Segment) -> None:
        if segment.text(1) == "405":
            self._produced_on = segment.day(2)
        elif self._claims and self._claims[-1].lines and segment.text(1) in SERVICE_DATES:
            self._claims[-1].lines[-1].served_on = segment.day(2)

    def take_reference(self, segment: Segment) -> None:
        if self._claims and self._claims[-1].lines and segment.text(1) == "6R":
            self._claims[-1].lines[-1].control_number = segment.text(2, longest=50)

    def take_claim(self, segment: Segment) -> None:
        self._claims.append(OpenClaim(segment))

    def take_line(self, segment: Segment) -> None:
        self._open_claim(segment).lines.append(OpenLine(segment))

    def take_adjustments(self, segment: Segment) -> None:
        claim = self._open_claim(segment)
        owner = claim.lines[-1] if claim.lines else claim
        group = segment.needed(1, longest=2)
        for element in range(2, len(segment.elements) + 1, 3):
            code = segment.text(element, longest=5)
            if code or segment.text(element + 1):
                amount = segment.amount(element + 1)
                owner.adjustments.append(Adjustment(group, code or segment.needed(element), amount))

    def take_provider_adjustments(self, segment: Segment) -> None:
        for element in range(3, len(segment.elements) + 1, 2):
            if segment.text(element) or segment.text(element + 1):
                self._provider_adjustments.append(
                    ProviderAdjustment(
                        segment.place,
                        segment.part(element, 1),
                        segment.part(element, 2),
                        segment.amount(element + 1),
                    )
                )

    def _open_claim(self, segment: Segment) -> OpenClaim:
        if not self._claims:
            refuse(segment.place, f"{segment.id} stands before any CLP.")
        return self._claims[-1]


SEGMENTS: dict[str, Callable[[TransactionReader, Segment], None]] = {
    "BPR": TransactionReader.take_once,
    "TRN": TransactionReader.take_once,
    "N1": TransactionReader.take_party,
    "DTM": TransactionReader.take_date,
    "REF": TransactionReader.take_reference,
    "CLP": TransactionReader.take_claim,
    "SVC": TransactionReader.take_line,
    "CAS": TransactionReader.take_adjustments,
    "PLB": TransactionReader.take_provider_adjustments,
}


def refuse(place: int, complaint: str) -> NoReturn:
    raise _refusal(place, complaint)


def _refusal(place: int, complaint: str) -> UnreadableRemittance:
    return UnreadableRemittance(
        f"Segment {place}: {complaint} Nothing of the file was posted.", [Flaw(f"segment {place}", complaint)]
    )
