"""Invariants 1 to 4 and 8: entries, balances, patients' credit, and one posting for each fact."""

from __future__ import annotations

from billing.accounting.queries.attempts import ATTEMPTS
from billing.accounting.queries.checks import CHECKS
from billing.accounting.queries.drawers import DRAWERS
from billing.accounting.queries.guards import (
    require_append_only,
    require_change_guards,
    require_insert_guards,
)
from billing.accounting.queries.payers import EXCESS, PAYERS_MONEY
from billing.accounting.queries.probes import Books, Probe, Report, look

LEDGER = ("ledger_entry", "ledger_line")

UNBALANCED = Probe(
    "its lines do not sum to 0, are fewer than two, or are not those that were counted",
    """
    SELECT e.id FROM ledger_entry e
    LEFT JOIN (SELECT entry_id, COUNT(*) AS lines, SUM(cents) AS cents FROM ledger_line GROUP BY entry_id) l
        ON l.entry_id = e.id
    WHERE l.lines IS NULL OR l.lines < 2 OR l.lines <> e.line_count OR l.cents <> 0
    """,
)
STRAY_LINE = Probe(
    "has lines, and is no entry",
    """
    SELECT DISTINCT l.entry_id FROM ledger_line l
    WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.id = l.entry_id)
    """,
)
NOT_WHOLE_CENTS = Probe(
    "has a line that is no whole number of cents",
    "SELECT DISTINCT entry_id FROM ledger_line WHERE cents IS NULL OR CAST(cents AS BIGINT) <> cents",
)

NOT_OPPOSITE = Probe(
    "does not reverse line by line the entry that it names",
    """
    SELECT DISTINCT id FROM (
        SELECT id, account, patient, cents FROM (
            SELECT r.id, l.account, COALESCE(l.patient_id, '') AS patient, l.cents, 1 AS side
            FROM ledger_entry r JOIN ledger_line l ON l.entry_id = r.id
            WHERE r.reverses_id IS NOT NULL
            UNION ALL
            SELECT r.id, l.account, COALESCE(l.patient_id, '') AS patient, -l.cents, -1 AS side
            FROM ledger_entry r JOIN ledger_line l ON l.entry_id = r.reverses_id
        ) both_sides
        GROUP BY id, account, patient, cents HAVING SUM(side) <> 0
    ) unmatched
    """,
)

TRIAL_BALANCE = Probe(
    "its trial balance is not 0",
    """
    SELECT e.entity_id FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
    GROUP BY e.entity_id HAVING SUM(l.cents) <> 0
    """,
)
PATIENTS_CREDIT = Probe(
    "credits that are left and refunds that wait are not what account 2200 says",
    """
    SELECT COALESCE(patient_id, 'account 2200 without a patient') FROM (
        SELECT patient_id, SUM(available_cents) AS cents FROM credit_lot
        WHERE payer_id IS NULL AND source <> 'deposit' GROUP BY patient_id
        UNION ALL
        SELECT r.patient_id, SUM(r.amount_cents) FROM refund r JOIN credit_lot lot ON lot.id = r.lot_id
        WHERE r.state = 'requested' AND r.payer_id IS NULL AND lot.source <> 'deposit' GROUP BY r.patient_id
        UNION ALL
        SELECT patient_id, SUM(cents) FROM ledger_line WHERE account = '2200' GROUP BY patient_id
    ) told
    GROUP BY patient_id HAVING SUM(cents) <> 0
    """,
)
PAID_AHEAD = Probe(
    "what sessions to come were paid with, deposits and their waiting refunds are not account 2100",
    """
    SELECT COALESCE(patient_id, 'account 2100 without a patient') FROM (
        SELECT patient_id, SUM(available_cents) AS cents FROM credit_lot WHERE source = 'deposit'
        GROUP BY patient_id
        UNION ALL
        SELECT r.patient_id, SUM(r.amount_cents) FROM refund r JOIN credit_lot lot ON lot.id = r.lot_id
        WHERE r.state = 'requested' AND lot.source = 'deposit' GROUP BY r.patient_id
        UNION ALL
        SELECT s.patient_id, SUM(c.amount_cents) FROM session_coverage c
        JOIN treatment_session s ON s.id = c.session_id
        WHERE s.state NOT IN ('given', 'no_show') AND c.source_kind IN ('payment', 'credit', 'reimbursement')
        GROUP BY s.patient_id
        UNION ALL
        SELECT patient_id, SUM(cents) FROM ledger_line WHERE account = '2100' GROUP BY patient_id
    ) told
    GROUP BY patient_id HAVING SUM(cents) <> 0
    """,
)
LOT_BALANCE = Probe(
    "what is left is not the amount less what was applied and refunded",
    """
    SELECT lot.id FROM credit_lot lot
    LEFT JOIN (
        SELECT lot_id, SUM(cents) AS cents FROM (
            SELECT lot_id, amount_cents AS cents FROM credit_application
            UNION ALL
            SELECT a.lot_id, -r.amount_cents FROM credit_reversal r
            JOIN credit_application a ON a.id = r.application_id
            UNION ALL
            SELECT lot_id, amount_cents FROM credit_withdrawal
            UNION ALL
            SELECT lot_id, -amount_cents FROM dormant_credit
            WHERE state = 'claimed' AND set_aside_on IS NOT NULL AND refund_id IS NULL
        ) took GROUP BY lot_id
    ) applied ON applied.lot_id = lot.id
    LEFT JOIN (
        SELECT lot_id, SUM(amount_cents) AS cents FROM refund WHERE state NOT IN ('rejected', 'failed')
        GROUP BY lot_id
    ) refunded ON refunded.lot_id = lot.id
    WHERE lot.available_cents
        <> lot.amount_cents - COALESCE(applied.cents, 0) - COALESCE(refunded.cents, 0)
    """,
)

