"""Invariant 17: payouts are what they are made of, and clearing is what the processor holds."""

from __future__ import annotations

from sqlalchemy import text

from billing.accounting.queries.guards import require_append_only
from billing.accounting.queries.probes import Books, Probe, Report, look
from billing.payments.queries.differences import differences
from billing.payments.queries.reconciliation import last_held, named_objects, open_exceptions

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


KEPT = [
    "processor_movement",
    "named_exception",
    "named_exception_end",
    "named_exception_booking",
    "reconciliation",
]


def payouts_are_what_they_are_made_of(books: Books) -> Report:
    """A payout whose balance transactions are not all told yet is remarked on, and so is what was named."""
    at = ["payout", "payout_line", "processor_movement"]
    report = look(books, at=at, probes=[OTHER_EFFECT, OTHER_LINES])
    require_append_only(books.read, report, ["payout_line", *KEPT])
    _hold_clearing(books, report)
    waiting = books.read.session.scalars(text(NOT_MATCHED))
    report.remarks += [f"{object_id} waits for its balance transactions" for object_id in waiting]
    return report


def _hold_clearing(books: Books, report: Report) -> None:
    """What was posted after the processor was last asked is judged the next time."""
    held = last_held(books.read)
    if held is None:
        report.remarks.append("clearing was never held against the processor: run `flask reconcile`")
        return
    if held.standing.unexplained:
        gap = held.standing.unexplained
        report.blame(held.id, f"the processor held {gap} more than clearing, and no exception names it")
    after = ""
    while page := differences(books.read, after=after, unchanged_since=held.until):
        named = named_objects(books.read, [each.object_id for each in page])
        for each in page:
            if each.is_at_processor and not each.under_way and each.object_id not in named:
                report.blame(each.object_id, "its effect on clearing is not what it moved at the processor")
        after = page[-1].object_id
    for one in open_exceptions(books.read):
        report.remarks.append(f"named: {one.kind} {one.object_id}, {one.amount}")
