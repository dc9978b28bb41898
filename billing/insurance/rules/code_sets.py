"""The codes that are billed: the shipped ones, and files in which a clinic keeps its own.

A file has a row for each code: what it is for, from how many minutes or mg to how many, the code, and how
the clinic words the line. Descriptors of CPT codes belong to the AMA: none is shipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from io import StringIO
from pathlib import Path

from billing.insurance.errors import UnreadableCodes
from billing.insurance.records.coding import CodeRow, CodeRule, CodeSet
from billing.kernel.errors import Flaw

SHIPPED = (date(2024, 1, 1), date(2026, 1, 1))
"""From which day of service on each shipped set holds; the oldest also serves days before it."""
COLUMNS = ("rule", "least", "most", "code", "instead_of", "words")
CODE = re.compile(r"[0-9]{4}[0-9A-Z]|[A-Z][0-9]{4}")
MODIFIER = re.compile(r"[0-9A-Z]{2}")
NUMBER = re.compile(r"[0-9]{1,5}")
MOST_WORDS, MOST_BYTES = 60, 100_000
REFUSED = "The file is refused whole: it is no code set."

MODIFIERS = frozenset({CodeRule.EVALUATION_MODIFIER, CodeRule.SECOND_SITE_MODIFIER})
RANGED = frozenset(
    {CodeRule.EVALUATION_FIRST, CodeRule.EVALUATION_LATER, CodeRule.PSYCHOTHERAPY, CodeRule.NASAL_BUNDLE}
)
"""Rules of several rows, told apart by minutes or mg."""
OF_DRUGS = frozenset({CodeRule.DRUG_CODE, CodeRule.DRUG_UNIT})
"""Rules of several rows, told apart by the drug's code."""
BOUNDED = frozenset({CodeRule.INFUSION_PUSH, CodeRule.INFUSION_INITIAL, CodeRule.HYDRATION_INITIAL})
NEEDED = (CodeRule.INFUSION_PUSH, CodeRule.INFUSION_INITIAL, CodeRule.INFUSION_ADDITIONAL)
"""Without these no infusion has a code; whatever else a set leaves out is not billed."""


def shipped_codes(on: date) -> CodeSet:
    """The shipped set in force. Sources: see docs/sources.md."""
    return _shipped(next((each for each in reversed(SHIPPED) if each <= on), SHIPPED[0]))


@cache
def _shipped(starts_on: date) -> CodeSet:
    path = Path(__file__).parents[1] / "data" / f"codes-{starts_on}.csv"
    return read_codes(path.read_bytes(), starts_on)


def read_codes(content: bytes, starts_on: date) -> CodeSet:
    """A set of codes, whole or not at all.

    Raises: UnreadableCodes, which names each line that is wrong.
    """
    rows = _table(content)
    read: list[tuple[int, CodeRow]] = []
    flaws: list[Flaw] = []
    for place, cells in rows:
        wrong = _wrong_with(cells)
        flaws += [Flaw(f"line {place}", wrong)] if wrong else []
        if not wrong:
            read.append((place, _row(cells)))
    if flaws := flaws or [*_clashes(read), *_missing(read, rows)]:
        raise UnreadableCodes(REFUSED, flaws)
    return CodeSet(starts_on, tuple(row for _, row in read))


def written_codes(codes: CodeSet) -> str:
    """A set as the file that it can be loaded from again."""
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in codes.rows:
        least, most = ("" if bound is None else bound for bound in (row.least, row.most))
        table.writerow((row.rule.value, least, most, row.code, row.instead_of, row.words))
    return text.getvalue()


def _table(content: bytes) -> list[tuple[int, list[str]]]:
    """Each row with its line. Raises: UnreadableCodes."""
    if len(content) > MOST_BYTES:
        raise UnreadableCodes(REFUSED, [Flaw("line 1", f"the file has more than {MOST_BYTES} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableCodes(REFUSED, [Flaw(f"line {line}", "this is not UTF-8 text")]) from None
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except csv.Error as error:
        raise UnreadableCodes(REFUSED, [Flaw(f"line {reader.line_num}", str(error))]) from None
    if not rows or tuple(rows[0][1]) != COLUMNS:
        raise UnreadableCodes(REFUSED, [Flaw("line 1", f"the columns are {','.join(COLUMNS)}")])
    return rows[1:]


def _wrong_with(cells: Sequence[str]) -> str | None:
    """Why this is no row of a code set, or None."""
    if len(cells) != len(COLUMNS):
        return f"a row has {len(COLUMNS)} cells, and this one {len(cells)}"
    name, least, most, code, instead_of, words = cells
    if name not in {rule.value for rule in CodeRule}:
        return f"there is no rule {name[:30]}"
    rule = CodeRule(name)
    if not (MODIFIER if rule in MODIFIERS else CODE).fullmatch(code):
        wanted = "a modifier has two" if rule in MODIFIERS else "a code has five"
        return f"{wanted} capitals or digits"
    if not all(bound == "" or NUMBER.fullmatch(bound) for bound in (least, most)):
        return "least and most are whole numbers, or empty"
    if least and most and int(least) > int(most):
        return "least is more than most"
    if len(words) > MOST_WORDS or not words.isprintable():
        return f"the words of a line have at most {MOST_WORDS} characters"
    return _wrong_for(rule, least, most, instead_of)


def _wrong_for(rule: CodeRule, least: str, most: str, instead_of: str) -> str | None:
    if rule in BOUNDED and not most:
        return "most is needed: up to how many minutes it is this code"
    if rule is CodeRule.DRUG_UNIT and (not least or int(least) < 1 or most):
        return "least is needed, and most stays empty: how many mg one unit is"
    if rule is CodeRule.DRUG_CODE and not CODE.fullmatch(instead_of):
        return "instead_of is needed: the code of the drug in the clinic's list"
    if rule is not CodeRule.DRUG_CODE and instead_of:
        return "instead_of is for drug_code alone"
    if rule not in BOUNDED | RANGED | OF_DRUGS and (least or most):
        return "this rule has no least and no most"
    return None


def _row(cells: Sequence[str]) -> CodeRow:
    name, least, most, code, instead_of, words = cells
    return CodeRow(
        rule=CodeRule(name),
        least=int(least) if least else None,
        most=int(most) if most else None,
        code=code,
        instead_of=instead_of,
        words=words,
    )


def _clashes(read: Sequence[tuple[int, CodeRow]]) -> Iterator[Flaw]:
    """Two rows that would answer the same question."""
    for number, (place, row) in enumerate(read):
        for former, other in read[:number]:
            if other.rule is row.rule and _answers_the_same(row, other):
                yield Flaw(f"line {place}", f"line {former} says this already")


def _answers_the_same(one: CodeRow, other: CodeRow) -> bool:
    if one.rule is CodeRule.DRUG_CODE:
        return one.instead_of == other.instead_of
    if one.rule is CodeRule.DRUG_UNIT:
        return one.code == other.code
    if one.rule not in RANGED:
        return True
    first, second = sorted((one, other), key=lambda row: row.least or 0)
    return first.most is None or first.most >= (second.least or 0)


def _missing(read: Sequence[tuple[int, CodeRow]], rows: Sequence[tuple[int, list[str]]]) -> Iterator[Flaw]:
    there, last = {row.rule for _, row in read}, rows[-1][0] if rows else 1
    for rule in NEEDED:
        if rule not in there:
            yield Flaw(f"line {last}", f"it is the last, and no row is for {rule}")
