"""Undoing what a tender had settled: because it bounced, moved elsewhere, or was given back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from billing.care.queries import covered_by, find_session
from billing.care.records import REFUNDED, Session
from billing.care.use_cases import cover, uncover
from billing.invoices.errors import InvoiceNotOpen, MoreThanApplied
from billing.invoices.models import InvoiceRow, TenderReversalRow
from billing.invoices.queries import find_invoice, standing_lines
from billing.invoices.records import (
    SettledPart,
    Settlement,
)
from billing.invoices.rules import allocate, what_is_owed
from billing.invoices.states import MOVES, InvoiceEvent, InvoiceState
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def take_back(
    tx: Tx,
    *,
    invoice_id: str,
    source_kind: str,
    source_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> Settlement:
    """Undo a tender or part of it: the invoice owes that much again, the latest covered session first.

    The caller holds the patient's lock and posts the entry (`rules.owing_again_lines`).
    Raises: NoSuchInvoice; InvoiceNotOpen for a void one; MoreThanApplied.
    """
    invoice = find_invoice(tx, invoice_id, SYSTEM)
    if invoice.state is InvoiceState.VOID:
        raise InvoiceNotOpen(what_is_owed(invoice), state=str(invoice.state))
    sessions = [find_session(tx, line.session_id, SYSTEM) for line in standing_lines(tx, invoice)][::-1]
    covered = [covered_by(tx, session.id, source_kind, source_id) for session in sessions]
    parts = []
    for session, part in zip(sessions, _allocated(amount, covered), strict=True):
        if part:
            uncover(
                tx,
                session_id=session.id,
                source_kind=source_kind,
                source_id=source_id,
                amount=part,
                actor=actor,
                now=now,
            )
            parts.append(_part(session, part))
    keep_reversal(tx, invoice_id, source_kind, source_id, amount, now)
    owe_again(tx, invoice_id, amount, actor, now)
    return Settlement(invoice_id=invoice_id, amount=amount, parts=tuple(parts))


def keep_reversal(
    tx: Tx, invoice_id: str, source_kind: str, source_id: str, amount: Money, now: datetime
) -> None:
    """Write down what a source does not settle of an invoice any more."""
    row = {
        "id": new_id("tnr"),
        "invoice_id": invoice_id,
        "source_kind": source_kind,
        "source_id": source_id,
        "cents": amount.cents,
        "reversed_at": now,
    }
    tx.insert(TenderReversalRow, [row])


def refund_cover(
    tx: Tx,
    *,
    session_id: str,
    source_kind: str,
    source_id: str,
    refund_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> SettledPart:
    """What a source covers of a session is being given back, and the session stays settled all the same.

    The cover changes its name; of a session still to come, that much is no income when it is given. The
    caller holds the patient's lock and posts the entry.
    Raises: MoreThanApplied.
    """
    session = find_session(tx, session_id, SYSTEM)
    _allocated(amount, [covered_by(tx, session.id, source_kind, source_id)])
    rename_cover(tx, session_id, (source_kind, source_id), (REFUNDED, refund_id), amount, actor, now)
    return _part(session, amount)


def restore_cover(
    tx: Tx,
    *,
    invoice_id: str,
    source_kind: str,
    source_id: str,
    refund_id: str,
    actor: Actor,
    now: datetime,
) -> tuple[SettledPart, ...]:
    """A refund was not made after all: what it had taken covers the same sessions again.

    A session that was returned meanwhile gets nothing. The caller holds the patient's lock and posts.
    """
    parts = []
    for line in standing_lines(tx, find_invoice(tx, invoice_id, SYSTEM)):
        amount = covered_by(tx, line.session_id, REFUNDED, refund_id)
        if amount:
            rename_cover(
                tx, line.session_id, (REFUNDED, refund_id), (source_kind, source_id), amount, actor, now
            )
            parts.append(_part(find_session(tx, line.session_id, SYSTEM), amount))
    return tuple(parts)


def rename_cover(
    tx: Tx,
    session_id: str,
    old: tuple[str, str],
    new: tuple[str, str],
    amount: Money,
    actor: Actor,
    now: datetime,
) -> None:
    """The same part of a session is covered by another source from now on."""
    for deed, (kind, of) in ((uncover, old), (cover, new)):
        deed(
            tx,
            session_id=session_id,
            source_kind=kind,
            source_id=of,
            amount=amount,
            actor=actor,
            now=now,
        )


def _allocated(amount: Money, covered: list[Money]) -> list[Money]:
    parts = allocate(amount, covered)
    applied = sum(part.cents for part in covered)
    if amount.cents > applied:
        raise MoreThanApplied("Less than that is still applied there.", applied_cents=applied)
    return parts


def _part(session: Session, amount: Money) -> SettledPart:
    return SettledPart(session_id=session.id, amount=amount, earned=session.is_earned)


def owe_again(tx: Tx, invoice_id: str, amount: Money, actor: Actor, now: datetime) -> None:
    """The patient owes that much of an invoice again."""
    tx.session.execute(
        update(InvoiceRow)
        .where(InvoiceRow.id == invoice_id)
        .values(open_cents=InvoiceRow.open_cents + amount.cents)
    )
    tx.session.expire_all()
    row = tx.session.get_one(InvoiceRow, invoice_id)
    if row.state == InvoiceState.PAID:
        advance(tx, row, MOVES, InvoiceEvent.REOPEN, actor=actor, now=now)
        tx.session.flush()
