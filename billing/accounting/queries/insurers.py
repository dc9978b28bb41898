"""Invariants 14 and 16: what a superbill says was paid, and what insurers' payments became."""

from __future__ import annotations

from billing.accounting.queries.guards import require_append_only
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
    WHERE r.state = 'parked'
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
BOOKED = """
        SELECT fact.remittance_id, SUM(l.cents) AS cents FROM (
            SELECT c.remittance_id, 'reimbursement' AS kind, c.id AS source_id FROM remittance_claim c
            UNION ALL SELECT id, 'remittance', id FROM remittance
            UNION ALL SELECT remittance_id, 'remittance-undo', id FROM remittance_undo
            UNION ALL SELECT u.remittance_id, 'reimbursement', x.id
                FROM restored_claim x JOIN remittance_undo u ON u.id = x.undo_id
        ) fact
        JOIN ledger_entry e ON e.source_kind = fact.kind AND e.source_id = fact.source_id
        JOIN ledger_line l ON l.entry_id = e.id AND l.account = '{account}'
        GROUP BY fact.remittance_id
"""
"""What each payment and its undoing did to an account."""
TRANSACTION_NOT_WHOLE = Probe(
    "what came to the bank for it is not its amount, or is there after an undo",
    f"""
    SELECT r.id FROM remittance r
    LEFT JOIN (
        {BOOKED.format(account=1000)}
    ) banked ON banked.remittance_id = r.id
    WHERE COALESCE(banked.cents, 0) <> CASE r.state WHEN 'posted' THEN r.amount_cents ELSE 0 END
    """,  # noqa: S608 (of constants alone)
)
NOT_TAKEN = Probe(
    "what it took back of an earlier payment is not what the payer demanded and got",
    """
    SELECT told.remittance_id FROM (
        SELECT t.remittance_id, t.takeback_id, t.returned_cents AS cents FROM remittance_taking t
        UNION ALL
        SELECT COALESCE(c.remittance_id, x.source_id), x.takeback_id, -x.amount_cents FROM takeback_return x
        LEFT JOIN remittance_claim c ON c.id = x.source_id
        WHERE EXISTS (SELECT 1 FROM remittance r WHERE r.id = COALESCE(c.remittance_id, x.source_id))
    ) told
    GROUP BY told.remittance_id, told.takeback_id HAVING SUM(told.cents) <> 0
    UNION
    SELECT t.remittance_id FROM remittance_taking t
    LEFT JOIN takeback b ON b.id = t.takeback_id AND b.reimbursement_id = t.reimbursement_id
    WHERE b.id IS NULL OR (t.demanded_cents <> 0 AND t.demanded_cents <> b.amount_cents)
    """,
)
PAYMENT_NOT_WHOLE = Probe(
    "its claims less what the payer adjusted are not its amount",
    """
    SELECT r.id FROM remittance r
    LEFT JOIN (
        SELECT remittance_id, SUM(paid_cents) AS cents FROM remittance_claim GROUP BY remittance_id
    ) claims ON claims.remittance_id = r.id
    LEFT JOIN (
        SELECT remittance_id, SUM(amount_cents) AS cents FROM remittance_adjustment GROUP BY remittance_id
    ) adjusted ON adjusted.remittance_id = r.id
    WHERE r.state = 'posted' AND adjusted.cents IS NOT NULL
        AND r.amount_cents <> COALESCE(claims.cents, 0) - adjusted.cents
    """,
)
"""Of the time before adjustments were kept, a payment with interest has none here."""
NOT_APART = Probe(
    "what was set apart of it, with interest and refunds that came back, is not on account 2240",
    f"""
    SELECT r.id FROM remittance r
    JOIN (
        SELECT remittance_id, SUM(CASE WHEN is_set_apart OR code IN ('L6', 'B2') THEN amount_cents ELSE 0 END)
            AS cents
        FROM remittance_adjustment GROUP BY remittance_id
        HAVING SUM(CASE WHEN is_set_apart THEN 1 ELSE 0 END) > 0
    ) told ON told.remittance_id = r.id
    LEFT JOIN (
        {BOOKED.format(account=2240)}
    ) held ON held.remittance_id = r.id
    WHERE COALESCE(held.cents, 0) <> CASE r.state WHEN 'posted' THEN told.cents ELSE 0 END
    """,  # noqa: S608 (of constants alone)
)
SETTLED_OTHERWISE = Probe(
    "what was settled is not what was set apart of it",
    """
    SELECT e.source_id FROM ledger_entry e
    LEFT JOIN ledger_entry back ON back.reverses_id = e.id
    LEFT JOIN ledger_line l ON l.entry_id = e.id AND l.account = '2240'
    LEFT JOIN (
        SELECT a.remittance_id, SUM(a.amount_cents) AS cents FROM remittance_adjustment a
        JOIN remittance r ON r.id = a.remittance_id AND r.state = 'posted'
        WHERE a.is_set_apart GROUP BY a.remittance_id
    ) apart ON apart.remittance_id = e.source_id
    WHERE e.source_kind = 'remittance-apart' AND e.reverses_id IS NULL AND back.id IS NULL
    GROUP BY e.source_id, apart.cents HAVING COALESCE(SUM(l.cents), 0) <> -COALESCE(apart.cents, 0)
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
        NOT_TAKEN,
        PAYMENT_NOT_WHOLE,
        NOT_APART,
        SETTLED_OTHERWISE,
    ]
    report = look(books, at=["remittance", "remittance_claim"], probes=probes)
    require_append_only(books.read, report, ["remittance_taking", "remittance_undo", "restored_claim"])
    return report
