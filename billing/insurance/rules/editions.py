"""Editions of ICD-10-CM: those that are shipped, and the files in which CMS publishes others."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

from billing.insurance.errors import UnreadableDiagnoses
from billing.insurance.records import Edition, ExcludesNote
from billing.kernel.errors import Flaw

SHIPPED = (date(2026, 4, 1),)
"""From which day of service on each shipped edition holds, the oldest first.

Source: ICD-10-CM of fiscal year 2026, release of April 1, 2026 (NCHS, CMS).
"""
CODE = re.compile(r"[A-Z][0-9A-Z]{2,6}")
OCTOBER = 10
SHORTEST, LONGEST = 78, 400
"""Columns of a line of an order file; the long description begins in the last of the shortest."""
REFUSED = "The file is refused whole: it is no order file of ICD-10-CM."
BLANK = (5, 13, 15, 76)
"""The columns between the order number, the code, the flag and the two descriptions, from 0."""


def shipped_on(on: date) -> Edition:
    """The shipped edition in force; the oldest also serves days before it."""
    return _shipped(next((each for each in reversed(SHIPPED) if each <= on), SHIPPED[0]))


@cache
def _shipped(starts_on: date) -> Edition:
    path = Path(__file__).parents[1] / "data" / f"icd10cm-{starts_on}.txt.gz"
    codes, _, notes = gzip.decompress(path.read_bytes()).decode().partition("\n\n")
    return Edition(
        starts_on=starts_on,
        lines=codes.split("\n"),
        notes=[_note(*line.split("\t")) for line in notes.split("\n")],
    )


def _note(owners: str, excluded: str) -> ExcludesNote:
    return ExcludesNote(owners=tuple(owners.split()), excluded=tuple(excluded.split()))


def is_of_another_year(edition: Edition, on: date) -> bool:
    """Whether a year of codes began by that day that the edition is older than: each begins on October 1."""
    year = date(on.year if on.month >= OCTOBER else on.year - 1, OCTOBER, 1)
    return edition.starts_on < year


def packed(lines: Sequence[str]) -> bytes:
    """The lines of an edition as they are kept."""
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def unpacked(content: bytes) -> Sequence[str]:
    return gzip.decompress(content).decode().split("\n")


def billable_codes(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(code for code, flag, _ in (line.split("\t") for line in lines) if flag == "1")


# ------------------------------------------------------------------------------------- CMS's order file


def read_order_file(content: bytes) -> Sequence[str]:
    """The lines of an edition from a file such as icd10cm_order_2027.txt, whole or not at all.

    Raises: UnreadableDiagnoses, which names the first line that is not as CMS publishes it.
    """
    rows = [row.removesuffix("\r") for row in _text_of(content).removesuffix("\n").split("\n")]
    read: dict[str, str] = {}
    places: dict[str, int] = {}
    last_order = 0
    for place, row in enumerate(rows, 1):
        if wrong := _wrong_with(row):
            raise _refusal(place, wrong)
        order, code = int(row[:5]), row[6:13].rstrip()
        if order <= last_order:
            raise _refusal(place, f"its order number {order:05} does not come after {last_order:05}")
        if code in read:
            raise _refusal(place, f"the code {code} stands in line {places[code]} already")
        last_order, places[code] = order, place
        read[code] = f"{code}\t{row[14]}\t{' '.join(row[77:].split())}"
    codes = sorted(read)
    for code, following in zip(codes, [*codes[1:], ""], strict=True):
        has_more_specific = following.startswith(code)
        if has_more_specific == read[code].startswith(f"{code}\t1"):
            told = "is billable (1), but has" if has_more_specific else "is a heading (0), but has no"
            raise _refusal(places[code], f"the code {code} {told} more specific codes")
    return [read[code] for code in codes]


def refuse_cut_off(lines: Sequence[str], before: Sequence[str]) -> None:
    """Codes come and go, chapters stay: each letter with which the codes before began is there again.

    Raises: UnreadableDiagnoses.
    """
    if lost := sorted({line[0] for line in before} - {line[0] for line in lines}):
        raise _refusal(
            len(lines),
            f"it is the last, and no code begins with {', '.join(lost)} any more: the file was cut off",
        )


def _text_of(content: bytes) -> str:
    if not content.strip():
        raise _refusal(1, "the file is empty")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _refusal(content.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text") from None


def _wrong_with(row: str) -> str | None:
    """Why this is no line of an order file, or None."""
    if not row.isprintable():
        return "it holds a character that cannot be printed"
    if not SHORTEST <= len(row) <= LONGEST or any(row[column] != " " for column in BLANK):
        return (
            "it does not have the columns of an order file: number 1-5, code 7-13, flag 15, short "
            f"description 17-76, long description from 78 to {LONGEST} at most"
        )
    if not (row[:5].isascii() and row[:5].isdecimal()):
        return f"{row[:5]} is no order number"
    if not CODE.fullmatch(row[6:13].rstrip()):
        return f"{row[6:13].rstrip()} is no code of ICD-10-CM"
    if row[14] not in "01":
        return f"the flag {row[14]} is neither 0, a heading, nor 1, a billable code"
    return None if row[77:].strip() else "the long description is missing"


def _refusal(place: int, wrong: str) -> UnreadableDiagnoses:
    return UnreadableDiagnoses(REFUSED, [Flaw(f"line {place}", wrong)])
