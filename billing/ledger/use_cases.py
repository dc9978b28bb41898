"""Posting: the only way into the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.errors import AlreadyPosted
from billing.ledger.models import EntryRow, LineRow
from billing.ledger.records import Account, Entry, Line, PostedLine, Posting
from billing.ledger.rules import balanced
from billing.platform.data.base import insert_into
from billing.platform.data.database import Tx

AT_ONCE = """
    WITH entry AS (
        INSERT INTO ledger_entry SELECT * FROM json_populate_recordset(NULL::ledger_entry, %s)
    )
    INSERT INTO ledger_line SELECT * FROM json_populate_recordset(NULL::ledger_line, %s)
"""
"""PostgreSQL: one round trip for one entry or ten thousand, checked when the statement ends."""

POSTED_ONCE = (
    "ledger_entry.source_kind",
    "uq_ledger_entry_source_kind_source_id_purpose",
    "ledger_entry.reverses_id",
    "uq_ledger_entry_reverses_id",
)
"""How SQLite and PostgreSQL name the constraints that post each fact, and each reversal, once."""


def post(tx: Tx, posting: Posting, *, actor: Actor, now: datetime) -> str:
    """Post an entry and return its id. What is posted never changes; `reverse` undoes it.

    Raises: UnbalancedEntry; AlreadyPosted when the same fact was posted before.
    """
    return post_many(tx, [posting], actor=actor, now=now)[0]


def post_many(tx: Tx, postings: Sequence[Posting], *, actor: Actor, now: datetime) -> list[str]:
    """Post entries, all of them or none, and return their ids in the same order.

    Raises: UnbalancedEntry; AlreadyPosted when one of the facts was posted before.
    """
    entries: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for posting in postings:
        kept = balanced(posting.lines)
        entry = _entry_values(posting, len(kept), actor, now)
        entries.append(entry)
        lines += _line_values(entry["id"], kept)
    if entries:
        _write(tx, postings, entries, lines)
    return [entry["id"] for entry in entries]


def reverse(tx: Tx, entry: Entry, *, source_kind: str, source_id: str, actor: Actor, now: datetime) -> str:
    """Post the opposite of an entry, on the date of the entry, naming what it reverses.

    Raises: AlreadyPosted when the entry was reversed before.
    """
    opposite = Posting(
        entity_id=entry.entity_id,
        site_id=entry.site_id,
        effective_on=entry.effective_on,
        source_kind=source_kind,
        source_id=source_id,
        purpose=f"reverse-{entry.purpose}"[:30],
        lines=tuple(_opposite(line) for line in entry.lines),
        reverses_id=entry.id,
    )
    return post(tx, opposite, actor=actor, now=now)


def _opposite(line: PostedLine) -> Line:
    return Line(Account(line.account), Money(-line.cents), line.patient_id)


def _entry_values(posting: Posting, line_count: int, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("je"),
        "entity_id": posting.entity_id,
        "site_id": posting.site_id,
        "posted_at": now,
        "effective_on": posting.effective_on,
        "period": posting.effective_on.isoformat()[:7],
        "source_kind": posting.source_kind,
        "source_id": posting.source_id,
        "purpose": posting.purpose,
        "reverses_id": posting.reverses_id,
        "actor_id": actor.id,
        "line_count": line_count,
    }


def _line_values(entry_id: str, lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": entry_id,
            "place": place,
            "account": line.account,
            "cents": line.amount.cents,
            "patient_id": line.patient_id,
        }
        for place, line in enumerate(lines, 1)
    ]


def _write(
    tx: Tx, postings: Sequence[Posting], entries: list[dict[str, Any]], lines: list[dict[str, Any]]
) -> None:
    try:
        if tx.connection.dialect.name == "postgresql":
            told = (orjson.dumps(entries).decode(), orjson.dumps(lines).decode())
            tx.connection.exec_driver_sql(AT_ONCE, told)
        else:  # no trigger at the end of a statement: the entries come last and check their lines
            tx.connection.execute(insert_into(LineRow), lines)
            tx.connection.execute(insert_into(EntryRow), entries)
    except IntegrityError as error:
        if not any(name in str(error.orig) for name in POSTED_ONCE):
            raise
        raise AlreadyPosted(_posted_before(postings)) from error


def _posted_before(postings: Sequence[Posting]) -> str:
    if len(postings) > 1:
        return f"One of {len(postings)} facts was posted before. None was posted now."
    [posting] = postings
    return f"{posting.source_kind} {posting.source_id} was posted before, as {posting.purpose}."
