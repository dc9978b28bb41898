"""A verdict as scripts and people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from billing.accounting.records import Check, Status, Verdict

MARKS = {
    Status.OK: "ok",
    Status.FAILED: "FAILED",
    Status.NOT_YET: "not yet",
    Status.ELSEWHERE: "elsewhere",
}


def told(verdict: Verdict) -> dict[str, Any]:
    """The shape of `verify --json`."""
    return {"ok": verdict.ok, "checks": [_check(check) for check in verdict.checks]}


def told_in_lines(verdict: Verdict) -> Iterator[str]:
    """One row for each invariant, and below it what it found."""
    for check in verdict.checks:
        yield f"{check.number:>2}  {MARKS[check.status]:<9}  {check.name} ({check.examined} looked at)"
        yield from (f"      {finding.object_id}: {finding.problem}" for finding in check.findings)
        if check.found > len(check.findings):
            yield f"      and {check.found - len(check.findings)} more"
        yield from (f"      note: {remark}" for remark in check.remarks)


def without_objects(verdict: Verdict) -> Verdict:
    """For somebody who may not know of all that was looked at."""
    return Verdict(tuple(replace(check, findings=(), remarks=()) for check in verdict.checks))


def _check(check: Check) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": check.number,
        "name": check.name,
        "status": str(check.status),
        "examined": check.examined,
        "remarks": list(check.remarks),
    }
    if check.status is Status.FAILED:
        row["found"] = check.found
        row["objects"] = check.objects
        row["findings"] = [
            {"object_id": finding.object_id, "problem": finding.problem} for finding in check.findings
        ]
    return row
