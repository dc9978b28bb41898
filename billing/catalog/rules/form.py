"""Checks that every part of a clinic's file shares."""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.catalog.records import INFUSION, Rate
from billing.catalog.rules.document import Block

LONGEST_MINUTES = 24 * 60
"""A visit ends within a day."""

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


def is_slug(text: str) -> bool:
    return bool(_SLUG.fullmatch(text))


def is_code(text: str) -> bool:
    return bool(_CODE.fullmatch(text))


def is_priced(category: str, rates: Sequence[Rate]) -> bool:
    """Whether infusions for that category have a price."""
    return any(rate.service == INFUSION and rate.category in (None, category) for rate in rates)


def note_repeats(blocks: Sequence[Block], key: str, values: Sequence[str]) -> None:
    """A code names one thing only."""
    seen: dict[str, int] = {}
    for block, value in zip(blocks, values, strict=True):
        if value in seen:
            block.note(key, f"`{value}` is there already, in line {seen[value]}")
        seen.setdefault(value, block.line)
