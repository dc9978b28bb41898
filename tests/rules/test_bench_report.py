"""The page of speeds: what was measured anew comes in its place, and all else stays."""

from __future__ import annotations

from bench.databases import Databases
from bench.frame import Row
from bench.report import write_report


def row(path, ratio, peer="peer 1"):
    return Row(path=path, ratio=ratio, goal=">= 1x", outcome="met", peer=peer, detail="1 ms against 2 ms")


def told(page):
    lines = page.read_text().splitlines()
    return [line.split(" | ")[:2] for line in lines if line.startswith("| ") and "ratio" not in line]


def test_rows_measured_alone_leave_the_others_and_the_notes(tmp_path):
    page, databases = tmp_path / "performance.md", Databases(tmp_path, None)
    write_report(page, [row("a", "1x"), row("b", "2x"), row("b", "3x", "peer 2"), row("c", "4x")], databases)
    page.write_text(page.read_text() + "\nWhy it is so.\n\n| way | ms |\n|---|---|\n| one | 1 |\n")
    write_report(page, [row("b", "5x"), row("d", "6x")], databases)
    assert told(page)[:4] == [["| a", "1x"], ["| b", "5x"], ["| c", "4x"], ["| d", "6x"]]
    assert page.read_text().endswith("\n\nWhy it is so.\n\n| way | ms |\n|---|---|\n| one | 1 |\n")
    assert page.read_text().count("# Speed") == 1
