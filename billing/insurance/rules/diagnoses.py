"""Which diagnoses an insurer takes: billable codes of that day that do not exclude each other."""

from __future__ import annotations

import lzma
import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from itertools import permutations
from pathlib import Path

from billing.insurance.rules.lines import MOST_DIAGNOSES

RELEASES = ((date(2025, 10, 1), "icd10cm-2026.txt.xz"),)
"""From which day of service on each list holds; a new year of codes starts each 1 October.

Source: ICD-10-CM of fiscal year 2026, April release (NCHS, CMS).
"""
CODE = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
EXCLUDES = (("F32", "F33"), ("F32", "F31"), ("G90.5", "G56.4"), ("G90.5", "G57.7"), ("G89", "R52"))
"""Beginnings of codes that are never given together (Excludes1 notes)."""


def is_billable(code: str, on: date) -> bool:
    """Whether the code is a leaf of the classification in force on that day of service."""
    return CODE.fullmatch(code) is not None and f"\n{code}\n" in _leaves(_release(on))


def diagnosis_flaw(codes: Sequence[str], on: date) -> str | None:
    """Why an insurer would refuse these diagnoses together, or None."""
    if not codes or len(codes) > MOST_DIAGNOSES:
        return f"A superbill takes 1 to {MOST_DIAGNOSES} diagnoses."
    if len(set(codes)) != len(codes):
        return "A diagnosis stands twice."
    for code in codes:
        if not is_billable(code, on):
            return f"{code} is no billable ICD-10-CM code on {on}; name the most specific one."
    for one, other in permutations(codes, 2):
        if any(one.startswith(first) and other.startswith(second) for first, second in EXCLUDES):
            return f"{one} and {other} exclude each other."
    return None


def _release(on: date) -> str:
    """The list in force; the oldest also serves days before it."""
    return next((name for since, name in reversed(RELEASES) if since <= on), RELEASES[0][1])


@cache
def _leaves(name: str) -> str:
    content = (Path(__file__).parents[1] / "data" / name).read_bytes()
    return lzma.decompress(content).decode()
