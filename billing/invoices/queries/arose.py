"""Since when an invoice is owed."""

from __future__ import annotations

from datetime import date

from billing.care.queries import sessions_among
from billing.catalog.queries import site_dates
from billing.invoices.records import Invoice
from billing.platform.data.database import Read


def arose_on(read: Read, invoice: Invoice) -> date:
    """Since when it is owed, at the earliest: the day of its issue, or of its first visit.

    The day of a visit is the one on the invoice, or the one on which it was given, or for which it is planned
    by now: one that was moved up after its quote is owed since it was given.
    """
    sessions = sessions_among(read, {line.session_id for line in invoice.lines}).values()
    given = site_dates(read, [(each.site_id, each.started_at) for each in sessions if each.started_at])
    return min(
        invoice.issued_on,
        *(line.service_on for line in invoice.lines),
        *(each.planned_on for each in sessions),
        *given,
    )
