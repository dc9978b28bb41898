"""Attempts to pay, and deposits that were asked for: each was paid once, with the amount that was meant."""

from __future__ import annotations

from billing.accounting.queries.probes import Probe

PAID_ONCE = Probe(
    "its money is not booked once, or was booked though it is not paid",
    """
    SELECT c.id FROM checkout c
    LEFT JOIN (SELECT checkout_id, COUNT(*) AS times FROM payment GROUP BY checkout_id) p
        ON p.checkout_id = c.id
    WHERE COALESCE(p.times, 0) <> CASE WHEN c.state = 'paid' AND c.amount_cents > 0 THEN 1 ELSE 0 END
    """,
)
PAID_AS_MEANT = Probe(
    "is less than its attempt was to take, or of another patient",
    """
    SELECT p.id FROM payment p LEFT JOIN checkout c ON c.id = p.checkout_id
    WHERE p.checkout_id IS NOT NULL
        AND (c.id IS NULL OR p.amount_cents < c.amount_cents OR p.patient_id <> c.patient_id)
    """,
)
DEPOSIT_AS_ASKED = Probe(
    "is paid without the money that was asked for, or was asked for otherwise than its attempts say",
    """
    SELECT r.id FROM deposit_request r
    LEFT JOIN (
        SELECT deposit_request_id, MAX(amount_cents) AS asked FROM checkout GROUP BY deposit_request_id
    ) c ON c.deposit_request_id = r.id
    LEFT JOIN (
        SELECT d.deposit_request_id, SUM(d.amount_cents) AS came
        FROM deposit_payment d LEFT JOIN payment p ON p.id = d.payment_id
        WHERE d.payment_id IS NULL OR p.state = 'received' GROUP BY d.deposit_request_id
    ) d ON d.deposit_request_id = r.id
    WHERE COALESCE(c.asked, 0) > r.amount_cents
        OR r.handed_cents <> CASE
            WHEN COALESCE(d.came, 0) < r.amount_cents THEN COALESCE(d.came, 0) ELSE r.amount_cents END
        OR (r.state = 'paid' AND r.amount_cents - r.handed_cents >= 50)
        OR (r.state <> 'paid' AND r.amount_cents - r.handed_cents < 50)
    """,
)
"""Less than 0.50 no card takes: it is not asked for any more once the rest came."""
DEPOSIT_PAYMENTS = Probe(
    "pays a deposit otherwise than it came, for more than it was, or of another patient",
    """
    SELECT p.id FROM payment p
    JOIN checkout c ON c.id = p.checkout_id
    LEFT JOIN deposit_payment d ON d.payment_id = p.id AND d.deposit_request_id = c.deposit_request_id
    WHERE c.deposit_request_id IS NOT NULL AND (d.id IS NULL OR d.amount_cents <> p.amount_cents)
    UNION
    SELECT p.id FROM deposit_payment d
    JOIN payment p ON p.id = d.payment_id
    JOIN deposit_request r ON r.id = d.deposit_request_id
    GROUP BY p.id, p.amount_cents, p.patient_id
    HAVING SUM(d.amount_cents) > p.amount_cents
        OR MIN(r.patient_id) <> p.patient_id OR MAX(r.patient_id) <> p.patient_id
    """,
)
STILL_LENT = Probe(
    "took nothing, and an invoice that owed then holds credit that was lent to it",
    """
    SELECT told.id FROM (
        SELECT c.id, i.total_cents
            - COALESCE((SELECT SUM(t.cents) FROM invoice_tender t
                WHERE t.invoice_id = i.id AND t.applied_at <= c.ended_at), 0)
            + COALESCE((SELECT SUM(u.cents) FROM invoice_tender_reversal u
                WHERE u.invoice_id = i.id AND u.reversed_at < c.ended_at), 0)
            - COALESCE((SELECT SUM(r.cents - r.freed_cents) FROM invoice_return r
                WHERE r.invoice_id = i.id AND r.returned_at <= c.ended_at), 0) AS owed
        FROM (
            SELECT e.id, e.invoice_id, MAX(m.at) AS ended_at FROM session_coverage v
            JOIN credit_application a ON a.id = v.source_id
            JOIN checkout e ON e.id = a.checkout_id
            JOIN state_change m ON m.subject_id = e.id AND m.after = e.state
            WHERE v.source_kind = 'credit' AND v.amount_cents > 0
                AND e.state IN ('expired', 'refused', 'declined')
            GROUP BY e.id, e.invoice_id
        ) c
        JOIN invoice i ON i.id = c.invoice_id
    ) told
    WHERE told.owed > 0
    """,
)
"""Where the rest was paid in another way by then, the credit has paid its part, whatever bounced later."""
ATTEMPTS = (PAID_ONCE, PAID_AS_MEANT, DEPOSIT_AS_ASKED, DEPOSIT_PAYMENTS)
