"""Invariants 3, 4 and 6 for payers: what they took, paid, owe and have left is what the books say."""

from __future__ import annotations

from billing.accounting.queries.probes import Probe

OTHER_SHARE = Probe(
    "what its payer owes of it is not what it covers, or not what its invoice took of it",
    """
    SELECT s.id FROM payer_share s
    LEFT JOIN (
        SELECT source_id, SUM(amount_cents) AS cents FROM session_coverage
        WHERE source_kind IN ('payer_share', 'payer_promise') GROUP BY source_id
    ) c ON c.source_id = s.id
    LEFT JOIN (
        SELECT source_id, SUM(cents) AS cents FROM (
            SELECT source_id, cents FROM invoice_tender WHERE source_kind IN ('payer_share', 'payer_promise')
            UNION ALL SELECT source_id, -cents FROM invoice_tender_reversal
            WHERE source_kind IN ('payer_share', 'payer_promise')
        ) told GROUP BY source_id
    ) t ON t.source_id = s.id
    WHERE s.open_cents <> COALESCE(c.cents, 0) OR s.open_cents <> COALESCE(t.cents, 0)
        OR s.open_cents < 0 OR s.open_cents + s.paid_cents > s.agreed_cents
        OR (s.state = 'ended' AND s.open_cents <> 0)
    """,
)
OTHER_RECEIVABLE = Probe(
    "what other payers owe for what was given is not the balance of account 1130",
    """
    SELECT COALESCE(patient_id, 'account 1130 without a patient') FROM (
        SELECT s.patient_id, c.amount_cents AS cents FROM session_coverage c
        JOIN treatment_session s ON s.id = c.session_id
        WHERE s.state IN ('given', 'no_show') AND c.source_kind IN ('payer_share', 'payer_promise')
        UNION ALL SELECT patient_id, -cents FROM ledger_line WHERE account = '1130'
    ) told
    GROUP BY patient_id HAVING SUM(cents) <> 0
    """,
)
SHARE_PAID = Probe(
    "what its payer paid of it is not what its payments brought",
    """
    SELECT payer_id FROM (
        SELECT payer_id, paid_cents AS cents FROM payer_share
        UNION ALL
        SELECT p.payer_id, -t.cents FROM invoice_tender t
        JOIN payment p ON t.source_kind = 'payment' AND p.id = t.source_id
        WHERE p.payer_id IS NOT NULL
        UNION ALL
        SELECT p.payer_id, u.cents FROM invoice_tender_reversal u
        JOIN payment p ON u.source_kind = 'payment' AND p.id = u.source_id
        WHERE p.payer_id IS NOT NULL
    ) told
    GROUP BY payer_id HAVING SUM(cents) <> 0
    """,
)
SHARE_PAID_BY_ITS_OWN = Probe(
    "what was paid of it is not what the payments brought that name it",
    """
    SELECT told.share_id FROM (
        SELECT id AS share_id, paid_cents AS cents FROM payer_share
        UNION ALL
        SELECT p.share_id, -t.cents FROM invoice_tender t
        JOIN payment p ON t.source_kind = 'payment' AND p.id = t.source_id WHERE p.share_id IS NOT NULL
        UNION ALL
        SELECT p.share_id, u.cents FROM invoice_tender_reversal u
        JOIN payment p ON u.source_kind = 'payment' AND p.id = u.source_id WHERE p.share_id IS NOT NULL
    ) told
    WHERE told.share_id NOT IN (
        SELECT s.id FROM payer_share s
        JOIN payment p ON p.invoice_id = s.invoice_id AND p.payer_id = s.payer_id AND p.share_id IS NULL
    )
    GROUP BY told.share_id HAVING SUM(told.cents) <> 0
    """,
)
"""Payments of the time before parts were recorded leave open which of several they pay."""
SHARES = [OTHER_SHARE, OTHER_RECEIVABLE, SHARE_PAID, SHARE_PAID_BY_ITS_OWN]

PAYERS_MONEY = Probe(
    "what is held for other payers, insurers paid above, demand or left open, and is not returned, "
    "is not account 2220",
    """
    SELECT COALESCE(patient_id, 'account 2220 without a patient') FROM (
        SELECT patient_id, available_cents AS cents FROM credit_lot WHERE payer_id IS NOT NULL
        UNION ALL
        SELECT patient_id, amount_cents FROM refund WHERE state = 'requested' AND payer_id IS NOT NULL
        UNION ALL
        SELECT patient_id, amount_cents - shared_cents - demanded_cents FROM reimbursement_excess
        UNION ALL
        SELECT patient_id, amount_cents - returned_cents FROM takeback
        UNION ALL
        SELECT NULL, -a.amount_cents FROM remittance_adjustment a
        JOIN remittance r ON r.id = a.remittance_id AND r.state = 'posted'
            WHERE a.code = 'FB' AND NOT a.is_set_apart
        UNION ALL
        SELECT patient_id, cents FROM ledger_line WHERE account = '2220'
    ) told
    GROUP BY patient_id HAVING SUM(cents) <> 0
    """,
)

EXCESS = Probe(
    "what an insurer paid above it, wants of that, or what became the patient's, is not what its entry, "
    "demands, shares and credits say",
    """
    SELECT told.id FROM (
        SELECT id, amount_cents AS above, shared_cents AS shared, shared_cents AS held,
            demanded_cents AS demanded
        FROM reimbursement_excess
        UNION ALL
        SELECT e.source_id, l.cents, 0, 0, 0 FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
        WHERE e.source_kind = 'reimbursement' AND e.purpose = 'received'
            AND l.account = '2220' AND l.cents < 0
        UNION ALL
        SELECT excess_id, 0, -amount_cents, 0, 0 FROM excess_share
        UNION ALL
        SELECT reimbursement_id, 0, 0, 0, -excess_cents FROM takeback
        UNION ALL
        SELECT s.excess_id, 0, 0, -lot.amount_cents, 0 FROM excess_share s
        JOIN credit_lot lot ON lot.source = 'reimbursement' AND lot.source_id = s.id
    ) told
    GROUP BY told.id HAVING SUM(above) <> 0 OR SUM(shared) <> 0 OR SUM(held) <> 0
        OR SUM(demanded) <> 0
    """,
)
