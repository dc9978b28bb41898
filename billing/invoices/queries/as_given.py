"""What a visit would cost as it was given, beside what it was charged at."""

from __future__ import annotations

from billing.care.records import Session
from billing.catalog.records import TIMED_SERVICES
from billing.invoices.queries import line_of_session
from billing.invoices.records import AsGiven
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Read
from billing.quotes.queries import find_quote, price_of_given, price_of_some


def price_as_given(read: Read, session: Session) -> AsGiven | None:
    """By its minutes and dose, under the quote that priced it; None where that changes nothing.

    It is priced beside the sessions of its invoice, and keeps the package that its planned minutes reached.
    Raises: CannotPrice.
    """
    found = line_of_session(read, session.id)
    minutes, dose_mg = session.minutes, session.dose_mg
    if found is None or session.service not in TIMED_SERVICES or minutes is None or dose_mg is None:
        return None
    invoice, line = found
    quote, together = find_quote(read, invoice.quote_id, SYSTEM), {each.session_id for each in invoice.lines}
    quoted = next(each for each in price_of_some(read, quote, together) if each.session_id == session.id)
    given = price_of_given(read, quote, together, session.id, minutes=max(1, minutes), dose_mg=dose_mg)
    if given.net == quoted.net:
        return None
    return AsGiven(charged=line.net, would_cost=line.net + (given.net - quoted.net))
