"""Income, when a session was given."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import coverage_of
from billing.care.records import Session
from billing.catalog.queries import site_date
from billing.invoices.queries import line_of_session
from billing.invoices.records import OF_PAYERS, REFUNDED, Invoice, InvoiceLine
from billing.invoices.rules import earning_lines
from billing.invoices.use_cases.locks import locked_session
from billing.kernel.money import total
from billing.kernel.permissions import Actor
from billing.ledger.records import Posting, Source
from billing.ledger.use_cases import post
from billing.platform.data.database import Tx


def earn_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Post the income of a session that was given; one that is not invoiced yet waits for its invoice."""
    session = locked_session(tx, session_id)
    if found := line_of_session(tx, session_id):
        invoice, line = found
        earn(tx, invoice, line, session, actor, now)


def earn(tx: Tx, invoice: Invoice, line: InvoiceLine, session: Session, actor: Actor, now: datetime) -> None:
    """Post the income of a given session that stands on an invoice."""
    if not line.charge:
        return  # given for nothing: there is nothing to post
    given_on = site_date(tx, session.site_id, session.started_at or now)
    cover = coverage_of(tx, session.id)
    refunded = total(part.amount for part in cover if part.source_kind == REFUNDED)
    promised = total(part.amount for part in cover if part.source_kind in OF_PAYERS)
    lines = earning_lines(line, session.covered, refunded, promised, invoice.patient_id)
    source = Source("session", session.id, "given")
    post(tx, Posting.of(invoice, source, given_on, lines), actor=actor, now=now)
