"""What pages say of visits: of the cover that lets nobody in, and on which day they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from billing.care.queries import cover_among, sessions_among
from billing.care.records import REFUNDED, SeenSession, Session
from billing.catalog.queries import site_dates
from billing.invoices.records import InvoiceLine
from billing.kernel.money import ZERO, Money
from billing.payments.queries.gone import how_gone
from billing.payments.records.refunds import Gone
from billing.platform.data.database import Read

WENT = {
    Gone.ASKED: "waits for approval, to go back",
    Gone.WAITS: "is going back",
    Gone.SENT: "went back",
    Gone.LOST: "was lost to a dispute",
    Gone.FAILED: "is credit again: its refund failed",
    Gone.CREDIT: "is credit again",
}


def days_of(read: Read, lines: Sequence[InvoiceLine]) -> Mapping[str, date]:
    """By session, the day on which it was given, or for which it is planned by now.

    An invoice keeps the day that it was issued with.
    """
    return days_of_sessions(read, sessions_among(read, {line.session_id for line in lines}).values())


def days_of_sessions(read: Read, sessions: Collection[Session]) -> Mapping[str, date]:
    """By session, the same of these."""
    begun = [(each.id, each.site_id, each.started_at) for each in sessions if each.started_at]
    given = site_dates(read, [(site_id, started_at) for _, site_id, started_at in begun])
    return {
        **{each.id: each.planned_on for each in sessions},
        **{session_id: on for (session_id, *_), on in zip(begun, given, strict=True)},
    }


def loose_cover(read: Read, sessions: Sequence[SeenSession]) -> Mapping[str, Sequence[str]]:
    """By session, how much of what stands as covered does not count at check-in, and why."""
    gone = _gone(read, [session.id for session in sessions if session.went_back])
    return {
        session.id: [
            *(f"{gone[session.id, way]} {words}" for way, words in WENT.items() if (session.id, way) in gone),
            *([f"{session.promised} only promised"] if session.promised else []),
        ]
        for session in sessions
    }


def _gone(read: Read, session_ids: Sequence[str]) -> Mapping[tuple[str, Gone], Money]:
    if not session_ids:
        return {}
    parts = [each for each in cover_among(read, session_ids) if each[1].source_kind == REFUNDED]
    taken = how_gone(read, {part.source_id for _, part in parts})
    sums: dict[tuple[str, Gone], Money] = defaultdict(lambda: ZERO)
    for session_id, part in parts:
        sums[session_id, taken[part.source_id].way] += part.amount
    return sums
