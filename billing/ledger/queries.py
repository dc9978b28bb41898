"""Reads. The journal streams; balances are summed by the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from sqlalchemy import Row, Select, Subquery, func, select

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.errors import NoSuchEntry
from billing.ledger.models import EntryRow, LineRow
from billing.ledger.records import Account, Entry, PostedLine
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches, rows_where

ROWS_AT_ONCE = 2_000


def trial_balance(read: Read, actor: Actor = SYSTEM, until: date | None = None) -> dict[str, int]:
    """Cents by account code, debits positive, of the actor's entries effective on or before `until`."""
    query = (
        select(LineRow.account, func.sum(LineRow.cents)).group_by(LineRow.account).order_by(LineRow.account)
    )
    conditions = within_reach(actor, EntryRow)
    if until is not None:
        conditions.append(EntryRow.effective_on <= until)
    if conditions:
        query = query.join(EntryRow, EntryRow.id == LineRow.entry_id).where(*conditions)
    return {account: int(cents) for account, cents in read.session.execute(query)}


def posted_since(read: Read, entry_id: str, actor: Actor) -> dict[str, int]:
    """Cents by account code, debits positive, of what the actor posted after that id was made."""
    query = (
        select(LineRow.account, func.sum(LineRow.cents))
        .join(EntryRow, EntryRow.id == LineRow.entry_id)
        .where(EntryRow.id > entry_id, EntryRow.actor_id == actor.id)
        .group_by(LineRow.account)
        .order_by(LineRow.account)
    )
    return {account: int(cents) for account, cents in read.session.execute(query) if cents}


def effects_on(account: Account) -> Subquery:
    """What each fact did to an account, to be joined by other rooms, which alone know their facts.

    Columns: source_kind, source_id, cents (debits positive), posted_at and changed_at, of its first and last
    entry.
    """
    return (
        select(
            EntryRow.source_kind,
            EntryRow.source_id,
            func.sum(LineRow.cents).label("cents"),
            func.min(EntryRow.posted_at).label("posted_at"),
            func.max(EntryRow.posted_at).label("changed_at"),
        )
        .join(LineRow, LineRow.entry_id == EntryRow.id)
        .where(LineRow.account == account)
        .group_by(EntryRow.source_kind, EntryRow.source_id)
        .subquery()
    )


def find_entry(read: Read, entry_id: str, actor: Actor) -> Entry:
    """Raises: NoSuchEntry."""
    entry = _only(read, _journal().where(EntryRow.id == entry_id))
    if entry is None or not actor.sees(entity_id=entry.entity_id, site_id=entry.site_id):
        raise NoSuchEntry(f"There is no entry {entry_id}.")
    return entry


def list_entries(read: Read, actor: Actor, *, cursor: str | None, limit: int) -> Sequence[Entry]:
    """Newest first, those before the cursor."""
    seen = within_reach(actor, EntryRow)
    query = select(EntryRow.id).where(*seen).order_by(EntryRow.id.desc()).limit(limit)
    if cursor is not None:
        query = query.where(EntryRow.id < cursor)
    wanted = read.session.scalars(query).all()
    return sorted(
        _entries(read.session.execute(_journal().where(EntryRow.id.in_(wanted)))),
        key=lambda entry: entry.id,
        reverse=True,
    )


def journal(read: Read, entity_id: str, *, since: date, until: date) -> Iterator[Entry]:
    """Entries effective from `since` to `until`, both included, in the order of date and posting."""
    query = _journal().where(
        EntryRow.entity_id == entity_id, EntryRow.effective_on >= since, EntryRow.effective_on <= until
    )
    return _entries(read.session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)))


def least_owed(read: Read, account: Account, patient_id: str, *, since: date) -> Money:
    """The least that stood in a patient's favour on an account, at the end of any day since then."""
    query = (
        select(EntryRow.effective_on, func.sum(LineRow.cents))
        .join(LineRow, LineRow.entry_id == EntryRow.id)
        .where(LineRow.account == account, LineRow.patient_id == patient_id)
        .group_by(EntryRow.effective_on)
    )
    changes = {on: -int(cents) for on, cents in read.session.execute(query)}
    days = sorted({since, *(on for on in changes if on > since)})
    return Money(min(sum(cents for on, cents in changes.items() if on <= day) for day in days))


def entry_of(read: Read, *, source_kind: str, source_id: str, purpose: str) -> Entry | None:
    """The entry of one fact, if it was posted."""
    query = _journal().where(
        EntryRow.source_kind == source_kind, EntryRow.source_id == source_id, EntryRow.purpose == purpose
    )
    return _only(read, query)


def entries_of(read: Read, *, source_kind: str, source_id: str) -> Sequence[Entry]:
    """All entries of one fact, also what was reversed of it and the reversals; by day, then as posted."""
    query = _journal().where(EntryRow.source_kind == source_kind, EntryRow.source_id == source_id)
    return list(_entries(read.session.execute(query).all()))


def was_posted(read: Read, *, source_kind: str, source_id: str, purpose: str) -> bool:
    """Whether one fact has its entry."""
    return bool(rows_where(read, EntryRow, source_kind=source_kind, source_id=source_id, purpose=purpose))


def days_of(read: Read, *, source_kind: str, source_ids: Collection[str], purpose: str) -> dict[str, date]:
    """The clinic-local day of each of these facts that was posted."""
    return {
        row.source_id: row.effective_on
        for batch in batches(source_ids)
        for row in read.session.execute(
            select(EntryRow.source_id, EntryRow.effective_on).where(
                EntryRow.source_kind == source_kind,
                EntryRow.source_id.in_(batch),
                EntryRow.purpose == purpose,
            )
        )
    }


def moved_at_sites(
    read: Read, account: Account, *, source_kind: str, source_ids: Collection[str]
) -> Mapping[str, Sequence[tuple[str, int]]]:
    """By fact: the site and the cents, debits positive, of each line that it has on an account."""
    moved: dict[str, list[tuple[str, int]]] = {}
    for batch in batches(source_ids):
        query = (
            select(EntryRow.source_id, EntryRow.site_id, LineRow.cents)
            .join(LineRow, LineRow.entry_id == EntryRow.id)
            .where(
                EntryRow.source_kind == source_kind,
                EntryRow.source_id.in_(batch),
                LineRow.account == account,
            )
        )
        for source_id, site_id, cents in read.session.execute(query.order_by(EntryRow.id, LineRow.place)):
            moved.setdefault(source_id, []).append((site_id, int(cents)))
    return moved


def _journal() -> Select[EntryRow, LineRow]:
    return (
        select(EntryRow, LineRow)
        .join(LineRow, LineRow.entry_id == EntryRow.id)
        .order_by(EntryRow.effective_on, EntryRow.id, LineRow.place)
    )


def _only(read: Read, query: Select[EntryRow, LineRow]) -> Entry | None:
    return next(_entries(read.session.execute(query).all()), None)


def _entries(rows: Iterable[Row[EntryRow, LineRow]]) -> Iterator[Entry]:
    for _, group in groupby(rows, key=lambda row: row[0].id):
        pairs = [(row[0], row[1]) for row in group]
        entry = pairs[0][0]
        yield Entry(
            id=entry.id,
            entity_id=entry.entity_id,
            site_id=entry.site_id,
            posted_at=entry.posted_at,
            effective_on=entry.effective_on,
            period=entry.period,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            purpose=entry.purpose,
            reverses_id=entry.reverses_id,
            actor_id=entry.actor_id,
            lines=tuple(
                PostedLine(account=line.account, cents=line.cents, patient_id=line.patient_id)
                for _, line in pairs
            ),
        )
