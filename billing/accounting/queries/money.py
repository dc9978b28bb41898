"""Invariants 5, 6, 7, 10 and 21: payments, invoices, applications, open operations, approvals."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row, TextualSelect, bindparam, text

from billing.accounting.queries.attempts import STILL_LENT
from billing.accounting.queries.drawers import CONFIRMED_OWN, COUNTED_ALONE
from billing.accounting.queries.guards import require_append_only, require_insert_guards
from billing.accounting.queries.payers import SHARES
from billing.accounting.queries.probes import ROWS_AT_ONCE, Books, Probe, Report, look
from billing.platform.data.base import Instant

STANDS_TOO_LONG = timedelta(days=1)
COUNTS_FOR = timedelta(hours=24)

REFUNDED = Probe(
    "its refunds and lost disputes are not what was set aside for them, or exceed it",
    """
    SELECT p.id FROM payment p
    LEFT JOIN (
        SELECT payment_id, SUM(amount_cents) AS cents FROM refund WHERE state NOT IN ('rejected', 'failed')
        GROUP BY payment_id
    ) r ON r.payment_id = p.id
    LEFT JOIN (SELECT payment_id, SUM(lost_cents) AS cents FROM dispute GROUP BY payment_id) d
        ON d.payment_id = p.id
    WHERE p.refunded_cents <> COALESCE(r.cents, 0) OR p.refunded_cents < 0
        OR p.lost_cents <> CASE WHEN COALESCE(d.cents, 0) < p.amount_cents - p.refunded_cents
            THEN COALESCE(d.cents, 0) ELSE p.amount_cents - p.refunded_cents END
        OR p.refunded_cents + p.lost_cents > p.amount_cents OR p.lost_cents < 0
    """,
)

INVOICE_TOTAL = Probe(
    "total is not tenders less what was undone or freed, plus returns, plus what is open",
    """
    SELECT i.id FROM invoice i
    LEFT JOIN (SELECT invoice_id, SUM(cents) AS cents FROM invoice_tender GROUP BY invoice_id) t
        ON t.invoice_id = i.id
    LEFT JOIN (SELECT invoice_id, SUM(cents) AS cents FROM invoice_tender_reversal GROUP BY invoice_id) u
        ON u.invoice_id = i.id
    LEFT JOIN (
        SELECT invoice_id, SUM(cents) AS cents, SUM(freed_cents) AS freed FROM invoice_return
        GROUP BY invoice_id
    ) r ON r.invoice_id = i.id
    WHERE i.state <> 'void' AND i.total_cents <> COALESCE(t.cents, 0) - COALESCE(u.cents, 0)
        - COALESCE(r.freed, 0) + COALESCE(r.cents, 0) + i.open_cents
    """,
)
INVOICE_LINES = Probe(
    "its lines do not sum to its total",
    """
    SELECT i.id FROM invoice i
    LEFT JOIN (SELECT invoice_id, SUM(net_cents) AS cents FROM invoice_line GROUP BY invoice_id) l
        ON l.invoice_id = i.id
    WHERE i.total_cents <> COALESCE(l.cents, 0)
    """,
)
INVOICE_STATE = Probe(
    "its state does not fit what is open",
    """
    SELECT id, state FROM invoice
    WHERE (state = 'open' AND open_cents = 0) OR (state <> 'open' AND open_cents <> 0) OR open_cents < 0
    """,
)
VOID_TENDERED = Probe(
    "is void, and money was applied to it",
    """
    SELECT i.id FROM invoice i
    JOIN (
        SELECT invoice_id, cents FROM invoice_tender
        UNION ALL SELECT invoice_id, -cents FROM invoice_tender_reversal
    ) t ON t.invoice_id = i.id
    WHERE i.state = 'void' GROUP BY i.id HAVING SUM(t.cents) <> 0
    """,
)

APPLICATIONS = (
    "invoice_tender",
    "invoice_tender_reversal",
    "invoice_return",
    "invoice_return_part",
    "credit_application",
    "credit_reversal",
    "credit_withdrawal",
    "coverage_move",
    "bounce",
)
LOT_OVERSPENT = Probe(
    "more was taken from it than it was",
    """
    SELECT lot.id FROM credit_lot lot JOIN (
        SELECT lot_id, amount_cents AS cents FROM credit_application
        UNION ALL
        SELECT a.lot_id, -r.amount_cents FROM credit_reversal r
        JOIN credit_application a ON a.id = r.application_id
        UNION ALL
        SELECT lot_id, amount_cents FROM credit_withdrawal
        UNION ALL
        SELECT lot_id, -amount_cents FROM dormant_credit
        WHERE state = 'claimed' AND set_aside_on IS NOT NULL AND refund_id IS NULL
        UNION ALL
        SELECT lot_id, amount_cents FROM refund WHERE state NOT IN ('rejected', 'failed')
    ) taken ON taken.lot_id = lot.id
    GROUP BY lot.id, lot.amount_cents HAVING SUM(taken.cents) > lot.amount_cents
    """,
)
SOURCE_OVERSPENT = Probe(
    "invoices took more of it than there was, or it is not there",
    """
    SELECT t.source_id, t.source_kind FROM (
        SELECT source_kind, source_id, cents FROM invoice_tender
        UNION ALL SELECT source_kind, source_id, -cents FROM invoice_tender_reversal
    ) t
    LEFT JOIN (
        SELECT 'payment' AS kind, id, amount_cents AS cents FROM payment
        UNION ALL SELECT 'credit', id, amount_cents FROM credit_application
        UNION ALL SELECT 'payer_share', id, agreed_cents FROM payer_share
        UNION ALL SELECT 'payer_promise', id, agreed_cents FROM payer_share
        UNION ALL SELECT 'forgiven_share', id, agreed_cents - paid_cents FROM payer_share
        UNION ALL
        SELECT e.source_kind, e.source_id, SUM(CASE WHEN l.cents > 0 THEN l.cents ELSE 0 END)
        FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
        WHERE e.source_kind = 'reimbursement' AND e.purpose = 'received'
        GROUP BY e.source_kind, e.source_id
    ) source ON source.kind = t.source_kind AND source.id = t.source_id
    GROUP BY t.source_kind, t.source_id, source.cents
    HAVING source.cents IS NULL OR SUM(t.cents) > source.cents
    """,
)
APPLIED_ELSEWHERE = Probe(
    "was not taken by its invoice in full",
    """
    SELECT a.id FROM credit_application a
    LEFT JOIN invoice_tender t
        ON t.source_kind = 'credit' AND t.source_id = a.id AND t.invoice_id = a.invoice_id
    WHERE t.cents IS NULL OR t.cents <> a.amount_cents
    """,
)
HELD_AGAIN = Probe(
    "what came off its invoice again is not what the credit has again",
    """
    SELECT source_id FROM (
        SELECT source_id, cents FROM invoice_tender_reversal WHERE source_kind = 'credit'
        UNION ALL SELECT source_id, cents FROM invoice_return_part WHERE source_kind = 'credit'
        UNION ALL SELECT application_id, -amount_cents FROM credit_reversal
    ) told
    GROUP BY source_id HAVING SUM(cents) <> 0
    """,
)
STILL_THERE = Probe(
    "was moved to another patient, and something of it stayed",
    """
    SELECT p.id FROM payment p JOIN (
        SELECT source_kind, source_id, cents FROM invoice_tender
        UNION ALL SELECT source_kind, source_id, -cents FROM invoice_tender_reversal
        UNION ALL SELECT source_kind, source_id, -cents FROM invoice_return_part
        UNION ALL SELECT 'payment', origin_payment_id, available_cents FROM credit_lot
    ) t ON t.source_kind = 'payment' AND t.source_id = p.id
    WHERE p.state = 'moved' GROUP BY p.id HAVING SUM(t.cents) <> 0
    """,
)
BOOKED_AGAIN = Probe(
    "was moved, and is not booked again once with its amount and day; or was not moved, and is",
    """
    SELECT p.id FROM payment p
    LEFT JOIN payment n ON n.corrects_id = p.id AND n.amount_cents = p.amount_cents
        AND n.received_on = p.received_on AND n.patient_id <> p.patient_id
    GROUP BY p.id, p.state
    HAVING COUNT(n.id) <> CASE WHEN p.state = 'moved' THEN 1 ELSE 0 END
    """,
)
BOUNCED_STAYS = Probe(
    "bounced without a record of it, or something of it still pays or is held",
    """
    SELECT p.id FROM payment p
    LEFT JOIN bounce b ON b.payment_id = p.id AND b.amount_cents = p.amount_cents
    WHERE (p.state = 'bounced') <> (b.id IS NOT NULL) OR (p.state = 'bounced' AND (
        EXISTS (SELECT 1 FROM credit_lot lot WHERE lot.origin_payment_id = p.id AND lot.available_cents > 0)
        OR EXISTS (SELECT 1 FROM session_coverage c
            WHERE c.source_kind = 'payment' AND c.source_id = p.id AND c.amount_cents > 0)
        OR EXISTS (SELECT 1 FROM session_coverage c
            JOIN credit_application a ON c.source_kind = 'credit' AND a.id = c.source_id
            JOIN credit_lot lot ON lot.id = a.lot_id
            WHERE lot.origin_payment_id = p.id AND c.amount_cents > 0)
    ))
    """,
)
SESSION_COVER = Probe(
    "what covers it is not what was counted, or more than is due",
    """
    SELECT s.id FROM treatment_session s
    LEFT JOIN (SELECT session_id, SUM(amount_cents) AS cents FROM session_coverage GROUP BY session_id) c
        ON c.session_id = s.id
    WHERE s.covered_cents <> COALESCE(c.cents, 0) OR s.covered_cents < 0
        OR s.covered_cents > COALESCE(s.due_cents, 0)
    """,
)
COVER_HISTORY = Probe(
    "what covers it is not the sum of how cover came and went",
    """
    SELECT session_id FROM (
        SELECT session_id, source_kind, source_id, amount_cents AS cents FROM session_coverage
        UNION ALL SELECT session_id, source_kind, source_id, -cents FROM coverage_move
    ) told
    GROUP BY session_id, source_kind, source_id HAVING SUM(cents) <> 0
    """,
)
FREED_PARTS = Probe(
    "what it freed is not what its sources had covered",
    """
    SELECT r.id FROM invoice_return r
    LEFT JOIN (
        SELECT return_id, SUM(cents) AS cents FROM invoice_return_part
        WHERE source_kind <> 'refunded' GROUP BY return_id
    ) p ON p.return_id = r.id
    WHERE r.freed_cents <> COALESCE(p.cents, 0)
    """,
)
INVOICE_COVER = Probe(
    "what is applied to it is not what covers its sessions and was freed by returns",
    """
    SELECT i.id FROM invoice i
    LEFT JOIN (
        SELECT COALESCE(of.reprices_id, of.id) AS invoice_id, SUM(t.cents) AS cents
        FROM invoice_tender t JOIN invoice of ON of.id = t.invoice_id GROUP BY COALESCE(of.reprices_id, of.id)
    ) t ON t.invoice_id = i.id
    LEFT JOIN (
        SELECT COALESCE(of.reprices_id, of.id) AS invoice_id, SUM(u.cents) AS cents
        FROM invoice_tender_reversal u JOIN invoice of ON of.id = u.invoice_id
        GROUP BY COALESCE(of.reprices_id, of.id)
    ) u ON u.invoice_id = i.id
    LEFT JOIN (
        SELECT r.invoice_id, SUM(p.cents) AS cents
        FROM invoice_return r JOIN invoice_return_part p ON p.return_id = r.id GROUP BY r.invoice_id
    ) r ON r.invoice_id = i.id
    LEFT JOIN (
        SELECT l.invoice_id, SUM(c.amount_cents) AS cents
        FROM invoice_line l JOIN invoiced_session s ON s.line_id = l.id
        JOIN session_coverage c ON c.session_id = s.session_id
        GROUP BY l.invoice_id
    ) c ON c.invoice_id = i.id
    WHERE i.reprices_id IS NULL
        AND COALESCE(t.cents, 0) - COALESCE(u.cents, 0) <> COALESCE(c.cents, 0) + COALESCE(r.cents, 0)
    """,
)

TWO_STAND = Probe(
    "more than one checkout stands open",
    """
    SELECT COALESCE(invoice_id, deposit_request_id) FROM checkout
    WHERE state IN ('created', 'open', 'processing')
    GROUP BY invoice_id, deposit_request_id, COALESCE(share_id, '') HAVING COUNT(*) > 1
    """,
)
UNRESOLVED = """
    SELECT id FROM checkout WHERE state IN ('created', 'open') AND opened_at < :before
    UNION ALL
    SELECT id FROM refund WHERE method = 'card' AND state IN ('approved', 'sent') AND approved_at < :before
    ORDER BY id LIMIT 50
