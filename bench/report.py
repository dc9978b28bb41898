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

- *By hand*: every statement that the request itself says, with the same values, through the bare driver: the
  token's read, the key looked up and kept with its sealed answer, lock, audit rows, frozen document, entry.
  It leaves the same rows under the same triggers, and checks, prices, seals and shows nothing.
- *ORM and marshmallow* reads and writes the same, but nothing checks the balance of its journal, and it asks
  nobody's permission.
- An invoice posts the sessions that were given: receivable, discount, income. A fourth posting would need
  cover, which no session has before it is billed.
- *Single posting* is `post` in a transaction of its own. *Bulk posting* begins with the product's records,
  and COPY with its rows.

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
            f"load {os.getloadavg()[0]:.1f} at the end",
        )
    )
