"""Billing the sessions of a quoted plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.care.queries import no_such_session, sessions_among
from billing.care.records import Session
from billing.care.states import CALLED_OFF, SessionState
from billing.care.use_cases import set_dues
from billing.catalog.queries import site_date
from billing.invoices.errors import (
    QuoteWithoutPlan,
    SessionAlreadyInvoiced,
    SessionCalledOff,
    SessionNotQuoted,
)
from billing.invoices.models import (
    InvoicedSession,
    InvoiceLineRow,
    InvoiceRow,
)
from billing.invoices.queries import as_it_stands
from billing.invoices.records import Invoice, InvoiceKind, InvoiceLine, ShareOrder
from billing.invoices.states import (
    InvoiceIssued,
    InvoiceState,
)
from billing.invoices.use_cases.earn import earn
from billing.invoices.use_cases.settle import settle_if_nothing_is_owed
from billing.invoices.use_cases.shares import put_share
from billing.kernel.ids import new_id
from billing.kernel.money import total
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.selects import rows_among
from billing.platform.data.series import next_number
from billing.quotes.queries import find_quote, price_of_some
from billing.quotes.records import Quote, QuotedSession


def issue_invoice(
    tx: Tx,
    *,
    quote_id: str,
    session_ids: Sequence[str] | None = None,
    payer_shares: Sequence[ShareOrder] = (),
    actor: Actor,
    now: datetime,
) -> Invoice:
    """Bill sessions of a quoted plan: those named, or the whole plan.

    Sessions named without the rest cost what they cost alone: a package's price is for the package, which is
    paid ahead as a whole. A future invoice posts nothing; a session that was given already is earned at once.
    Parts that other payers agreed to before come off first, so that no credit of the patient goes there.
    Raises: NoSuchQuote, QuoteWithoutPlan, SessionNotQuoted, SessionAlreadyInvoiced, SessionCalledOff; what
    `put_share` raises.
    """
    quote = find_quote(tx, quote_id, actor)
    if quote.patient_id is None or quote.plan_id is None:
        raise QuoteWithoutPlan("Make the quote from a patient's treatment plan, then invoice it.")
    lock_patient(tx, quote.patient_id)
    chosen = _chosen(tx, quote, session_ids)
    sessions = _billable(tx, [str(item.session_id) for item in chosen])
    kind = InvoiceKind.PACKAGE if any(item.package for item in chosen) else InvoiceKind.SESSION
    invoice = write_invoice(tx, quote, kind, [_new_line(item) for item in chosen], now)
    stand_on(tx, invoice)
    dues = [(session, line.net) for session, line in zip(sessions, invoice.lines, strict=True)]
    priced = set_dues(tx, dues=dues, actor=actor, now=now)
    given = [pair for pair in zip(invoice.lines, priced, strict=True) if pair[1].state is SessionState.GIVEN]
    earn(tx, invoice, given, actor, now)
    for order in payer_shares:
        put_share(tx, invoice.id, order, actor, now)
    record_audit(
        tx,
        actor=actor,
        action="invoice.issue",
        subject_id=invoice.id,
        now=now,
        detail={"total_cents": invoice.total.cents},
    )
    tx.emit(InvoiceIssued(invoice_id=invoice.id, patient_id=invoice.patient_id, actor=actor, now=now))
    standing = as_it_stands(tx, invoice) if payer_shares else invoice
    return settle_if_nothing_is_owed(tx, standing, actor, now)


def _chosen(tx: Tx, quote: Quote, session_ids: Sequence[str] | None) -> tuple[QuotedSession, ...]:
    if session_ids is None:
        return quote.sessions
    quoted = {item.session_id for item in quote.sessions}
    unknown = [session_id for session_id in session_ids if session_id not in quoted]
    if unknown or len(set(session_ids)) != len(session_ids):
        raise SessionNotQuoted("Name each session of the quote at most once, and no other.", sessions=unknown)
    return price_of_some(tx, quote, session_ids)


def _billable(tx: Tx, session_ids: Sequence[str]) -> list[Session]:
    """The sessions in this order, of which none stands on an invoice or was called off."""
    invoiced = {row.session_id for row in rows_among(tx, InvoicedSession, "session_id", session_ids)}
    sessions = sessions_among(tx, session_ids)
    for session_id in session_ids:
        if session_id in invoiced:
            raise SessionAlreadyInvoiced(
                f"Session {session_id} stands on an invoice already.", session_id=session_id
            )
        if session_id not in sessions:
            raise no_such_session()
        if sessions[session_id].state in CALLED_OFF:
            raise SessionCalledOff(
                f"Session {session_id} will not take place. Quote the plan again.", session_id=session_id
            )
    return [sessions[session_id] for session_id in session_ids]


def write_invoice(
    tx: Tx,
    quote: Quote,
    kind: InvoiceKind,
    lines: Sequence[InvoiceLine],
    now: datetime,
    reprices_id: str | None = None,
) -> Invoice:
    """Freeze an invoice of these lines and open it; the caller says what the sessions owe."""
    owed = total(line.net for line in lines)
    invoice = Invoice(
        id=new_id("inv"),
        number=next_number(tx, entity_id=quote.entity_id, series="invoice"),
        entity_id=quote.entity_id,
        site_id=quote.site_id,
        patient_id=str(quote.patient_id),
        quote_id=quote.id,
        kind=kind,
        state=InvoiceState.OPEN,
        total=owed,
        open_balance=owed,
        issued_on=site_date(tx, quote.site_id, now),
        issued_at=now,
        lines=tuple(lines),
        reprices_id=reprices_id,
    )
    document = freeze(tx, kind="invoice", subject_id=invoice.id, version=1, body=_body(invoice), now=now)
    tx.insert(InvoiceRow, [_row_values(invoice, document.id)])
    _write_lines(tx, invoice)
    return invoice


def _body(invoice: Invoice) -> dict[str, object]:
    """What the invoice's document says."""
    return {
        "number": invoice.number,
        "patient_id": invoice.patient_id,
        "quote_id": invoice.quote_id,
        "issued_on": invoice.issued_on,
        "lines": [_frozen(line) for line in invoice.lines],
        "total_cents": invoice.total.cents,
        **({"reprices_id": invoice.reprices_id} if invoice.reprices_id else {}),
    }


