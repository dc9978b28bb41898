"""Reads what is sent back for files of claims: X12 999 (005010X231A1) and 277CA (005010X214).

Codes are kept, and nothing that repeats what stood in a claim (IK404, CTX, STC12).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from billing.adapters.x12_interchange import Cursor, sets_of
from billing.adapters.x12_segments import Segment
from billing.insurance.errors import UnreadableAcknowledgement, UnreadableRemittance
from billing.insurance.records.acknowledgements import Acknowledgement, Verdict
from billing.insurance.rules.acknowledgements import REFUSED_FORM, verdict_of

FORM, CLAIMS = "999", "277CA"
SETS = {"999": "005010X231", "277": "005010X214"}
"""What is read, by ST01: the beginning of the version in GS08."""
KNOWN = frozenset({
    "AK1", "AK2", "IK3", "IK4", "IK5", "AK9", "CTX", "BHT", "HL", "NM1", "TRN", "DTP", "STC", "QTY", "AMT",
    "REF", "SVC", "PER", "N3", "N4",
})  # fmt: skip
MOST_CODES = 40
"""Of one claim; a line of a long claim may have several."""
LONGEST_CODE = 20
RECEIVER, PROVIDER, PATIENT = "21", "19", "PT"
"""HL03: who sent the file, who treated, and the patient of one claim."""
ABOUT_FILE = frozenset({RECEIVER, PROVIDER})

Read = tuple[Acknowledgement, ...]


class X12AcknowledgementReader:
    """The port's reader. It keeps nothing between files."""

    def read(self, content: bytes) -> Read:
        """Raises: UnreadableAcknowledgement, naming the segment."""
        try:
            sets = sets_of(content, _read_set)
        except UnreadableRemittance as error:
            (flaw,) = error.flaws
            told = f"{flaw.pointer.capitalize()}: {flaw.message} Nothing of the file was taken."
            raise UnreadableAcknowledgement(told, error.flaws) from None
        return tuple(each for read in sets for each in read)


def _read_set(cursor: Cursor, group: Segment) -> Read:
    head = cursor.take("ST")
    kind = head.text(1)
    if kind not in SETS:
        head.refuse(1, "is neither 999 nor 277")
    if not group.text(8).startswith(SETS[kind]):
        group.refuse(8, "is no version that can be read (999: 005010X231A1, 277CA: 005010X214)")
    segments = []
    while cursor.next_id in KNOWN:
        segments.append(cursor.take_any())
    cursor.end_set(head)
    reader = FormReader if kind == "999" else ClaimsReader
    return tuple(reader(head, group.text(3)).read(segments))


def _number(segment: Segment, element: int) -> int:
    text = segment.needed(element, longest=9)
    return int(text) if re.fullmatch(r"[0-9]+", text, re.ASCII) else segment.refuse(element, "is no number")


def _code(segment: Segment, name: str, *elements: int) -> str:
    """Such as `IK3:NM1:2010BA:8`: the segment and some of its elements, those at the end only if there."""
    told = [segment.text(element, longest=LONGEST_CODE) for element in elements]
    return ":".join([name, *told]).rstrip(":").replace(" ", "")