LOT_BOUNDS = Probe(
    "less than nothing is left of it, or more than it was",
    "SELECT id FROM credit_lot WHERE available_cents < 0 OR available_cents > amount_cents",
)
CREDIT_OVERSPENT = Probe(
    "account 2200 is in debit",
    """
    SELECT patient_id FROM ledger_line WHERE account = '2200' AND patient_id IS NOT NULL
    GROUP BY patient_id HAVING SUM(cents) > 0
    """,
)

TAKEN_BACK = Probe(
    "what was left, owed and returned of it is not what its entries, its credit and its returns say",
    """
    SELECT t.id FROM takeback t
    LEFT JOIN (
        SELECT e.source_id, SUM(CASE WHEN l.account = '1100' THEN l.cents ELSE 0 END) AS owed
        FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
        WHERE e.source_kind = 'takeback' AND e.purpose = 'demanded' GROUP BY e.source_id
    ) demanded ON demanded.source_id = t.id
    LEFT JOIN (
        SELECT subject_id, SUM(amount_cents) AS cents FROM credit_withdrawal WHERE reason = 'takeback'
        GROUP BY subject_id
    ) unspent ON unspent.subject_id = t.id
    LEFT JOIN (
        SELECT subject_id, SUM(amount_cents) AS cents FROM credit_withdrawal WHERE reason = 'covered'
        GROUP BY subject_id
    ) covered ON covered.subject_id = t.id
    LEFT JOIN (
        SELECT takeback_id, SUM(amount_cents) AS cents FROM takeback_return GROUP BY takeback_id
    ) returned ON returned.takeback_id = t.id
    WHERE t.amount_cents - t.excess_cents - t.unspent_cents <> COALESCE(demanded.owed, 0)
        OR t.unspent_cents <> COALESCE(unspent.cents, 0)
        OR t.covered_cents <> COALESCE(covered.cents, 0)
        OR t.returned_cents <> COALESCE(returned.cents, 0)
        OR (t.state = 'covered' AND t.excess_cents + t.unspent_cents + t.covered_cents <> t.amount_cents)
        OR (t.state = 'demanded' AND t.billed_cents + t.forgiven_cents <> 0)
        OR (t.state = 'forgiven'
            AND t.excess_cents + t.unspent_cents + t.covered_cents + t.billed_cents + t.forgiven_cents
                <> t.amount_cents)
    """,
)
NOT_WITHHELD = Probe(
    "was withheld by the payer, and the entry of that claim or payment does not say so",
    """
    SELECT r.id FROM takeback_return r
    LEFT JOIN ledger_entry e ON e.source_id = r.source_id
        AND (e.source_kind IN ('remittance', 'remittance-undo')
            OR (e.source_kind = 'reimbursement' AND e.purpose = 'received'))
    LEFT JOIN ledger_line l ON l.entry_id = e.id AND l.account = '2220' AND l.cents = r.amount_cents
    WHERE r.source_id IS NOT NULL
    GROUP BY r.id HAVING COUNT(l.cents) = 0
    """,
)

