"""Invariants 14 and 16: what a superbill says was paid, and what insurers' payments became."""

from __future__ import annotations

from billing.accounting.queries.probes import Books, Probe, Report, look

PAID_AMOUNT = Probe(
    "its paid amount is not what the ledger said when it was issued",
    """
    SELECT s.id FROM superbill s
    LEFT JOIN (
        SELECT c.session_id, c.cents, c.moved_at FROM coverage_move c
        JOIN ledger_entry e ON e.source_kind = c.source_kind AND e.source_id = c.source_id
            AND e.purpose IN ('received', 'applied')
        WHERE c.source_kind IN ('payment', 'credit')
    ) paid ON paid.session_id = s.session_id
    WHERE s.state <> 'void'
    GROUP BY s.id, s.paid_cents, s.issued_at
    HAVING s.paid_cents NOT BETWEEN
        COALESCE(SUM(CASE WHEN paid.moved_at < s.issued_at
            OR (paid.moved_at = s.issued_at AND paid.cents < 0) THEN paid.cents END), 0)
        AND COALESCE(SUM(CASE WHEN paid.moved_at < s.issued_at
            OR (paid.moved_at = s.issued_at AND paid.cents > 0) THEN paid.cents END), 0)
    """,
)
"""Two writes of one instant may have come in either order, hence the two bounds."""

SAME_TRANSACTION = Probe(
    "was posted more than once",
    """
    SELECT MIN(id), trace FROM remittance WHERE state = 'posted'
    GROUP BY entity_id, payer_id, trace, amount_cents, paid_on HAVING COUNT(*) > 1
    """,
)
CLAIM_NOT_POSTED = Probe(
    "has no entry of what the insurer paid",
    """
    SELECT c.id FROM remittance_claim c
    JOIN remittance r ON r.id = c.remittance_id
    LEFT JOIN ledger_entry e
        ON e.source_kind = 'reimbursement' AND e.source_id = c.id AND e.purpose = 'received'
    LEFT JOIN ledger_line l ON l.entry_id = e.id AND l.cents > 0
    WHERE r.state = 'posted' AND c.outcome = 'reimbursed'
    GROUP BY c.id, c.paid_cents HAVING COALESCE(SUM(l.cents), 0) <> c.paid_cents
    """,
)
POSTED_WHILE_PARKED = Probe(
    "was posted, and its payment is parked",
    """
    SELECT c.id FROM remittance_claim c
    JOIN remittance r ON r.id = c.remittance_id
    JOIN ledger_entry e ON e.source_kind = 'reimbursement' AND e.source_id = c.id
    WHERE r.state <> 'posted'
    """,
)
CREDIT_OF_CLAIM = Probe(
    "what it credited is not the credit that is held",
    """
    SELECT c.id FROM remittance_claim c
    LEFT JOIN credit_lot lot ON lot.source = 'reimbursement' AND lot.source_id = c.id
    WHERE c.credit_cents <> COALESCE(lot.amount_cents, 0)
    """,
)
TRANSACTION_NOT_WHOLE = Probe(
    "what was posted for it is not its amount",
    """
    SELECT r.id FROM remittance r
    LEFT JOIN (
        SELECT remittance_id, SUM(paid_cents) AS cents FROM remittance_claim
        WHERE outcome = 'reimbursed' GROUP BY remittance_id
    ) claims ON claims.remittance_id = r.id
    LEFT JOIN (
        SELECT e.source_id, SUM(l.cents) AS cents
        FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id AND l.cents > 0
        WHERE e.source_kind = 'remittance' AND e.reverses_id IS NULL GROUP BY e.source_id
    ) besides ON besides.source_id = r.id
    WHERE r.state = 'posted'
        AND r.amount_cents <> COALESCE(claims.cents, 0) + COALESCE(besides.cents, 0)
    """,
)


def superbills_say_what_was_paid(books: Books) -> Report:
    return look(books, at=["superbill"], probes=[PAID_AMOUNT])


def remittances_post_once(books: Books) -> Report:
    probes = [
        SAME_TRANSACTION,
        CLAIM_NOT_POSTED,
        POSTED_WHILE_PARKED,
        CREDIT_OF_CLAIM,
        TRANSACTION_NOT_WHOLE,
    ]
    return look(books, at=["remittance", "remittance_claim"], probes=probes)
