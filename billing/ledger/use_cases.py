"""Posting: the only way into the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.errors import AlreadyPosted
from billing.ledger.models import EntryRow, LineRow
from billing.ledger.records import Account, Entry, Line, PostedLine, Posting
from billing.ledger.rules import balanced
from billing.platform.data.database import Tx

POSTED_ONCE = (
    "ledger_entry.source_kind",
    "uq_ledger_entry_source_kind_source_id_purpose",
    "ledger_entry.reverses_id",
    "uq_ledger_entry_reverses_id",
)
"""How SQLite and PostgreSQL name the constraints that post each fact, and each reversal, once."""
AT_ONCE = 1_000
"""Entries of one statement: more of them take longer each, and more memory."""


def post(tx: Tx, posting: Posting, *, actor: Actor, now: datetime) -> str:
    """Post an entry and return its id. What is posted never changes; `reverse` undoes it.

    Raises: UnbalancedEntry; AlreadyPosted when the same fact was posted before.
    """
    return post_many(tx, [posting], actor=actor, now=now)[0]


def post_many(tx: Tx, postings: Sequence[Posting], *, actor: Actor, now: datetime) -> list[str]:
    """Post entries, all of them or none, and return their ids in the same order.

    Raises: UnbalancedEntry; AlreadyPosted when one of the facts was posted before.
    """
    posted = _posted(tx, postings[:AT_ONCE], actor, now)
    for first in range(AT_ONCE, len(postings), AT_ONCE):
        tx.flush()
        posted += _posted(tx, postings[first : first + AT_ONCE], actor, now)
    return posted


def _posted(tx: Tx, postings: Sequence[Posting], actor: Actor, now: datetime) -> list[str]:
    entries: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for posting in postings:
        kept = balanced(posting.lines)
        entry = _entry_values(posting, len(kept), actor, now)
        entries.append(entry)
        lines += _line_values(entry["id"], kept)
    tx.insert(LineRow, lines)  # SQLite has no trigger at the end of a statement: an entry checks its lines
    tx.insert(EntryRow, entries, partial(_refusal, postings))
    return [entry["id"] for entry in entries]


def reverse(
    tx: Tx,
    entry: Entry,
    *,
    source_kind: str,
    source_id: str,
    reversed_on: date | None = None,
    actor: Actor,
    now: datetime,
) -> str:
    """Post the opposite of an entry, naming what it reverses; on the date of the entry unless told otherwise.

    Raises: AlreadyPosted when the entry was reversed before.
    """
    opposite = Posting(
        entity_id=entry.entity_id,
        site_id=entry.site_id,
        effective_on=reversed_on or entry.effective_on,
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


def _refusal(postings: Sequence[Posting], error: IntegrityError) -> AlreadyPosted | None:
    if any(name in str(error.orig) for name in POSTED_ONCE):
        return AlreadyPosted(_posted_before(postings))
    return None


def _posted_before(postings: Sequence[Posting]) -> str:
    if len(postings) > 1:
        return f"One of {len(postings)} facts was posted before. None was posted now."
    [posting] = postings
    return f"{posting.source_kind} {posting.source_id} was posted before, as {posting.purpose}."
