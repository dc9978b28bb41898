"""Taking what will not be given off its invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert

from billing.care.queries import coverage_of
from billing.care.records import REFUNDED, Session
from billing.care.use_cases import set_due, uncover
from billing.invoices.errors import PackageSession
from billing.invoices.models import InvoicedSession, ReturnPartRow, ReturnRow
from billing.invoices.queries import find_invoice, line_of_session
from billing.invoices.records import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
)
from billing.invoices.states import FreedPart, ItemReturned
from billing.invoices.use_cases.locks import locked_session
from billing.invoices.use_cases.settle import settle_if_nothing_is_owed, take_off
from billing.invoices.use_cases.shares import end_promises
from billing.kernel.ids import new_id
from billing.kernel.money import total
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx


def return_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Take a session that will not be given off its invoice; what was paid for it is free for the patient.

    Raises: PackageSession: a package is sold as a whole, its sessions are moved, not cancelled.
    """
    session = locked_session(tx, session_id)
    found = line_of_session(tx, session_id)
    if found is None:
        return
    invoice, line = found
    if invoice.kind is InvoiceKind.PACKAGE:
        raise PackageSession(
            "This session belongs to a prepaid package. Reschedule it, or stop the package. "
            "One that was missed moves: say to which day (moved_to)."
        )
    return_line(tx, invoice, line, session, actor, now)


def return_line(
    tx: Tx, invoice: Invoice, line: InvoiceLine, session: Session, actor: Actor, now: datetime
) -> None:
    """Return one item of an invoice; each source that had covered it learns what is free of it.

    What was refunded of it before is neither owed nor freed any more; what another payer had not paid yet
    nobody owes.
    """
    session = end_promises(tx, invoice.id, session, actor, now)
    parts = _uncover_all(tx, session, actor, now)
    freed = total(part.amount for part in parts if part.source_kind != REFUNDED)
    refunded = session.covered - freed
    return_id = new_id("rtn")
    tx.session.execute(
        insert(ReturnRow).values(
            id=return_id,
            invoice_id=invoice.id,
            line_id=line.id,
            cents=(line.net - refunded).cents,
            freed_cents=freed.cents,
            returned_at=now,
        )
    )
    _keep_parts(tx, return_id, parts)
    take_off(tx, invoice, line.net - session.covered)
    release(tx, session.id, actor, now)
    settle_if_nothing_is_owed(tx, find_invoice(tx, invoice.id, SYSTEM), actor, now)
    tx.emit(
        ItemReturned(
            return_id=return_id,
            invoice_id=invoice.id,
            session_id=session.id,
            patient_id=invoice.patient_id,
            freed=freed,
            parts=tuple(part for part in parts if part.source_kind != REFUNDED),
            actor=actor,
            now=now,
        )
    )


def release(tx: Tx, session_id: str, actor: Actor, now: datetime) -> None:
    """A session without its line: it has no price, and may be invoiced again."""
    tx.session.execute(delete(InvoicedSession).where(InvoicedSession.session_id == session_id))
    set_due(tx, session_id=session_id, due=None, actor=actor, now=now)


def _uncover_all(tx: Tx, session: Session, actor: Actor, now: datetime) -> list[FreedPart]:
    parts = []
    for part in coverage_of(tx, session.id):
        uncover(
            tx,
            session_id=session.id,
            source_kind=part.source_kind,
            source_id=part.source_id,
            amount=part.amount,
            actor=actor,
            now=now,
        )
        parts.append(
            FreedPart(
                id=new_id("rtp"), source_kind=part.source_kind, source_id=part.source_id, amount=part.amount
            )
        )
    return parts


def _keep_parts(tx: Tx, return_id: str, parts: Sequence[FreedPart]) -> None:
    rows = [
        {
            "id": part.id,
            "return_id": return_id,
            "source_kind": part.source_kind,
            "source_id": part.source_id,
            "cents": part.amount.cents,
        }
        for part in parts
    ]
    tx.insert(ReturnPartRow, rows)
