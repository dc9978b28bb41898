"""Whether the database itself still refuses what must never happen: its triggers, read from its catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from sqlalchemy import text

from billing.accounting.queries.probes import Report
from billing.platform.data.database import Read

CHANGES = ("UPDATE", "DELETE")
SQLITE_TRIGGERS = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
SQLITE_HEAD = re.compile(r"\b(?:BEFORE|AFTER)\s+(INSERT|UPDATE|DELETE)\s+ON\b(.*?)\bBEGIN\b", re.I | re.S)
POSTGRESQL_TRIGGERS = """
    SELECT t.tgrelid::regclass::text, t.tgtype, t.tgqual IS NULL
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND p.prosrc ILIKE '%RAISE EXCEPTION%'
"""
POSTGRESQL_DEEDS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
"""Bits of pg_trigger.tgtype."""


def require_append_only(read: Read, report: Report, tables: Sequence[str]) -> None:
    """Blame each table whose rows the database would let anybody change."""
    guards = set(_guards(read))
    deeds = CHANGES if _is_sqlite(read) else (*CHANGES, "TRUNCATE")
    for name in tables:
        for deed in deeds:
            if (name, deed, True) not in guards:
                report.blame(name, f"the database no longer refuses {deed}")


def require_insert_guards(read: Read, report: Report, tables: Sequence[str]) -> None:
    """Blame each table whose new rows the database no longer looks at."""
    guarded = {name for name, deed, _ in _guards(read) if deed == "INSERT"}
    for name in tables:
        if name not in guarded:
            report.blame(name, "the database no longer checks what is inserted")


def require_change_guards(read: Read, report: Report, tables: Sequence[str]) -> None:
    """Blame each table where the database no longer looks at changes, or lets rows be deleted."""
    guards = list(_guards(read))
    for name in tables:
        if not any(guard[:2] == (name, "UPDATE") for guard in guards):
            report.blame(name, "the database no longer checks what is changed")
        if (name, "DELETE", True) not in guards:
            report.blame(name, "the database no longer refuses DELETE")


def _guards(read: Read) -> Iterator[tuple[str, str, bool]]:
    """Table, deed, and whether every such deed is refused, for each trigger that refuses something."""
    if _is_sqlite(read):
        for name, sql in read.session.execute(text(SQLITE_TRIGGERS)):
            if guard := _guard_of(sql):
                yield name, *guard
        return
    for name, bits, always in read.session.execute(text(POSTGRESQL_TRIGGERS)):
        for deed, bit in POSTGRESQL_DEEDS.items():
            if bits & bit:
                yield name, deed, always


@cache
def _guard_of(sql: str) -> tuple[str, bool] | None:
    """The deed that a trigger of SQLite refuses, and whether it always does."""
    head = SQLITE_HEAD.search(sql)
    if not head or not re.search(r"RAISE\s*\(\s*(ABORT|FAIL|ROLLBACK)", sql, re.I):
        return None
    return head[1].upper(), not re.search(r"\bWHEN\b", head[2], re.I)


def _is_sqlite(read: Read) -> bool:
    return read.session.get_bind().dialect.name == "sqlite"