"""

NOT_APPROVED = Probe(
    "is on its way, and nobody approved it",
    """
    SELECT id FROM refund
    WHERE state NOT IN ('requested', 'rejected') AND (approved_by IS NULL OR approved_at IS NULL)
    """,
)
OWN_REFUND = Probe(
    "the person who asked for it approved it",
    """
    SELECT id, approved_by FROM refund
    WHERE approved_by <> 'system'
        AND (approved_by = requested_by OR approved_by_person = requested_by_person)
    """,
)
FORGAVE_OWN = text(
    """
    SELECT id, forgiven_by_person AS whose, forgiven_at AS at, forgiven_cents AS cents,
        EXISTS (SELECT 1 FROM uncounted_gift u WHERE u.takeback_id = takeback.id) AS is_uncounted
    FROM takeback WHERE forgiven_by_person = demanded_by_person
    ORDER BY forgiven_by_person, forgiven_at, id
    """
).columns(at=Instant())
REPAID_OWN = text(
    """
    SELECT t.id, r.returned_by_person AS whose, r.returned_at AS at, r.amount_cents AS cents,
        FALSE AS is_uncounted
    FROM takeback_return r JOIN takeback t ON t.id = r.takeback_id
    WHERE r.source_id IS NULL AND r.returned_by_person = t.demanded_by_person
    ORDER BY r.returned_by_person, r.returned_at, r.id
    """
).columns(at=Instant())
APPROVED_ITSELF = text(
    """
    SELECT id, patient_id AS whose, requested_at AS at, amount_cents AS cents, FALSE AS is_uncounted
    FROM refund WHERE approved_by = 'system' AND replaces_id IS NULL AND (
        state NOT IN ('rejected', 'failed') OR method = 'check' AND refunded_on IS NOT NULL
    )
    ORDER BY patient_id, requested_at, id
    """
).columns(at=Instant())


def refunds_stay_within_payments(books: Books) -> Report:
    return look(books, at=["payment"], probes=[REFUNDED])


def invoices_add_up(books: Books) -> Report:
    probes = [INVOICE_TOTAL, INVOICE_LINES, INVOICE_STATE, VOID_TENDERED, *SHARES]
    return look(books, at=["invoice", "payer_share"], probes=probes)


def applications_stay_within_bounds(books: Books) -> Report:
    probes = [LOT_OVERSPENT, SOURCE_OVERSPENT, APPLIED_ELSEWHERE, SESSION_COVER, INVOICE_COVER]
    probes += [COVER_HISTORY, FREED_PARTS, HELD_AGAIN, STILL_THERE, BOOKED_AGAIN, BOUNCED_STAYS]
    report = look(books, at=["invoice_tender", "treatment_session"], probes=probes)
    require_append_only(books.read, report, APPLICATIONS)
    return report


def one_operation_stands(books: Books) -> Report:
    """What has had no outcome for a day is remarked on: the janitor or a person has to look."""
    report = look(books, at=["checkout"], probes=[TWO_STAND, STILL_LENT])
    old = text(UNRESOLVED).bindparams(bindparam("before", books.now - STANDS_TOO_LONG, Instant()))
    late = list(books.read.session.scalars(old))
    report.remarks += [f"{object_id} has had no outcome for more than a day" for object_id in late]
    return report


def nobody_approves_their_own(books: Books) -> Report:
    probes = [NOT_APPROVED, OWN_REFUND, COUNTED_ALONE, CONFIRMED_OWN]
    report = look(books, at=["refund", "cash_drawer", "takeback"], probes=probes)
    _stay_within_a_days_limit(books, report, APPROVED_ITSELF)
    for of_their_own in (FORGAVE_OWN, REPAID_OWN):
        _stay_within_a_days_limit(books, report, of_their_own)
    require_append_only(books.read, report, ["uncounted_gift"])
    require_insert_guards(books.read, report, ["uncounted_gift"])
    return report


def _stay_within_a_days_limit(books: Books, report: Report, deeds: TextualSelect) -> None:
    """A patient's refunds, or what a person forgave or repaid, with no second person, in the order of time.

    What was forgiven before gifts of a day were counted is held to the limit alone; a later gift counts it.
    """
    rows = books.read.session.execute(deeds, execution_options={"yield_per": ROWS_AT_ONCE})
    for _, owns in groupby(rows, key=lambda row: row.whose):
        day: deque[Row[Any]] = deque()
        for deed in owns:
            day.append(deed)
            while day[0].at <= deed.at - COUNTS_FOR:
                day.popleft()
            counted = [deed] if deed.is_uncounted else day
            if sum(each.cents for each in counted) > books.refund_limit.cents:
                report.blame(deed.id, "above the limit within a day, and no second person approved it")