POSTED_TWICE = Probe(
    "was posted more than once",
    """
    SELECT source_id, purpose FROM ledger_entry
    GROUP BY source_kind, source_id, purpose HAVING COUNT(*) > 1
    """,
)
NOT_POSTED = Probe(
    "has no entry of its amount",
    """
    SELECT fact.id, fact.kind || ' ' || fact.purpose FROM (
        SELECT id, 'payment' AS kind, 'received' AS purpose, amount_cents AS cents FROM payment
        UNION ALL SELECT id, 'payment', 'fee', fee_cents FROM payment WHERE fee_cents <> 0
        UNION ALL SELECT id, 'payment', 'moved', amount_cents FROM payment WHERE state = 'moved'
        UNION ALL SELECT id, 'payment', 'bounced', amount_cents FROM payment WHERE state = 'bounced'
        UNION ALL SELECT id, 'bounce', 'fee', fee_cents FROM bounce WHERE fee_cents <> 0
        UNION ALL SELECT id, 'credit', 'applied', amount_cents FROM credit_application
        UNION ALL SELECT r.id, 'credit-reversal', 'unapplied', r.amount_cents FROM credit_reversal r
            WHERE EXISTS (SELECT 1 FROM invoice_tender_reversal t
                WHERE t.source_kind = 'credit' AND t.source_id = r.application_id
                    AND t.cents = r.amount_cents AND t.reversed_at = r.reversed_at)
        UNION ALL SELECT id, 'takeback', 'demanded', amount_cents - excess_cents FROM takeback
            WHERE amount_cents > excess_cents
        UNION ALL SELECT id, 'takeback', 'billed', billed_cents FROM takeback WHERE billed_cents <> 0
        UNION ALL SELECT id, 'takeback', 'forgiven', forgiven_cents FROM takeback WHERE forgiven_cents <> 0
        UNION ALL SELECT id, 'takeback-cover', 'covered', amount_cents FROM credit_withdrawal
            WHERE reason = 'covered'
        UNION ALL SELECT id, 'takeback-return', 'repaid', amount_cents FROM takeback_return
            WHERE source_id IS NULL
        UNION ALL SELECT id, 'excess-share', 'shared', amount_cents FROM excess_share
        UNION ALL SELECT lot.source_id, 'refund', 'released', lot.amount_cents - COALESCE(w.cents, 0)
            FROM credit_lot lot LEFT JOIN (
                SELECT x.subject_id, SUM(x.amount_cents) AS cents FROM credit_withdrawal x
                JOIN credit_lot held ON held.id = x.lot_id
                WHERE x.reason = 'released' AND held.source <> 'deposit' GROUP BY x.subject_id
            ) w ON w.subject_id = lot.source_id
            WHERE lot.source = 'released' AND lot.amount_cents <> COALESCE(w.cents, 0)
        UNION ALL SELECT subject_id, 'refund', 'restored', amount_cents FROM credit_withdrawal
            WHERE reason = 'restored'
        UNION ALL SELECT w.subject_id, 'refund', 'lost', w.amount_cents FROM credit_withdrawal w
            JOIN refund r ON r.id = w.subject_id WHERE w.reason = 'dispute'
        UNION ALL SELECT id, 'dormant', 'set-aside', amount_cents FROM dormant_credit
            WHERE set_aside_on IS NOT NULL
        UNION ALL SELECT id, 'dormant', 'remitted', amount_cents FROM dormant_credit
            WHERE state = 'remitted'
        UNION ALL SELECT id, 'dormant', 'claimed', amount_cents FROM dormant_credit
            WHERE state = 'claimed' AND set_aside_on IS NOT NULL
        UNION ALL SELECT id, 'dispute-movement', 'moved',
            CASE WHEN amount_cents < 0 THEN -amount_cents ELSE 0 END
            + CASE WHEN fee_cents > 0 THEN fee_cents ELSE 0 END
            + CASE WHEN amount_cents > fee_cents THEN amount_cents - fee_cents ELSE 0 END
            FROM dispute_movement
        UNION ALL SELECT id, 'dispute-movement', 'made-good', made_good_cents FROM dispute_movement
            WHERE made_good_cents <> 0
        UNION ALL SELECT d.id, 'dispute', 'lost', d.lost_cents + COALESCE(m.cents, 0)
            FROM dispute d LEFT JOIN (
                SELECT dispute_id, SUM(made_good_cents) AS cents FROM dispute_movement GROUP BY dispute_id
            ) m ON m.dispute_id = d.id
            WHERE d.lost_cents + COALESCE(m.cents, 0) <> 0
        UNION ALL SELECT id, 'bank_deposit', 'banked',
            amount_cents + CASE WHEN float_cents < 0 THEN -float_cents ELSE 0 END FROM bank_deposit
        UNION ALL SELECT id, 'cash_float', 'brought', amount_cents FROM cash_float
        UNION ALL SELECT id, 'cash_drawer', 'difference', ABS(difference_cents) FROM cash_drawer
            WHERE difference_cents <> 0
        UNION ALL SELECT exception_id, 'named-exception', 'booked', moved_cents FROM named_exception_booking
        UNION ALL SELECT id, 'payout', 'paid', ABS(amount_cents) FROM payout WHERE state = 'paid'
        UNION ALL SELECT id, 'refund', 'approved', amount_cents FROM refund
            WHERE approved_at IS NOT NULL AND replaces_id IS NULL
        UNION ALL SELECT id, 'refund', 'sent', amount_cents FROM refund WHERE refunded_on IS NOT NULL
        UNION ALL SELECT id, 'refund', 'failed', amount_cents FROM refund
            WHERE refunded_on IS NOT NULL AND state = 'failed'
        UNION ALL SELECT id, 'refund', 'held-again', amount_cents FROM refund
            WHERE state = 'failed' AND voided_by_person IS NULL
        UNION ALL SELECT id, 'return', 'held', freed_cents FROM invoice_return WHERE freed_cents <> 0
        UNION ALL SELECT s.id, 'session', 'given', l.charge_cents FROM treatment_session s
            JOIN invoiced_session i ON i.session_id = s.id JOIN invoice_line l ON l.id = i.line_id
            WHERE s.state = 'given' AND l.charge_cents <> 0
        UNION ALL SELECT i.id, 'invoice', 'given', SUM(l.charge_cents)
            FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.reprices_id IS NOT NULL
            GROUP BY i.id
        UNION ALL SELECT id, 'invoice', 'missed', total_cents FROM invoice WHERE kind = 'fee'
        UNION ALL SELECT id, 'invoice', 'waived', total_cents FROM invoice
            WHERE kind = 'fee' AND state = 'void'
    ) fact
    LEFT JOIN (
        SELECT e.source_kind, e.source_id, e.purpose, COUNT(DISTINCT e.id) AS entries,
            SUM(CASE WHEN l.cents > 0 THEN l.cents ELSE 0 END) AS cents
        FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
        GROUP BY e.source_kind, e.source_id, e.purpose
    ) told ON told.source_kind = fact.kind AND told.source_id = fact.id AND told.purpose = fact.purpose
    WHERE told.entries IS NULL OR (told.entries = 1 AND told.cents <> fact.cents)
    """,
)
WITHOUT_FACT = Probe(
    "was posted for something that is not there",
    """
    SELECT e.id, e.source_kind FROM ledger_entry e WHERE e.reverses_id IS NULL AND (
        (e.source_kind = 'payment' AND NOT EXISTS (SELECT 1 FROM payment x WHERE x.id = e.source_id))
        OR (e.source_kind = 'credit'
            AND NOT EXISTS (SELECT 1 FROM credit_application x WHERE x.id = e.source_id))
        OR (e.source_kind = 'credit-reversal'
            AND NOT EXISTS (SELECT 1 FROM credit_reversal x WHERE x.id = e.source_id))
        OR (e.source_kind = 'payer_share'
            AND NOT EXISTS (SELECT 1 FROM payer_share x WHERE x.id = e.source_id))
        OR (e.source_kind = 'bounce' AND NOT EXISTS (SELECT 1 FROM bounce x WHERE x.id = e.source_id))
        OR (e.source_kind = 'takeback' AND NOT EXISTS (SELECT 1 FROM takeback x WHERE x.id = e.source_id))
        OR (e.source_kind = 'takeback-cover' AND NOT EXISTS (
            SELECT 1 FROM credit_withdrawal x WHERE x.id = e.source_id AND x.reason = 'covered'))
        OR (e.source_kind = 'takeback-return'
            AND NOT EXISTS (SELECT 1 FROM takeback_return x WHERE x.id = e.source_id))
        OR (e.source_kind = 'excess-share'
            AND NOT EXISTS (SELECT 1 FROM excess_share x WHERE x.id = e.source_id))
        OR (e.source_kind = 'dormant'
            AND NOT EXISTS (SELECT 1 FROM dormant_credit x WHERE x.id = e.source_id))
        OR (e.source_kind = 'dispute' AND NOT EXISTS (SELECT 1 FROM dispute x WHERE x.id = e.source_id))
        OR (e.source_kind = 'dispute-movement'
            AND NOT EXISTS (SELECT 1 FROM dispute_movement x WHERE x.id = e.source_id))
        OR (e.source_kind = 'bank_deposit'
            AND NOT EXISTS (SELECT 1 FROM bank_deposit x WHERE x.id = e.source_id))
        OR (e.source_kind = 'cash_float'
            AND NOT EXISTS (SELECT 1 FROM cash_float x WHERE x.id = e.source_id))
        OR (e.source_kind = 'cash_drawer'
            AND NOT EXISTS (SELECT 1 FROM cash_drawer x WHERE x.id = e.source_id))
        OR (e.source_kind = 'payout' AND NOT EXISTS (SELECT 1 FROM payout x WHERE x.id = e.source_id))
        OR (e.source_kind = 'named-exception'
            AND NOT EXISTS (SELECT 1 FROM named_exception_booking x WHERE x.exception_id = e.source_id))
        OR (e.source_kind = 'refund' AND NOT EXISTS (SELECT 1 FROM refund x WHERE x.id = e.source_id))
        OR (e.source_kind = 'return' AND NOT EXISTS (SELECT 1 FROM invoice_return x WHERE x.id = e.source_id))
        OR (e.source_kind = 'invoice'
            AND NOT EXISTS (SELECT 1 FROM invoice x WHERE x.id = e.source_id
                AND (x.reprices_id IS NOT NULL OR x.kind = 'fee')))
        OR (e.source_kind = 'session'
            AND NOT EXISTS (SELECT 1 FROM treatment_session x WHERE x.id = e.source_id))
    )
    """,
)

