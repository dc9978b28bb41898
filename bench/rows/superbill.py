"""A superbill's PDF with embedded fonts: the common page, one of forty lines, ten thousand in one file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from tempfile import TemporaryFile
from typing import Any

from bench.databases import Databases
from bench.frame import PRODUCT, Goal, Row, contest, not_measured, repeated
from bench.peers import platypus_superbill
from bench.rows.remittance import STATUS, peak_kilobytes
from billing.adapters.superbill_pdf import print_superbills, render_superbill
from tests.factories.superbill_body import line, superbill_body

PEER = "platypus"
PATH = "superbill PDF, fonts embedded"
MOST_LINES = 40
MANY = 10_000
MEMORY = Goal(400, " MB", at_most=True)
LENGTH = Goal(5, " kB", at_most=True)


def rows(_databases: Databases) -> Iterator[Row]:
    yield _row(f"{PATH}: the common page", Goal(20), superbill_body(), in_a_round=8)
    long = superbill_body(
        lines=[line("96365", 38_250), *(line("J3490", 0, ndc=True) for _ in range(MOST_LINES - 1))]
    )
    yield _row(f"{PATH}: {MOST_LINES} lines", Goal(2.5), long, in_a_round=2)
    yield from _one_file()


def _row(path: str, goal: Goal, body: dict[str, Any], *, in_a_round: int) -> Row:
    sides = {
        PRODUCT: repeated(lambda: render_superbill(body), in_a_round),
        PEER: repeated(lambda: platypus_superbill.render(body), in_a_round),
    }
    called = f"platypus: reportlab {version('reportlab')}"
    return contest(sides, rounds=9).row(path, goal, against=PEER, called=called)


def _one_file() -> Iterator[Row]:
    """What a fresh process needs to print very many."""
    path = f"{MANY:,} superbills in one file"
    if not STATUS.exists():
        yield not_measured(path, MEMORY, "none", "only Linux tells the peak of a process")
        return
    command = [sys.executable, "-m", "bench.rows.superbill"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    each, peak = int(told[0]) / MANY / 1000, int(told[1]) / 1024
    yield Row(
        f"{path}: length of each",
        f"{each:.1f} kB",
        str(LENGTH),
        LENGTH.told(each),
        "none",
        "fonts are shared",
    )
    yield Row(
        f"{path}: memory", f"{peak:.0f} MB", str(MEMORY), MEMORY.told(peak), "none", "the process's peak"
    )


def _print_many() -> int:
    """How long the file is."""
    with TemporaryFile() as file:
        print_superbills((superbill_body(number=f"SB-{place:06d}") for place in range(MANY)), file)
        return file.tell()


if __name__ == "__main__":
    print(_print_many(), peak_kilobytes())
