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
    SELECT r.id FROM deposit_request r LEFT JOIN (
        SELECT deposit_request_id, MAX(amount_cents) AS asked,
            MAX(CASE WHEN state = 'paid' THEN amount_cents ELSE 0 END) AS paid
        FROM checkout GROUP BY deposit_request_id
    ) c ON c.deposit_request_id = r.id
    WHERE COALESCE(c.asked, 0) > r.amount_cents
        OR (r.state <> 'paid' AND c.paid > 0)
        OR (r.state = 'paid' AND r.amount_cents - r.handed_cents >= 50
            AND r.amount_cents - r.handed_cents > COALESCE(c.paid, 0))
    """,
)
"""Less than 0.50 no card takes: it is not asked for any more once the rest was handed over."""
ATTEMPTS = (PAID_ONCE, PAID_AS_MEANT, DEPOSIT_AS_ASKED)