OTHER_DEPOSIT = Probe(
    "its amount is not that of the payments, and of the change, that were banked with it",
    """
    SELECT d.id FROM bank_deposit d
    LEFT JOIN bank_deposit_item i ON i.deposit_id = d.id
    LEFT JOIN payment p ON p.id = i.payment_id AND p.state <> 'moved'
    GROUP BY d.id, d.amount_cents, d.float_cents
    HAVING d.amount_cents <> d.float_cents + COALESCE(SUM(p.amount_cents), 0)
    """,
)
NOT_AT_HAND = Probe(
    "cash and checks that were not banked, change and what drawers were over are not what account 1060 says",
    """
    SELECT site_id FROM (
        SELECT e.site_id, l.cents FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
        WHERE l.account = '1060'
        UNION ALL
        SELECT p.site_id, -p.amount_cents FROM payment p
        WHERE p.tender IN ('cash', 'check') AND p.state = 'received'
            AND NOT EXISTS (SELECT 1 FROM bank_deposit_item i WHERE i.payment_id = p.id)
        UNION ALL SELECT site_id, -amount_cents FROM cash_float
        UNION ALL SELECT site_id, float_cents FROM bank_deposit
        UNION ALL SELECT site_id, -difference_cents FROM cash_drawer WHERE state = 'closed'
    ) told
    GROUP BY site_id HAVING SUM(cents) <> 0
    """,
)


