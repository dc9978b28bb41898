"""Applying a tender to an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from billing.care.queries import find_session
from billing.care.records import Session
from billing.care.use_cases import cover
from billing.invoices.errors import (
    MoreThanOwed,
)
from billing.invoices.models import (
    InvoiceRow,
    TenderRow,
)
from billing.invoices.queries import find_invoice, record_of, standing_lines
from billing.invoices.records import Invoice, InvoiceLine, SettledPart, Settlement
from billing.invoices.rules import allocate, refuse_unless_open, what_is_owed
from billing.invoices.states import (
    MOVES,
    InvoiceEvent,
    InvoiceState,
    NothingOwed,
)
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def settle(
    tx: Tx,
    *,
    invoice_id: str,
    source_kind: str,
    source_id: str,
    amount: Money,
    only_session_id: str | None = None,
    actor: Actor,
    now: datetime,
) -> Settlement:
    """Apply a tender to an invoice, the earliest uncovered session first, or to one session alone.

    The caller holds the patient's lock and posts the entry (`rules.settling_lines`).
    Raises: NoSuchInvoice, InvoiceNotOpen, MoreThanOwed.
    """
    invoice = find_invoice(tx, invoice_id, SYSTEM)
    refuse_unless_open(invoice)
    take_off(tx, invoice, amount)
    lines = [line for line in standing_lines(tx, invoice) if only_session_id in (None, line.session_id)]
    parts = _cover_sessions(tx, lines, source_kind, source_id, amount, actor, now)
    keep_tender(tx, invoice_id, source_kind, source_id, amount, now)
    settle_if_nothing_is_owed(tx, find_invoice(tx, invoice_id, SYSTEM), actor, now)
    return Settlement(invoice_id=invoice_id, amount=amount, parts=tuple(parts))


def take_off(tx: Tx, invoice: Invoice, amount: Money) -> None:
    """The database has the last word on what is still owed."""
    left = tx.session.scalar(
        update(InvoiceRow)
        .where(InvoiceRow.id == invoice.id, InvoiceRow.open_cents >= amount.cents)
        .values(open_cents=InvoiceRow.open_cents - amount.cents)
        .returning(InvoiceRow.open_cents)
    )
    if left is None:
        raise MoreThanOwed(what_is_owed(invoice), open_cents=invoice.open_balance.cents)
    tx.session.expire_all()


def keep_tender(
    tx: Tx, invoice_id: str, source_kind: str, source_id: str, amount: Money, now: datetime
) -> None:
    """Write down what a source settled of an invoice."""
    row = {
        "id": new_id("ten"),
        "invoice_id": invoice_id,
        "source_kind": source_kind,
        "source_id": source_id,
        "cents": amount.cents,
        "applied_at": now,
    }
    tx.insert(TenderRow, [row])


def _cover_sessions(
    tx: Tx,
    lines: Sequence[InvoiceLine],
    source_kind: str,
    source_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> list[SettledPart]:
    sessions = [find_session(tx, line.session_id, SYSTEM) for line in lines]
    wanted = [(session.due or Money(0)) - session.covered for session in sessions]
    if amount > total(wanted):
        raise MoreThanOwed("Less than that is owed for these sessions.", open_cents=total(wanted).cents)
    return cover_sessions(
        tx, list(zip(sessions, allocate(amount, wanted), strict=True)), source_kind, source_id, actor, now
    )


def cover_sessions(
    tx: Tx,
    wanted: Sequence[tuple[Session, Money]],
    source_kind: str,
    source_id: str,
    actor: Actor,
    now: datetime,
) -> list[SettledPart]:
    """Let a source cover its part of each session."""
    parts = []
    for session, part in wanted:
        if part:
            cover(
                tx,
                session_id=session.id,
                source_kind=source_kind,
                source_id=source_id,
                amount=part,
                actor=actor,
                now=now,
            )
            parts.append(SettledPart(session_id=session.id, amount=part, earned=session.is_earned))
    return parts


def settle_if_nothing_is_owed(tx: Tx, invoice: Invoice, actor: Actor, now: datetime) -> Invoice:
    """An invoice that owes nothing any more is paid."""
    if invoice.open_balance or invoice.state is not InvoiceState.OPEN:
        return invoice
    row = tx.session.get_one(InvoiceRow, invoice.id)
    advance(tx, row, MOVES, InvoiceEvent.SETTLE, actor=actor, now=now)
    tx.session.flush()
    tx.emit(NothingOwed(invoice_id=invoice.id, share_id=None, site_id=invoice.site_id, actor=actor, now=now))
    return record_of(tx, row)
