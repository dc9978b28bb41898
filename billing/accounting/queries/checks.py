"""Refunds on their way, and the checks that carry them: what 2210 says, and what became of each check."""

from __future__ import annotations

from billing.accounting.queries.probes import Probe

REFUNDS_PAYABLE = Probe(
    "refunds that were approved and did not go out are not what account 2210 says",
    """
    SELECT COALESCE(patient_id, 'account 2210 without a patient') FROM (
        SELECT patient_id, amount_cents AS cents FROM refund WHERE state = 'approved'
        UNION ALL
        SELECT patient_id, cents FROM ledger_line WHERE account = '2210'
    ) told
    GROUP BY patient_id HAVING SUM(cents) <> 0
    """,
)
CASHED_AND_NOT_OUT = Probe(
    "the bank paid its check, and it did not go out by one, or not before",
    """
    SELECT id FROM refund WHERE cashed_on IS NOT NULL
        AND (method <> 'check' OR state <> 'succeeded' OR refunded_on IS NULL OR cashed_on < refunded_on)
    """,
)
NOT_OWED_AGAIN = Probe(
    "its check was voided, and the same money is not owed again exactly once",
    """
    SELECT v.id FROM refund v LEFT JOIN refund n ON n.replaces_id = v.id
    WHERE v.voided_by_person IS NOT NULL
    GROUP BY v.id, v.state, v.method, v.amount_cents, v.patient_id, v.lot_id
    HAVING v.state <> 'failed' OR v.method <> 'check' OR COUNT(n.id) <> 1
        OR MIN(n.amount_cents) <> v.amount_cents OR MIN(n.patient_id) <> v.patient_id
        OR MIN(n.lot_id) <> v.lot_id
    """,
)
REPLACES_NOTHING = Probe(
    "it replaces a check that was not voided",
    """
    SELECT n.id FROM refund n LEFT JOIN refund v ON v.id = n.replaces_id
    WHERE n.replaces_id IS NOT NULL AND (v.id IS NULL OR v.voided_by_person IS NULL)
    """,
)
NOT_SET_ASIDE = Probe(
    "it is set aside for the state, and what is kept of that does not say so",
    """
    SELECT r.id FROM refund r
    LEFT JOIN dormant_credit d ON d.refund_id = r.id AND d.state IN ('set_aside', 'remitted')
    WHERE r.state = 'unclaimed' OR d.id IS NOT NULL
    GROUP BY r.id, r.state, r.amount_cents
    HAVING r.state <> 'unclaimed' OR COUNT(d.id) <> 1 OR MIN(d.amount_cents) <> r.amount_cents
    """,
)
CHECKS = [REFUNDS_PAYABLE, CASHED_AND_NOT_OUT, NOT_OWED_AGAIN, REPLACES_NOTHING, NOT_SET_ASIDE]
