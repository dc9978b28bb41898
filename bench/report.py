"""docs/performance.md: what was seen, and on what kind of machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from bench.databases import Databases
from bench.frame import Row

HEAD = """# Speed

Written by `make bench`, which runs the product and its peer in turn, round by round, in one process. A ratio
is the median over the rounds: 2x is twice as fast as the peer. Only ratios travel between machines, and
differences under 15% mean nothing.

Machine: {machine}.

| path | ratio | goal | met or short | peer and version | product against peer, medians |
|---|---|---|---|---|---|
"""


def write_report(path: Path, rows: Sequence[Row], databases: Databases) -> None:
    lines = [
        f"| {row.path} | {row.ratio} | {row.goal} | {row.outcome} | {row.peer} | {row.detail} |"
        for row in rows
    ]
    path.write_text(HEAD.format(machine=machine(databases)) + "\n".join(lines) + "\n")


def machine(databases: Databases) -> str:
    """What the figures depend on; nothing that names the machine."""
    return ", ".join(
        (
            f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})",
            f"Python {platform.python_version()}",
            databases.sqlite_version,
            databases.postgresql_version or "no PostgreSQL",
        )
    )
