"""Reads X12 835 files (005010X221A1, and the older 004010X091) as insurers really send them.

What is here turns the segments of each transaction into records. A file is read to its end or refused whole,
and the refusal names the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from billing.adapters.x12_interchange import Cursor, sets_of
from billing.adapters.x12_segments import Segment, refuse
from billing.insurance.errors import UnreadableRemittance
from billing.insurance.records import (
    Adjustment,
    ProviderAdjustment,
    RemittanceClaim,
    RemittanceFile,
    RemittanceLine,
    RemittanceTransaction,
)
from billing.kernel.money import ZERO

KNOWN = frozenset({
    "BPR", "NTE", "TRN", "CUR", "REF", "DTM", "N1", "N2", "N3", "N4", "PER", "RDM", "LX", "TS2", "TS3", "CLP",
    "CAS", "NM1", "MIA", "MOA", "SVC", "AMT", "QTY", "LQ", "PLB",
})  # fmt: skip
VERSIONS = ("005010X221", "004010X091")
REMARKS = {"MIA": (5, 20, 21, 22, 23), "MOA": (3, 4, 5, 6, 7), "LQ": (2,)}
"""Where remark codes stand."""
DOLLARS = "USD"
SERVICE_DATES = frozenset({"472", "150"})
"""DTM01 of a line: the day of service, or the first of a period."""
CLAIM_DATES = frozenset({"232", "233"})
"""DTM01 of a claim: the first day that it is for, and the last."""
INSURED, PATIENT = "IL", "QC"
MEMBER_NUMBERS = frozenset({"MI", "HN"})
"""NM108 of a number that the card shows, and not of the person."""


@lru_cache(maxsize=4_096)
def usual_adjustment(group: str, code: str, amount: str, component: str) -> Adjustment | None:
    """Of a CAS with one adjustment, as most have; one record for all claims that say the same.

    None for one that cannot be read, since its place is not told here.
    """
    segment = Segment(0, "CAS", ("CAS", group, code, amount), component)
    try:
        return Adjustment(segment.needed(1, longest=2), segment.needed(2, longest=5), segment.amount(3))
    except UnreadableRemittance:
        return None


@dataclass(slots=True)
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


@dataclass(slots=True)
class OpenClaim:
    """A CLP segment, while what belongs to it is still being read."""

    head: Segment
    adjustments: list[Adjustment] = field(default_factory=list)
    lines: list[OpenLine] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    member_id: str = ""
    days: list[date] = field(default_factory=list)

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
            tuple([line.closed() for line in self.lines]),
            tuple(dict.fromkeys(self.remarks)) if self.remarks else (),
            self.member_id,
            tuple(self.days),
        )


class Edi835Reader:
    """The port's reader. It keeps nothing between files."""

    def read(self, content: bytes) -> RemittanceFile:
        """Raises: UnreadableRemittance, naming the segment."""
        return RemittanceFile(sets_of(content, _transaction))


def _transaction(cursor: Cursor, group: Segment) -> RemittanceTransaction:
    if not group.text(8).startswith(VERSIONS):
        group.refuse(8, "is no version of the 835 that can be read (005010X221A1, 004010X091A1)")
    head = cursor.take("ST")
    if head.text(1) != "835":
        head.refuse(1, "is not 835")
    reader = TransactionReader(head, group.day(4))
    for segment in cursor.each_of(KNOWN, SEGMENTS):
        SEGMENTS[segment.id](reader, segment)
    cursor.end_set(head)
    return reader.transaction()


