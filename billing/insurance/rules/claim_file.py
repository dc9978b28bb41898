"""A file of claims as JSON, which is what is frozen, and read back out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from billing.insurance.records.claims import Interchange

MOST_CLAIMS = 5_000
"""In one transaction (CLM, note of 005010X222A1); a file has as many transactions as it needs."""


def interchange_body(interchange: Interchange) -> dict[str, Any]:
    """The file as JSON; `interchange_from` reads it back."""
    return asdict(interchange, dict_factory=_plain)


def interchange_from(body: Mapping[str, Any]) -> Interchange:
    interchange: Interchange = _record(Interchange, body)
    return interchange


def _read(kind: Any, value: Any) -> Any:
    """A value of that type out of JSON: frozen dataclasses, tuples of one type, dates, numbers and words."""
    if is_dataclass(kind):
        return _record(kind, value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], each) for each in value)
    if NoneType in get_args(kind):
        return None if value is None else _read(get_args(kind)[0], value)
    if kind in (datetime, date):
        return kind.fromisoformat(value)
    return kind(value) if kind is Decimal or issubclass(kind, StrEnum) else value


def _record(kind: Any, value: Any) -> Any:
    """What was frozen before a member existed has its default."""
    return kind(**{name: _read(hint, value[name]) for name, hint in _hints(kind).items() if name in value})


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _plain(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """JSON has no decimal numbers that stay exact: they are kept as text."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in members}