def _row_values(invoice: Invoice, document_id: str) -> dict[str, object]:
    kept = (
        "id",
        "number",
        "entity_id",
        "site_id",
        "patient_id",
        "quote_id",
        "reprices_id",
        "issued_on",
        "issued_at",
    )
    return {
        **{name: getattr(invoice, name) for name in kept},
        "kind": str(invoice.kind),
        "state": str(invoice.state),
        "total_cents": invoice.total.cents,
        "open_cents": invoice.open_balance.cents,
        "document_id": document_id,
    }


def _new_line(item: QuotedSession) -> InvoiceLine:
    return InvoiceLine(
        id=new_id("inl"),
        session_id=str(item.session_id),
        service=item.service,
        service_on=item.on,
        charge=item.list - item.package,
        discount=item.discount,
        net=item.net,
    )


def _frozen(line: InvoiceLine) -> dict[str, object]:
    return {
        "session_id": line.session_id,
        "service": line.service,
        "service_on": line.service_on,
        "charge_cents": line.charge.cents,
        "discount_cents": line.discount.cents,
        "net_cents": line.net.cents,
    }


def _write_lines(tx: Tx, invoice: Invoice) -> None:
    rows = [
        {"id": line.id, "invoice_id": invoice.id, "place": place, **_frozen(line)}
        for place, line in enumerate(invoice.lines, 1)
    ]
    tx.insert(InvoiceLineRow, rows)


def stand_on(tx: Tx, invoice: Invoice) -> None:
    """A session stands on one invoice at a time; the database has the last word."""
    rows = [{"session_id": line.session_id, "line_id": line.id} for line in invoice.lines]
    tx.insert(InvoicedSession, rows)