class FormReader:
    """A 999: whether a group that we sent, and each of its transactions, has the right form."""

    def __init__(self, head: Segment, receiver_id: str) -> None:
        self._head, self._receiver_id = head, receiver_id

    def read(self, segments: list[Segment]) -> Iterator[Acknowledgement]:
        group = _first(segments, "AK1") or self._head.refuse(1, "has no AK1 after it")
        interchange = _number(group, 2)
        trailer = _first(segments, "AK9") or group.refuse(2, "has no AK9 after it: the answer is cut off")
        if trailer.needed(1) in REFUSED_FORM:
            codes = [*self._codes(segments), _code(trailer, "AK9", 5, 6, 7, 8, 9)]
            yield self._told(group, interchange, None, Verdict.REJECTED, codes)
            return
        opened: Segment | None = None
        inside: list[Segment] = []
        for segment in segments:
            if segment.id == "AK2":
                opened, inside = segment, []
            elif segment.id == "IK5" and opened:
                refused = segment.needed(1) in REFUSED_FORM
                verdict = Verdict.REJECTED if refused else Verdict.NOTED
                codes = self._codes([*inside, segment])
                yield self._told(opened, interchange, _number(opened, 2), verdict, codes)
                opened = None
            inside.append(segment)
        if opened:
            opened.refuse(2, "has no IK5 after it: the answer is cut off")
        if not _first(segments, "AK2"):
            yield self._told(group, interchange, None, Verdict.NOTED, [])

    def _codes(self, segments: list[Segment]) -> list[str]:
        places = {"IK3": (1, 3, 4), "IK4": (1, 3), "IK5": (1, 2, 3, 4, 5, 6)}
        return [_code(each, each.id, *places[each.id]) for each in segments if each.id in places]

    def _told(
        self, at: Segment, interchange: int, set_number: int | None, verdict: Verdict, codes: list[str]
    ) -> Acknowledgement:
        return Acknowledgement(
            segment=at.place,
            kind=FORM,
            receiver_id=self._receiver_id,
            interchange_number=interchange,
            set_number=set_number,
            control_number="",
            verdict=verdict,
            codes=tuple(dict.fromkeys(codes))[:MOST_CODES],
            payer_claim_number="",
        )


@dataclass
class Level:
    """An HL of a 277CA, with what stands below it up to the next one."""

    head: Segment
    kind: str
    trace: str = ""
    payer_claim_number: str = ""
    statuses: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    is_at_line: bool = False


class ClaimsReader:
    """A 277CA: what the insurer, or a program before it, says of each claim."""

    def __init__(self, head: Segment, receiver_id: str) -> None:
        self._head, self._receiver_id = head, receiver_id

    def read(self, segments: list[Segment]) -> Iterator[Acknowledgement]:
        levels = list(_levels(segments))
        above = [level for level in levels if level.kind in ABOUT_FILE]
        reference = next((level.trace for level in above if level.kind == RECEIVER), "")
        interchange, set_number = _our_file(reference)
        claims = [level for level in levels if level.kind == PATIENT]
        for level in claims:
            if not level.trace:
                level.head.refuse(3, "is PT, but no TRN*2 below it names the claim")
            yield self._told(level, interchange, set_number, level.trace, [level])
        if not claims:
            at = above[0] if above else self._head.refuse(1, "holds neither a claim nor who sent it")
            yield self._told(at, interchange, set_number, "", above)

    def _told(
        self,
        at: Level,
        interchange: int | None,
        set_number: int | None,
        control_number: str,
        levels: list[Level],
    ) -> Acknowledgement:
        return Acknowledgement(
            segment=at.head.place,
            kind=CLAIMS,
            receiver_id=self._receiver_id,
            interchange_number=interchange,
            set_number=set_number,
            control_number=control_number,
            verdict=verdict_of(status for level in levels for status in level.statuses),
            codes=tuple(dict.fromkeys(code for level in levels for code in level.codes))[:MOST_CODES],
            payer_claim_number=at.payer_claim_number,
        )


def _levels(segments: list[Segment]) -> Iterator[Level]:
    level: Level | None = None
    for segment in segments:
        if segment.id == "HL":
            if level:
                yield level
            level = Level(segment, segment.needed(3, longest=2))
        elif level:
            _take(level, segment)
    if level:
        yield level


def _take(level: Level, segment: Segment) -> None:
    if segment.id == "TRN" and segment.text(1) == "2":
        level.trace = segment.text(2, longest=50)
    elif segment.id == "REF" and segment.text(1) == "1K":
        level.payer_claim_number = segment.text(2, longest=50)
    elif segment.id == "SVC":
        level.is_at_line = True
    elif segment.id == "STC":
        if not level.is_at_line:
            level.statuses.append((segment.part(1, 1), segment.text(3)))
        level.codes += [_code(segment, "STC", each) for each in (1, 10, 11) if segment.text(each)]


def _our_file(reference: str) -> tuple[int | None, int | None]:
    """The control number and transaction out of our BHT03: nine digits and four."""
    found = re.fullmatch(r"([0-9]{9})([0-9]{4})", reference, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _first(segments: list[Segment], name: str) -> Segment | None:
    return next((segment for segment in segments if segment.id == name), None)
