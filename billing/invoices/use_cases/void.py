"""Taking back an invoice on which nothing has happened."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.invoices.errors import (
    InvoiceInUse,
)
from billing.invoices.models import (
    InvoiceRow,
)
from billing.invoices.queries import has_tenders, record_of
from billing.invoices.records import Invoice, InvoiceKind
from billing.invoices.states import (
    MOVES,
    InvoiceEvent,
    InvoiceVoided,
    NothingOwed,
)
from billing.invoices.use_cases.earn import give_up_fee
from billing.invoices.use_cases.give_back import release
from billing.invoices.use_cases.locks import lock_invoice
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def void_invoice(tx: Tx, *, invoice_id: str, reason: str, actor: Actor, now: datetime) -> Invoice:
    """Take back an invoice on which nothing has happened yet; its sessions may be invoiced again.

    A fee for a missed session is given up; nothing may have been paid of it.

    Raises: NoSuchInvoice, IllegalMove, InvoiceInUse.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    row = tx.session.get_one(InvoiceRow, invoice_id)
    given = any(
        find_session(tx, line.session_id, SYSTEM).state is SessionState.GIVEN for line in invoice.lines
    )
    if given or has_tenders(tx, invoice_id):
        raise InvoiceInUse("Money was applied to this invoice or a session of it was given; it stays.")
    advance(tx, row, MOVES, InvoiceEvent.VOID, actor=actor, now=now)
    if invoice.kind is InvoiceKind.FEE:
        give_up_fee(tx, invoice, actor, now)
    row.open_cents = 0
    row.void_reason = tx.vault.seal("invoice", invoice_id, {"reason": reason})
    for line in invoice.lines:
        release(tx, line.session_id, actor, now)
    tx.session.flush()
    tx.emit(InvoiceVoided(invoice_id=invoice_id))
    tx.emit(NothingOwed(invoice_id=invoice_id, share_id=None, site_id=invoice.site_id, actor=actor, now=now))
    record_audit(tx, actor=actor, action="invoice.void", subject_id=invoice_id, now=now)
    return record_of(tx, row)