class TransactionReader:
    """Turns the segments between ST and SE into a record, one after another."""

    def __init__(self, head: Segment, group_date: date | None) -> None:
        self._head = head
        self._group_date = group_date
        self._first: dict[str, Segment] = {}
        self._payer: Segment | None = None
        self._payee_npi = self._payee_tin = ""
        self._produced_on: date | None = None
        self._open: OpenClaim | None = None
        self._claims: list[RemittanceClaim] = []
        self._provider_adjustments: list[ProviderAdjustment] = []

    def transaction(self) -> RemittanceTransaction:
        self._close_claim()
        payment, trace = self._header("BPR"), self._header("TRN")
        stated = payment.day(16)
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
            claims=tuple(self._claims),
            provider_adjustments=tuple(self._provider_adjustments),
            doubts=tuple(self._doubts(payment)),
            payee_tin=self._payee_tin,
        )

    def _doubts(self, payment: Segment) -> Iterator[str]:
        if not payment.day(16):
            yield f"BPR16 at segment {payment.place} is no date of payment."
        currency = self._first.get("CUR")
        if currency and currency.text(2) != DOLLARS:
            yield f"CUR02 at segment {currency.place} says {currency.text(2)}: the books are in {DOLLARS}."

    def _header(self, name: str) -> Segment:
        return self._first.get(name) or refuse(self._head.place, f"The transaction has no {name} segment.")

    def _payer_id(self, payment: Segment, trace: Segment) -> str:
        named = self._payer.text(4) or self._payer.text(2) if self._payer else ""
        return trace.text(3) or payment.text(10) or named or trace.refuse(3, "and N1*PR name no payer")

    def take_once(self, segment: Segment) -> None:
        if segment.id in self._first or self._open:
            refuse(segment.place, f"A second {segment.id} in one transaction.")
        self._first[segment.id] = segment

    def take_party(self, segment: Segment) -> None:
        if segment.text(1) == "PR" and self._payer is None:
            self._payer = segment
        elif segment.text(1) == "PE" and segment.text(3) == "XX":
            self._payee_npi = segment.text(4)
        elif segment.text(1) == "PE" and segment.text(3) == "FI":
            self._payee_tin = segment.text(4)

    def take_date(self, segment: Segment) -> None:
        which, claim = segment.text(1), self._open
        if which == "405":
            self._produced_on = segment.day(2)
        elif claim and claim.lines and which in SERVICE_DATES:
            claim.lines[-1].served_on = segment.day(2)
        elif claim and which in CLAIM_DATES and (on := segment.day(2)):
            claim.days.append(on)

    def take_person(self, segment: Segment) -> None:
        """The insured's number comes before the patient's own, when it is there."""
        which, claim = segment.readable(1), self._open
        is_member = which in (INSURED, PATIENT) and segment.readable(8) in MEMBER_NUMBERS
        if claim and is_member and (number := segment.readable(9)):
            claim.member_id = number if which == INSURED else claim.member_id or number

    def take_reference(self, segment: Segment) -> None:
        if self._open and self._open.lines and segment.text(1) == "6R":
            self._open.lines[-1].control_number = segment.text(2, longest=50)

    def take_claim(self, segment: Segment) -> None:
        self._close_claim()
        self._open = OpenClaim(segment)

    def take_line(self, segment: Segment) -> None:
        self._open_claim(segment).lines.append(OpenLine(segment))

    def take_adjustments(self, segment: Segment) -> None:
        claim = self._open_claim(segment)
        owner = claim.lines[-1] if claim.lines else claim
        elements = segment.elements
        if len(elements) == 4 and (usual := usual_adjustment(*elements[1:], segment.component)):
            owner.adjustments.append(usual)
            return
        group, adjustments = segment.needed(1, longest=2), owner.adjustments
        for element in range(2, len(elements), 3):
            code = segment.text(element, longest=5)
            if code or segment.text(element + 1):
                amount = segment.amount(element + 1)
                adjustments.append(Adjustment(group, code or segment.needed(element), amount))

    def take_remarks(self, segment: Segment) -> None:
        """Of a claim in MIA and MOA, of a line in LQ*HE; what stands before any claim is nobody's."""
        elements = REMARKS[segment.id] if segment.id != "LQ" or segment.text(1) == "HE" else ()
        codes = [segment.text(element, longest=50) for element in elements]
        if self._open:
            self._open.remarks += filter(None, codes)

    def take_provider_adjustments(self, segment: Segment) -> None:
        for element in range(3, len(segment.elements), 2):
            if segment.text(element) or segment.text(element + 1):
                self._provider_adjustments.append(
                    ProviderAdjustment(
                        segment.place,
                        segment.part(element, 1, longest=2),
                        segment.part(element, 2, longest=50),
                        segment.amount(element + 1),
                    )
                )

    def _open_claim(self, segment: Segment) -> OpenClaim:
        return self._open or refuse(segment.place, f"{segment.id} stands before any CLP.")

    def _close_claim(self) -> None:
        if self._open:
            self._claims.append(self._open.closed())


SEGMENTS: dict[str, Callable[[TransactionReader, Segment], None]] = {
    "BPR": TransactionReader.take_once,
    "TRN": TransactionReader.take_once,
    "CUR": TransactionReader.take_once,
    "N1": TransactionReader.take_party,
    "DTM": TransactionReader.take_date,
    "NM1": TransactionReader.take_person,
    "REF": TransactionReader.take_reference,
    "CLP": TransactionReader.take_claim,
    "SVC": TransactionReader.take_line,
    "CAS": TransactionReader.take_adjustments,
    **dict.fromkeys(REMARKS, TransactionReader.take_remarks),
    "PLB": TransactionReader.take_provider_adjustments,
}