def entries_balance(books: Books) -> Report:
    report = look(books, at=["ledger_entry"], probes=[UNBALANCED, STRAY_LINE, NOT_WHOLE_CENTS])
    require_insert_guards(books.read, report, LEDGER)
    return report


def posted_rows_stay(books: Books) -> Report:
    report = look(books, at=["ledger_entry"], probes=[NOT_OPPOSITE])
    require_append_only(books.read, report, LEDGER)
    return report


def balances_agree(books: Books) -> Report:
    probes = [TRIAL_BALANCE, PATIENTS_CREDIT, PAID_AHEAD, PAYERS_MONEY, LOT_BALANCE, *DRAWERS, *CHECKS]
    report = look(books, at=["credit_lot", "refund", "cash_drawer"], probes=probes)
    require_change_guards(books.read, report, ["cash_drawer"])
    return report


def credit_is_never_negative(books: Books) -> Report:
    report = look(
        books,
        at=["credit_lot", "takeback", "reimbursement_excess"],
        probes=[LOT_BOUNDS, CREDIT_OVERSPENT, TAKEN_BACK, NOT_WITHHELD, EXCESS],
    )
    require_append_only(books.read, report, ["takeback_return", "excess_share"])
    return report


def each_fact_is_posted_once(books: Books) -> Report:
    probes = [POSTED_TWICE, NOT_POSTED, WITHOUT_FACT, OTHER_DEPOSIT, NOT_AT_HAND, *ATTEMPTS]
    report = look(books, at=["ledger_entry", "checkout", "deposit_request"], probes=probes)
    require_append_only(
        books.read, report, ["bank_deposit", "bank_deposit_item", "cash_float", "deposit_payment"]
    )
    return report
