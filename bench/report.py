"""docs/performance.md: what was seen, and on what kind of machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from bench.databases import Databases
from bench.frame import Row

RULE = "|---|---|---|---|---|---|\n"
HEAD = """# Speed

Written by `make bench`, which runs the product and its peer in turn, round by round, in one process. A ratio
is the median over the rounds: 2x is twice as fast as the peer. Only ratios travel between machines, and
differences under 15% mean nothing.

- *By hand*: every statement that the request itself says, with the same values, through the bare driver: the
  token's read, the key looked up and kept with its sealed answer, lock, audit rows, frozen document, entry.
  It leaves the same rows under the same triggers, and checks, prices, seals and shows nothing.
- *ORM and marshmallow* reads and writes the same, but nothing checks the balance of its journal, and it asks
  nobody's permission.
- An invoice posts the sessions that were given: receivable, discount, income. A fourth posting would need
  cover, which no session has before it is billed.
- *Single posting* is `post` in a transaction of its own, which is one statement (decision 0110).
  *Bulk posting* begins with the product's records, and COPY with its rows.

Machine: {machine}.

| path | ratio | goal | met or short | peer and version | product against peer, medians |
{rule}"""


def write_report(path: Path, rows: Sequence[Row], databases: Databases) -> None:
    """Put the rows into the page's table; those of other paths stay, and so do the notes below it."""
    measured: dict[str, list[str]] = {}
    for row in rows:
        line = f"| {row.path} | {row.ratio} | {row.goal} | {row.outcome} | {row.peer} | {row.detail} |"
        measured.setdefault(row.path, []).append(line)
    before, notes = _table_and_notes(path.read_text() if path.exists() else "")
    lines: list[str] = []
    for line in before:
        told = line.strip("| ").split(" | ")[0]
        if told not in {row.path for row in rows}:
            lines.append(line)
        lines += measured.pop(told, [])
    lines += [line for told in measured.values() for line in told]
    path.write_text(HEAD.format(machine=machine(databases), rule=RULE) + "\n".join(lines) + "\n" + notes)


def _table_and_notes(page: str) -> tuple[list[str], str]:
    """The rows that a page has, and what stands below them."""
    _, _, below = page.partition(RULE)
    lines = below.splitlines(keepends=True)
    rows = list(takewhile(lambda line: line.startswith("|"), lines))
    return [row.rstrip("\n") for row in rows], "".join(lines[len(rows) :])


def machine(databases: Databases) -> str:
    """What the figures depend on; nothing that names the machine."""
    return ", ".join(
        (
            f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})",
            f"Python {platform.python_version()}",
            databases.sqlite_version,
            databases.postgresql_version or "no PostgreSQL",
            f"load {os.getloadavg()[0]:.1f} at the end",
        )
    )
