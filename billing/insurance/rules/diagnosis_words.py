"""Short words that clinicians use and ICD-10-CM does not, and the codes under which it has them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "diagnosis-words.csv"


@cache
def codes_by_word() -> Mapping[str, Sequence[str]]:
    """Beginnings of codes, without dots, by a word in lower case."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return {row["word"]: row["codes"].replace(".", "").split() for row in csv.DictReader(rows)}
