"""CSV built by the database: a million rows pass through without becoming Python objects.

RFC 4180: CRLF, text quoted, quotes doubled. Text that a spreadsheet would take for a formula gets an
apostrophe in front; amounts are numbers with two decimals, negative ones too. The same on both databases.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, case, cast, func, literal_column

END = "\r\n"
FORMULA_STARTS = literal_column("('=', '+', '-', '@', '\t', '\r')", String())
QUOTE, TWO_QUOTES, APOSTROPHE, COMMA, POINT, MINUS, NOTHING = (
    literal_column(sql, String()) for sql in ("'\"'", "'\"\"'", "''''", "','", "'.'", "'-'", "''")
)
HUNDRED = literal_column("100", BigInteger())

Cells = Mapping[str, ColumnElement[Any]]
"""The cell of each column, by its heading."""


def header(cells: Cells) -> str:
    return ",".join(cells) + END


def line(cells: Cells) -> ColumnElement[str]:
    """One row as text, without its end."""
    first, *others = cells.values()
    return reduce(lambda told, cell: told + COMMA + cell, others, _text(first))


def words(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A text cell; a missing value is an empty cell."""
    text = _text(value)
    guard = case((func.substr(text, 1, 1).bool_op("IN")(FORMULA_STARTS), APOSTROPHE), else_=NOTHING)
    return func.coalesce(QUOTE + guard + func.replace(text, QUOTE, TWO_QUOTES) + QUOTE, NOTHING)


def whole(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A whole number."""
    return cast(value, String)


def day(value: ColumnElement[Any]) -> ColumnElement[str]:
    """YYYY-MM-DD, empty when there is none."""
    return func.coalesce(cast(value, String), NOTHING)


def moment(value: ColumnElement[Any]) -> ColumnElement[str]:
    """An instant in UTC to the second, empty when there is none."""
    told = func.replace(func.substr(cast(value, String), 1, 19), literal_column("' '"), literal_column("'T'"))
    return func.coalesce(told + literal_column("'Z'", String()), NOTHING)


def dollars(cents: ColumnElement[int]) -> ColumnElement[str]:
    """Cents as dollars, by whole numbers alone: -1205 is -12.05."""
    size = func.abs(cents, type_=BigInteger())
    sign = case((cents < 0, MINUS), else_=NOTHING)
    after_point = func.substr(cast(HUNDRED + size % HUNDRED, String), 2, 2)
    return sign + cast(size // HUNDRED, String) + POINT + after_point


def _text(value: ColumnElement[Any]) -> ColumnElement[str]:
    return value if isinstance(value.type, String) else cast(value, String)
