"""`make bench` runs all rows, ARGS="quote webhook" these alone, and puts them into docs/performance.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

from bench.databases import Databases, open_databases
from bench.frame import Row
from bench.report import write_report
from bench.rows import (
    invoice_write,
    journal,
    quote,
    remittance,
    sqlite_writers,
    superbill,
    webhook,
)
from config import ROOT

ROWS: Mapping[str, Callable[[Databases], Iterator[Row]]] = {
    "invoice": invoice_write.rows,
    "writers": sqlite_writers.rows,
    "journal": journal.rows,
    "quote": quote.rows,
    "superbill": superbill.rows,
    "remittance": remittance.rows,
    "webhook": webhook.rows,
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise SystemExit(f"There is no row {unknown[0]!r}; there are: {', '.join(ROWS)}.")
    measured: list[Row] = []
    with open_databases(ROOT / "var" / "bench") as databases:
        print("path | ratio | goal | met or short | peer and version")
        for name in names or ROWS:
            for row in ROWS[name](databases):
                print(row, flush=True)
                measured.append(row)
        write_report(ROOT / "docs" / "performance.md", measured, databases)


if __name__ == "__main__":
    main(sys.argv[1:])
