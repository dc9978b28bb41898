"""CSV built by the database: a million rows pass through without becoming Python objects.

RFC 4180: CRLF, text quoted, quotes doubled. Text that a spreadsheet would take for a formula gets an
apostrophe in front; amounts are numbers with two decimals, negative ones too. The same on both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, case, cast, func, literal, literal_column

END = "\r\n"
FORMULA_STARTS = literal_column("('=', '+', '-', '@', '\t', '\r')", String())
QUOTE, TWO_QUOTES, APOSTROPHE, COMMA, POINT, MINUS, NOTHING = (
    literal_column(sql, String()) for sql in ("'\"'", "'\"\"'", "''''", "','", "'.'", "'-'", "''")
)
BETWEEN = literal_column("'\x1f'", String())
NEEDS_CARE = '\x1f[-=+@\t\r]|"'
"""In the texts of a row, each after a separator: one that begins like a formula, or holds a quote."""
HUNDRED = literal_column("100", BigInteger())


@dataclass(frozen=True)
class Cell:
    """A value as text; `is_text` when it comes from a text column, and so could be anything."""

    value: ColumnElement[str]
    is_text: bool = False


Cells = Mapping[str, Cell]
"""The cell of each column, by its heading."""


def header(cells: Cells) -> str:
    return ",".join(cells) + END


def line(cells: Cells) -> ColumnElement[str]:
    """One row as text, without its end. Only a row that needs it is quoted and guarded cell by cell."""
    told: ColumnElement[str] = NOTHING
    for cell in cells.values():
        told = told + BETWEEN + cell.value if cell.is_text else told
    plain = _joined(cells, lambda text: [text])
    careful = _joined(cells, lambda text: [_guard(text), func.replace(text, QUOTE, TWO_QUOTES)])
    return case((told.regexp_match(NEEDS_CARE), careful), else_=plain)


def words(value: ColumnElement[Any]) -> Cell:
    """A text cell; a missing value is an empty text."""
    return Cell(func.coalesce(value, NOTHING, type_=String()), is_text=True)


def named(code: ColumnElement[str], names: Mapping[str, str]) -> Cell:
    """A word of ours for a code, harmless as it stands; empty for an unknown one."""
    quoted = {key: literal('"' + name.replace('"', '""') + '"') for key, name in names.items()}
    return Cell(case(quoted, value=code, else_=NOTHING))


def whole(value: ColumnElement[Any]) -> Cell:
    """A whole number."""
    return Cell(cast(value, String))


def day(value: ColumnElement[Any]) -> Cell:
    """YYYY-MM-DD, empty when there is none."""
    return Cell(func.coalesce(cast(value, String), NOTHING))


def moment(value: ColumnElement[Any]) -> Cell:
    """An instant in UTC to the second, empty when there is none."""
    text = func.substr(cast(value, String), 1, 19)
    told = func.replace(text, literal_column("' '"), literal_column("'T'"), type_=String())
    return Cell(func.coalesce(told + literal_column("'Z'", String()), NOTHING))


def dollars(cents: ColumnElement[int]) -> Cell:
    """Cents as dollars: -1205 is -12.05."""
    return Cell(case((cents < 0, MINUS), else_=NOTHING) + _size(cents))


def dollars_where(condition: ColumnElement[bool], cents: ColumnElement[int]) -> Cell:
    """The size of an amount where the condition holds, and nothing elsewhere: a debit, or a credit."""
    return Cell(case((condition, _size(cents)), else_=literal_column("'0.00'", String())))


def _size(cents: ColumnElement[int]) -> ColumnElement[str]:
    """Two decimals, by whole numbers alone."""
    size = func.abs(cents, type_=BigInteger())
    after_point = func.substr(cast(HUNDRED + size % HUNDRED, String), 2, 2)
    return cast(size // HUNDRED, String) + POINT + after_point


def _joined(
    cells: Cells, told: Callable[[ColumnElement[str]], list[ColumnElement[str]]]
) -> ColumnElement[str]:
    parts: list[ColumnElement[str]] = []
    for cell in cells.values():
        parts += [COMMA, *([QUOTE, *told(cell.value), QUOTE] if cell.is_text else [cell.value])]
    return reduce(lambda before, part: before + part, parts[1:])


def _guard(text: ColumnElement[str]) -> ColumnElement[str]:
    return case((func.substr(text, 1, 1).bool_op("IN")(FORMULA_STARTS), APOSTROPHE), else_=NOTHING)
