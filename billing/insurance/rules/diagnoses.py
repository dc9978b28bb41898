"""Which diagnoses an insurer takes: billable codes of that day that do not exclude each other."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from heapq import nsmallest
from itertools import chain, combinations, takewhile

from billing.insurance.records import Diagnosis, Edition
from billing.insurance.rules.diagnosis_words import codes_by_word
from billing.insurance.rules.lines import MOST_DIAGNOSES
from billing.kernel.errors import Flaw

CODE = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?")
CODE_BEGINNING = re.compile(r"[A-Z][0-9A-Z]{0,6}")
WORD = re.compile(r"[^\W_]+")


def find_diagnosis(edition: Edition, code: str) -> Diagnosis | None:
    """What the edition says of a code, which has its dot."""
    if not CODE.fullmatch(code):
        return None
    start = f"{code.replace('.', '')}\t"
    found = next(_lines_from(edition, start), None)
    return _diagnosis(found) if found else None


def diagnosis_or_unknown(edition: Edition, code: str) -> Diagnosis:
    """As `find_diagnosis`, and in plain words when the edition has no such code."""
    found = find_diagnosis(edition, code)
    return found or Diagnosis(code=code, description="No such code on that day", is_billable=False)


def is_billable(edition: Edition, code: str) -> bool:
    """Whether the code is a leaf of the classification."""
    found = find_diagnosis(edition, code)
    return found is not None and found.is_billable


def diagnosis_flaws(edition: Edition, codes: Sequence[str]) -> list[Flaw]:
    """Why an insurer would refuse these diagnoses one by one, each at its place in the list."""
    if not codes or len(codes) > MOST_DIAGNOSES:
        return [Flaw("/diagnoses", f"Give 1 to {MOST_DIAGNOSES} diagnoses.")]
    flaws = []
    for place, code in enumerate(codes):
        if code in codes[:place]:
            flaws.append(Flaw(f"/diagnoses/{place}", "A diagnosis stands twice. Name it once."))
        elif not is_billable(edition, code):
            told = f"{code} is no billable ICD-10-CM code on that day; name the most specific one."
            flaws.append(Flaw(f"/diagnoses/{place}", told))
    return flaws


def diagnosis_flaw(edition: Edition, codes: Sequence[str]) -> str | None:
    """The first of the flaws in words, or None."""
    return next((flaw.message for flaw in diagnosis_flaws(edition, codes)), None)


def newly_excluding(
    edition: Edition, codes: tuple[str, ...], accepted: Iterable[tuple[str, ...]]
) -> tuple[str, str] | None:
    """The first two that exclude each other, unless a paper stands with the very same codes."""
    return None if codes in accepted else excluding_pair(edition, codes)


def exclusion_told(pair: tuple[str, str]) -> str:
    """What to do about two that exclude each other."""
    return (
        f"{' and '.join(pair)} exclude each other (an Excludes1 note). Leave one out, or say that the "
        "provider finds them unrelated."
    )


def excluding_pair(edition: Edition, codes: Sequence[str]) -> tuple[str, str] | None:
    """The first two codes of which an Excludes1 note of one, or of what stands above it, names the other.

    Source: ICD-10-CM Official Guidelines for Coding and Reporting, section I.A.12.a.
    """
    if len(codes) < 2:
        return None
    bare = {code: code.replace(".", "") for code in codes}
    excluded = {code: _excluded_by(edition, bare[code]) for code in codes}
    return next(
        (
            (one, other)
            for one, other in combinations(codes, 2)
            if _is_meant(excluded[one], bare[other]) or _is_meant(excluded[other], bare[one])
        ),
        None,
    )


def search_diagnoses(edition: Edition, text: str, limit: int) -> Sequence[Diagnosis]:
    """What begins with this code, with or without its dot, or else has words that begin with each of these.

    A word that clinicians use stands for its codes. Billable ones come first, and of these what begins with
    the first word; where only headings have the words, what is under them is found, too.
    """
    start, words = text.strip().upper().replace(".", ""), WORD.findall(_folded(text))
    by_code = _best(_lines_from(edition, start), limit) if CODE_BEGINNING.fullmatch(start) else []
    if by_code:
        return by_code
    return _best(_lines_meant(edition, words) or _lines_told(edition, words), limit, *words[:1])


def _lines_from(edition: Edition, start: str) -> Iterator[str]:
    place = bisect_left(edition.lines, start)
    return takewhile(
        lambda line: line.startswith(start), (edition.lines[at] for at in range(place, len(edition.lines)))
    )


def _lines_meant(edition: Edition, words: Sequence[str]) -> Sequence[str]:
    """What stands under the codes of clinicians' own words, in that order, with all other words."""
    short = [word for word in words if word in codes_by_word()]
    others = [_beginning(word) for word in words if word not in short]
    under = [list(_under(edition, codes_by_word()[word])) for word in short]
    return [line for line in chain(*under[:1]) if _has(line, others) and all(line in each for each in under)]


def _lines_told(edition: Edition, words: Sequence[str]) -> Sequence[str]:
    lines = list(_lines_with(edition, words))
    if any(line.split("\t")[1] == "1" for line in lines):
        return lines
    return sorted(set(_under(edition, [line.partition("\t")[0] for line in lines])))


def _under(edition: Edition, starts: Iterable[str]) -> Iterator[str]:
    return (line for start in starts for line in _lines_from(edition, start))


def _beginning(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(word)}")


def _has(line: str, begun: Iterable[re.Pattern[str]]) -> bool:
    description = _folded(line).split("\t", 2)[2]
    return all(word.search(description) for word in begun)


def _lines_with(edition: Edition, words: Sequence[str]) -> Iterator[str]:
    """The longest word is looked for first: it is seldom there."""
    if not words:
        return
    longest = max(words, key=len)
    begun = [_beginning(word) for word in words]
    for line in edition.lines:
        if longest in _folded(line) and _has(line, begun):
            yield line


def _folded(text: str) -> str:
    """Without capitals and accents: nobody types the one of Ménière."""
    if text.isascii():
        return text.lower()
    return "".join(each for each in unicodedata.normalize("NFKD", text) if each.isascii()).lower()


def _best(lines: Iterable[str], limit: int, beginning: str = "") -> Sequence[Diagnosis]:
    """In the order of their codes, but billable ones first, and of these what begins with that word."""

    def rank(line: str) -> tuple[bool, bool]:
        _, flag, description = line.split("\t")
        return flag != "1", not _folded(description).startswith(beginning)

    return [_diagnosis(line) for line in nsmallest(limit, lines, key=rank)]


def _diagnosis(line: str) -> Diagnosis:
    bare, flag, description = line.split("\t")
    code = f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare
    return Diagnosis(code=code, description=description, is_billable=flag == "1")


def _excluded_by(edition: Edition, code: str) -> Sequence[str]:
    return [each for note in edition.notes if _is_meant(note.owners, code) for each in note.excluded]


def _is_meant(references: Iterable[str], code: str) -> bool:
    return any(_matches(each, code) for each in references)


def _matches(reference: str, code: str) -> bool:
    """`F33` and what is more specific, `F30-F39` with all between, `I69?23` with any one character."""
    if "?" in reference:
        return fnmatchcase(code, f"{reference}*")
    first, _, last = reference.partition("-")
    last = last or first
    return code[: len(first)] >= first and code[: len(last)] <= last
