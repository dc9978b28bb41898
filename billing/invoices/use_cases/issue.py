"""Billing the sessions of a quoted plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.care.queries import find_session
from billing.care.states import CALLED_OFF, SessionState
from billing.care.use_cases import set_due
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
from billing.invoices.queries import find_invoice, record_of
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
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.base import insert_into
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
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
    for item in chosen:
        _refuse_unless_billable(tx, str(item.session_id))
    kind = InvoiceKind.PACKAGE if any(item.package for item in chosen) else InvoiceKind.SESSION
    invoice = _write_invoice(tx, quote, kind, chosen, actor, now)
    for line in invoice.lines:
        session = set_due(tx, session_id=line.session_id, due=line.net, actor=actor, now=now)
        if session.state is SessionState.GIVEN:
            earn(tx, invoice, line, session, actor, now)
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
    return settle_if_nothing_is_owed(tx, find_invoice(tx, invoice.id, SYSTEM), actor, now)


def _chosen(tx: Tx, quote: Quote, session_ids: Sequence[str] | None) -> tuple[QuotedSession, ...]:
    if session_ids is None:
        return quote.sessions
    quoted = {item.session_id for item in quote.sessions}
    unknown = [session_id for session_id in session_ids if session_id not in quoted]
    if unknown or len(set(session_ids)) != len(session_ids):
        raise SessionNotQuoted("Name each session of the quote at most once, and no other.", sessions=unknown)
    return price_of_some(tx, quote, session_ids)


def _refuse_unless_billable(tx: Tx, session_id: str) -> None:
    if tx.session.get(InvoicedSession, session_id) is not None:
        raise SessionAlreadyInvoiced(
            f"Session {session_id} stands on an invoice already.", session_id=session_id
        )
    if find_session(tx, session_id, SYSTEM).state in CALLED_OFF:
        raise SessionCalledOff(
            f"Session {session_id} will not take place. Quote the plan again.", session_id=session_id
        )


def _write_invoice(
    tx: Tx, quote: Quote, kind: InvoiceKind, chosen: Sequence[QuotedSession], actor: Actor, now: datetime
) -> Invoice:
    invoice_id = new_id("inv")
    number = next_number(tx, entity_id=quote.entity_id, series="invoice")
    lines = [_new_line(item) for item in chosen]
    owed = total(line.net for line in lines)
    issued_on = site_date(tx, quote.site_id, now)
    body = {
        "number": number,
        "patient_id": quote.patient_id,
        "quote_id": quote.id,
        "issued_on": issued_on,
        "lines": [_frozen(line) for line in lines],
        "total_cents": owed.cents,
    }
    document = freeze(tx, kind="invoice", subject_id=invoice_id, version=1, body=body, now=now)
    row = InvoiceRow(
        id=invoice_id,
        number=number,
        entity_id=quote.entity_id,
        site_id=quote.site_id,
        patient_id=str(quote.patient_id),
        quote_id=quote.id,
        kind=kind,
        state=InvoiceState.OPEN,
        total_cents=owed.cents,
        open_cents=owed.cents,
        issued_on=issued_on,
        issued_at=now,
        document_id=document.id,
    )
    tx.session.add(row)
    tx.session.flush()
    _write_lines(tx, invoice_id, lines)
    return record_of(tx, row)


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


def _write_lines(tx: Tx, invoice_id: str, lines: Sequence[InvoiceLine]) -> None:
    tx.session.execute(
        insert_into(InvoiceLineRow),
        [
            {"id": line.id, "invoice_id": invoice_id, "place": place, **_frozen(line)}
            for place, line in enumerate(lines, 1)
        ],
    )
    tx.session.execute(
        insert_into(InvoicedSession), [{"session_id": line.session_id, "line_id": line.id} for line in lines]
    )
