"""Posting: the only way into the books."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
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

ONE_STATEMENT = text(
    """
    WITH entry AS (
        INSERT INTO ledger_entry (id, entity_id, site_id, posted_at, effective_on, period, source_kind,
                                  source_id, purpose, reverses_id, actor_id, line_count)
        VALUES (:id, :entity_id, :site_id, :posted_at, :effective_on, :period, :source_kind,
                :source_id, :purpose, :reverses_id, :actor_id, :line_count)
    )
    INSERT INTO ledger_line (entry_id, place, account, cents, patient_id)
    SELECT :id, place, account, cents, patient_id
    FROM unnest(CAST(:accounts AS text[]), CAST(:amounts AS bigint[]), CAST(:patients AS text[]))
         WITH ORDINALITY AS line (account, cents, patient_id, place)
    """
)
"""PostgreSQL: one round trip, and the balance is checked when the statement ends."""

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
    lines, entry_id = balanced(posting.lines), new_id("je")
    header = {
        "id": entry_id,
        "entity_id": posting.entity_id,
        "site_id": posting.site_id,
        "posted_at": now,
        "effective_on": posting.effective_on,
        "period": f"{posting.effective_on:%Y-%m}",
        "source_kind": posting.source_kind,
        "source_id": posting.source_id,
        "purpose": posting.purpose,
        "reverses_id": posting.reverses_id,
        "actor_id": actor.id,
        "line_count": len(lines),
    }
    try:
        if tx.session.get_bind().dialect.name == "postgresql":
            _write_at_once(tx, header, lines)
        else:
            _write_lines_then_entry(tx, header, lines)
    except IntegrityError as error:
        if not any(name in str(error.orig) for name in POSTED_ONCE):
            raise
        raise AlreadyPosted(
            f"{posting.source_kind} {posting.source_id} was posted before, as {posting.purpose}."
        ) from error
    return entry_id


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


def _write_at_once(tx: Tx, header: dict[str, Any], lines: tuple[Line, ...]) -> None:
    tx.session.execute(
        ONE_STATEMENT,
        {
            **header,
            "accounts": [str(line.account) for line in lines],
            "amounts": [line.amount.cents for line in lines],
            "patients": [line.patient_id for line in lines],
        },
    )


def _write_lines_then_entry(tx: Tx, header: dict[str, Any], lines: tuple[Line, ...]) -> None:
    """SQLite has no trigger at the end of a statement: the entry comes last and checks its lines."""
    tx.session.execute(
        insert_into(LineRow),
        [
            {
                "entry_id": header["id"],
                "place": place,
                "account": str(line.account),
                "cents": line.amount.cents,
                "patient_id": line.patient_id,
            }
            for place, line in enumerate(lines, 1)
        ],
    )
    tx.session.execute(insert_into(EntryRow), header)
