"""Ids made by us: a prefix that names the kind, then 26 letters and digits that sort by birth."""

from __future__ import annotations

import secrets
import time

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in lower case."""


PAIRS = [first + second for first in LETTERS for second in LETTERS]


def id_pattern(prefix: str) -> str:
    """The regular expression of the ids of one kind, without anchors."""
    return rf"{prefix}_[{LETTERS}]{{26}}"


def new_id(prefix: str) -> str:
    """`new_id("inv")` is like `inv_0cv7...`: 56 bits of microseconds, then 74 random ones."""
    number = (time.time_ns() // 1_000) << 74 | secrets.randbits(74)
    return f"{prefix}_" + "".join([PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def birth_of(made: str) -> str:
    """What an id sorts by, beside those of other kinds."""
    return made.partition("_")[2]
