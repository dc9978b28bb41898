"""Invariant 17: what was paid out is what the books say of it, and what it is made of."""

from __future__ import annotations

from sqlalchemy import text

from billing.accounting.queries.guards import require_append_only
from billing.accounting.queries.probes import Books, Probe, Report, look

OTHER_EFFECT = Probe(
    "what it brought to the bank is not its effect on the bank and on clearing",
    """
    SELECT p.id FROM payout p
    LEFT JOIN (
        SELECT e.source_id,
            SUM(CASE WHEN l.account = '1000' THEN l.cents ELSE 0 END) AS banked,
            SUM(CASE WHEN l.account = '1050' THEN l.cents ELSE 0 END) AS cleared
        FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
        WHERE e.source_kind = 'payout' GROUP BY e.source_id
    ) told ON told.source_id = p.id
    WHERE COALESCE(told.banked, 0) <> CASE WHEN p.state = 'paid' THEN p.amount_cents ELSE 0 END
        OR COALESCE(told.cleared, 0) <> CASE WHEN p.state = 'paid' THEN -p.amount_cents ELSE 0 END
    """,
)
OTHER_LINES = Probe(
    "its balance transactions do not add up to its amount",
    """
    SELECT p.id FROM payout p
    LEFT JOIN (SELECT payout_id, SUM(net_cents) AS cents FROM payout_line GROUP BY payout_id) l
        ON l.payout_id = p.id
    WHERE (p.matched_cents IS NOT NULL
            AND (p.matched_cents <> p.amount_cents OR COALESCE(l.cents, 0) <> p.amount_cents))
        OR (p.matched_cents IS NULL AND l.cents IS NOT NULL)
    """,
)
NOT_MATCHED = """
    SELECT id FROM payout
    WHERE state = 'paid' AND is_automatic AND matched_cents IS NULL ORDER BY id LIMIT 50
"""


def payouts_are_what_they_are_made_of(books: Books) -> Report:
    """A payout whose balance transactions are not all told yet is remarked on."""
    report = look(books, at=["payout", "payout_line"], probes=[OTHER_EFFECT, OTHER_LINES])
    require_append_only(books.read, report, ["payout_line"])
    waiting = books.read.session.scalars(text(NOT_MATCHED))
    report.remarks += [f"{object_id} waits for its balance transactions" for object_id in waiting]
    return report
