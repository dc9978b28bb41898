"""Invariant 18: what banks took and gave back is what the books say of it."""

from __future__ import annotations

from billing.accounting.queries.guards import require_append_only
from billing.accounting.queries.probes import Books, Probe, Report, look

OTHER_EFFECT = Probe(
    "what was withdrawn less what was reinstated is not its effect on disputed funds, fees and clearing",
    """
    SELECT d.id FROM dispute d
    LEFT JOIN (
        SELECT dispute_id, SUM(amount_cents) AS cents, SUM(fee_cents) AS fees FROM dispute_movement
        GROUP BY dispute_id
    ) m ON m.dispute_id = d.id
    LEFT JOIN (
        SELECT m.dispute_id,
            SUM(CASE WHEN l.account = '1070' THEN l.cents ELSE 0 END) AS disputed,
            SUM(CASE WHEN l.account = '6110' THEN l.cents ELSE 0 END) AS fees,
            SUM(CASE WHEN l.account = '1050' THEN l.cents ELSE 0 END) AS cleared
        FROM dispute_movement m
        JOIN ledger_entry e ON e.source_kind = 'dispute-movement' AND e.source_id = m.id
            AND e.purpose = 'moved'
        JOIN ledger_line l ON l.entry_id = e.id
        GROUP BY m.dispute_id
    ) told ON told.dispute_id = d.id
    WHERE COALESCE(told.disputed, 0) <> -COALESCE(m.cents, 0)
        OR COALESCE(told.fees, 0) <> COALESCE(m.fees, 0)
        OR COALESCE(told.cleared, 0) <> COALESCE(m.cents, 0) - COALESCE(m.fees, 0)
    """,
)
NOT_ALL_LOST = Probe(
    "was lost, and what did not come back is not what was written off; or was not decided, and something is",
    """
    SELECT d.id FROM dispute d
    LEFT JOIN (
        SELECT dispute_id, SUM(amount_cents) AS cents, SUM(made_good_cents) AS made_good
        FROM dispute_movement GROUP BY dispute_id
    ) m ON m.dispute_id = d.id
    LEFT JOIN (
        SELECT e.source_id, SUM(l.cents) AS cents FROM ledger_entry e
        JOIN ledger_line l ON l.entry_id = e.id AND l.account = '1070'
        WHERE e.source_kind = 'dispute' AND e.purpose = 'lost' GROUP BY e.source_id
    ) lost ON lost.source_id = d.id
    LEFT JOIN (
        SELECT m.dispute_id, SUM(l.cents) AS cents FROM dispute_movement m
        JOIN ledger_entry e ON e.source_kind = 'dispute-movement' AND e.source_id = m.id
            AND e.purpose = 'made-good'
        JOIN ledger_line l ON l.entry_id = e.id AND l.account = '1070'
        GROUP BY m.dispute_id
    ) good ON good.dispute_id = d.id
    WHERE d.lost_cents <> -COALESCE(lost.cents, 0) - COALESCE(good.cents, 0)
        OR COALESCE(good.cents, 0) <> COALESCE(m.made_good, 0)
        OR (d.state = 'lost' AND d.lost_cents <> -COALESCE(m.cents, 0))
        OR (d.state NOT IN ('won', 'lost') AND d.lost_cents <> 0)
    """,
)


def disputes_have_their_effect(books: Books) -> Report:
    report = look(books, at=["dispute", "dispute_movement"], probes=[OTHER_EFFECT, NOT_ALL_LOST])
    require_append_only(books.read, report, ["dispute_movement"])
    return report
