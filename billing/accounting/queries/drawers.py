"""Cash drawers: what they should hold, what a site holds of change, and who counted."""

from __future__ import annotations

from billing.accounting.queries.probes import Probe

CHANGE_FUND = Probe(
    "its change in no drawer is not what was brought, banked, put into drawers and left by them",
    """
    SELECT site_id FROM (
        SELECT site_id, free_cents AS cents FROM change_fund
        UNION ALL SELECT site_id, -amount_cents FROM cash_float
        UNION ALL SELECT site_id, float_cents FROM bank_deposit
        UNION ALL SELECT site_id, float_cents FROM cash_drawer WHERE state <> 'closed'
        UNION ALL SELECT site_id, -difference_cents FROM cash_drawer WHERE state = 'closed'
    ) told
    GROUP BY site_id HAVING SUM(cents) <> 0
    """,
)
EXPECTED = Probe(
    "was not counted against its change and the cash that fell into it, less what was banked out of it",
    """
    SELECT d.id FROM cash_drawer d
    LEFT JOIN (
        SELECT drawer_id, SUM(amount_cents) AS cents FROM payment
        WHERE drawer_id IS NOT NULL AND state <> 'moved' GROUP BY drawer_id
    ) taken ON taken.drawer_id = d.id
    LEFT JOIN (
        SELECT i.from_drawer_id, SUM(p.amount_cents) AS cents
        FROM bank_deposit_item i JOIN payment p ON p.id = i.payment_id
        WHERE i.from_drawer_id IS NOT NULL AND p.state <> 'moved' GROUP BY i.from_drawer_id
    ) banked ON banked.from_drawer_id = d.id
    WHERE d.state <> 'open' AND (
        d.taken_cents <> COALESCE(taken.cents, 0)
        OR d.banked_cents <> COALESCE(banked.cents, 0)
        OR d.expected_cents <> d.float_cents + d.taken_cents - d.banked_cents
    )
    """,
)
DIFFERENCE = Probe(
    "was not closed with what was counted beyond what was expected",
    """
    SELECT id FROM cash_drawer
    WHERE state = 'closed' AND difference_cents <> COALESCE(confirmed_cents, counted_cents) - expected_cents
    """,
)
STRAY_CASH = Probe(
    "fell into a drawer that is not there, of another site, or is no cash",
    """
    SELECT p.id FROM payment p LEFT JOIN cash_drawer d ON d.id = p.drawer_id
    WHERE p.drawer_id IS NOT NULL AND (d.id IS NULL OR d.site_id <> p.site_id OR p.tender <> 'cash')
    """,
)
DRAWERS = (CHANGE_FUND, EXPECTED, DIFFERENCE, STRAY_CASH)

COUNTED_ALONE = Probe(
    "was over or short beyond the limit, and no second person counted",
    """
    SELECT id FROM cash_drawer
    WHERE state = 'closed' AND confirmed_by IS NULL
        AND ABS(difference_cents) > CASE WHEN counted_by = cashier THEN limit_cents ELSE 0 END
    """,
)
CONFIRMED_OWN = Probe(
    "was confirmed by its cashier or by who had counted it",
    "SELECT id FROM cash_drawer WHERE confirmed_by IN (cashier, counted_by)",
)
