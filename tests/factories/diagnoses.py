"""Order files as CMS publishes them, with the codes that a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

Row = tuple[str, str, str]
"""A code without its dot, its flag and its description."""

FEW: Sequence[Row] = (
    ("F32", "0", "Depressive episode"),
    ("F321", "1", "Major depressive disorder, single episode, moderate"),
    ("F33", "0", "Major depressive disorder, recurrent"),
    ("F332", "1", "Major depressive disorder, recurrent severe without psychotic features"),
    ("F337", "1", "A disorder that only the year of 2027 knows"),
    ("R52", "1", "Pain, unspecified"),
)


def whole(rows: Sequence[Row] = FEW) -> Sequence[Row]:
    """These, and a billable code for every chapter that they leave out, as an edition has it."""
    left = sorted(set(ascii_uppercase) - {code[0] for code, _, _ in rows})
    return [*rows, *((f"{letter}0ZZ", "1", "A code of another chapter") for letter in left)]


def order_line(order: int, row: Row) -> str:
    code, flag, description = row
    return f"{order:05} {code:<7} {flag} {description[:60]:<60} {description}"


def order_file(rows: Sequence[Row] = FEW, *, newline: str = "\r\n") -> bytes:
    """Whole lines, each with its end."""
    return "".join(order_line(order, row) + newline for order, row in enumerate(rows, 1)).encode()
