"""A superbill's PDF with embedded fonts: the common page, and one of forty lines over several pages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from bench.databases import Databases
from bench.frame import PRODUCT, Goal, Row, contest, repeated
from bench.peers import platypus_superbill
from billing.adapters.superbill_pdf import render_superbill
from tests.factories.superbill_body import line, superbill_body

PEER = "platypus"
PATH = "superbill PDF, fonts embedded"
MOST_LINES = 40


def rows(_databases: Databases) -> Iterator[Row]:
    yield _row(f"{PATH}: the common page", Goal(20), superbill_body(), in_a_round=8)
    long = superbill_body(
        lines=[line("96365", 38_250), *(line("J3490", 0, ndc=True) for _ in range(MOST_LINES - 1))]
    )
    yield _row(f"{PATH}: {MOST_LINES} lines", Goal(2.5), long, in_a_round=2)


def _row(path: str, goal: Goal, body: dict[str, Any], *, in_a_round: int) -> Row:
    sides = {
        PRODUCT: repeated(lambda: render_superbill(body), in_a_round),
        PEER: repeated(lambda: platypus_superbill.render(body), in_a_round),
    }
    called = f"platypus: reportlab {version('reportlab')}"
    return contest(sides, rounds=9).row(path, goal, against=PEER, called=called)
