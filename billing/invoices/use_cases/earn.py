"""Income, when a session was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from billing.care.queries import coverage_of
from billing.care.records import REFUNDED, Session
from billing.catalog.queries import site_date, site_dates
from billing.invoices.queries import line_of_session
from billing.invoices.records import OF_PAYERS, Invoice, InvoiceLine
from billing.invoices.rules import earning_lines, waiving_lines
from billing.invoices.use_cases.locks import locked_session
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.records import Posting, Source
from billing.ledger.use_cases import post, post_many
from billing.platform.data.database import Tx


def earn_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Post the income of a session that was given; one that is not invoiced yet waits for its invoice."""
    session = locked_session(tx, session_id)
    if found := line_of_session(tx, session_id):
        invoice, line = found
        earn(tx, invoice, [(line, session)], actor, now)


def earn_difference(tx: Tx, invoice: Invoice, actor: Actor, now: datetime) -> None:
    """Post what given sessions cost more, on the day on which that came about."""
    _earn_whole(tx, invoice, "given", actor, now)


def earn_fee(tx: Tx, invoice: Invoice, actor: Actor, now: datetime) -> None:
    """Post a fee for a missed session, on the day on which somebody decided to charge it."""
    _earn_whole(tx, invoice, "missed", actor, now)


def give_up_fee(tx: Tx, invoice: Invoice, actor: Actor, now: datetime) -> None:
    """Post that a fee is not charged after all, on the day on which somebody decided that."""
    source, on = Source("invoice", invoice.id, "waived"), site_date(tx, invoice.site_id, now)
    lines = waiving_lines(invoice.total, invoice.patient_id)
    post(tx, Posting.of(invoice, source, on, lines), actor=actor, now=now)


def _earn_whole(tx: Tx, invoice: Invoice, purpose: str, actor: Actor, now: datetime) -> None:
    each = (earning_lines(line, ZERO, ZERO, ZERO, invoice.patient_id) for line in invoice.lines)
    source, on = Source("invoice", invoice.id, purpose), site_date(tx, invoice.site_id, now)
    post(tx, Posting.of(invoice, source, on, tuple(chain.from_iterable(each))), actor=actor, now=now)


def earn(
    tx: Tx, invoice: Invoice, given: Sequence[tuple[InvoiceLine, Session]], actor: Actor, now: datetime
) -> None:
    """Post the income of given sessions of an invoice; one that was given for nothing posts nothing."""
    charged = [(line, session) for line, session in given if line.charge]
    days = site_dates(tx, [(session.site_id, session.started_at or now) for _, session in charged])
    postings = [
        Posting.of(
            invoice,
            Source("session", session.id, "given"),
            given_on,
            earning_lines(line, session.covered, *_not_of_the_patient(tx, session), invoice.patient_id),
        )
        for (line, session), given_on in zip(charged, days, strict=True)
    ]
    post_many(tx, postings, actor=actor, now=now)


def _not_of_the_patient(tx: Tx, session: Session) -> tuple[Money, Money]:
    """What of the cover went back before, and what other payers promised."""
    cover = coverage_of(tx, session.id) if session.covered else ()
    refunded = total(part.amount for part in cover if part.source_kind == REFUNDED)
    promised = total(part.amount for part in cover if part.source_kind in OF_PAYERS)
    return refunded, promised
