"""Writes: issue, settle, earn, return, void. Each runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select, update

from billing.care.queries import coverage_of, find_session
from billing.care.records import Session
from billing.care.states import CALLED_OFF, SessionState
from billing.care.use_cases import cover, set_due, uncover
from billing.catalog.queries import find_site
from billing.invoices.errors import (
    InvoiceInUse,
    InvoiceNotOpen,
    MoreThanOwed,
    PackageSession,
    QuoteWithoutPlan,
    SessionAlreadyInvoiced,
    SessionCalledOff,
    SessionNotQuoted,
)
from billing.invoices.models import (
    InvoicedSession,
    InvoiceLineRow,
    InvoiceRow,
    ReturnRow,
    TenderRow,
)
from billing.invoices.queries import find_invoice, line_of_session, patient_of_invoice, record_of
from billing.invoices.records import Invoice, InvoiceKind, InvoiceLine, SettledPart, Settlement
from billing.invoices.rules import allocate, earning_lines
from billing.invoices.states import (
    MOVES,
    InvoiceEvent,
    InvoiceIssued,
    InvoiceState,
    InvoiceVoided,
    ItemReturned,
)
from billing.kernel.clock import local_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Posting, Source
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.base import insert_into
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.series import next_number
from billing.platform.data.states import advance
from billing.quotes.queries import find_quote, price_of_some
from billing.quotes.records import Quote, QuotedSession


def issue_invoice(
    tx: Tx, *, quote_id: str, session_ids: Sequence[str] | None = None, actor: Actor, now: datetime
) -> Invoice:
    """Bill sessions of a quoted plan: those named, or the whole plan.

    Sessions named without the rest cost what they cost alone: a package's price is for the package, which is
    paid ahead as a whole. A future invoice posts nothing; a session that was given already is earned at once.
    Raises: NoSuchQuote, QuoteWithoutPlan, SessionNotQuoted, SessionAlreadyInvoiced, SessionCalledOff.
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
            _earn(tx, invoice, line, session, actor, now)
    record_audit(
        tx,
        actor=actor,
        action="invoice.issue",
        subject_id=invoice.id,
        now=now,
        detail={"total_cents": invoice.total.cents},
    )
    tx.emit(InvoiceIssued(invoice_id=invoice.id, patient_id=invoice.patient_id, actor=actor, now=now))
    return _settle_if_nothing_is_owed(tx, invoice, actor, now)


def lock_invoice(tx: Tx, invoice_id: str, actor: Actor) -> Invoice:
    """Lock the invoice's patient, then read the invoice as it is now.

    Raises: NoSuchInvoice.
    """
    lock_patient(tx, patient_of_invoice(tx, invoice_id, actor))
    return find_invoice(tx, invoice_id, actor)


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
    if invoice.state is not InvoiceState.OPEN:
        raise InvoiceNotOpen(f"Invoice {invoice_id} is {invoice.state}.", state=str(invoice.state))
    _take_off(tx, invoice, amount)
    lines = [line for line in _standing_lines(tx, invoice) if only_session_id in (None, line.session_id)]
    parts = _cover_sessions(tx, lines, source_kind, source_id, amount, actor, now)
    tx.session.execute(
        insert_into(TenderRow),
        {
            "id": new_id("ten"),
            "invoice_id": invoice_id,
            "source_kind": source_kind,
            "source_id": source_id,
            "cents": amount.cents,
            "applied_at": now,
        },
    )
    _settle_if_nothing_is_owed(tx, find_invoice(tx, invoice_id, SYSTEM), actor, now)
    return Settlement(invoice_id=invoice_id, amount=amount, parts=tuple(parts))


def earn_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Post the income of a session that was given; one that is not invoiced yet waits for its invoice."""
    session = _locked_session(tx, session_id)
    if found := line_of_session(tx, session_id):
        invoice, line = found
        _earn(tx, invoice, line, session, actor, now)


def return_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Take a session that will not be given off its invoice; what was paid for it is free for the patient.

    Raises: PackageSession: a package is sold as a whole, its sessions are moved, not cancelled.
    """
    session = _locked_session(tx, session_id)
    found = line_of_session(tx, session_id)
    if found is None:
        return
    invoice, line = found
    if invoice.kind is InvoiceKind.PACKAGE:
        raise PackageSession("This session belongs to a prepaid package. Reschedule it instead.")
    freed = session.covered
    return_id = new_id("rtn")
    tx.session.execute(
        insert(ReturnRow).values(
            id=return_id,
            invoice_id=invoice.id,
            line_id=line.id,
            cents=line.net.cents,
            freed_cents=freed.cents,
            returned_at=now,
        )
    )
    _take_off(tx, invoice, line.net - freed)
    for part in coverage_of(tx, session_id):
        uncover(
            tx,
            session_id=session_id,
            source_kind=part.source_kind,
            source_id=part.source_id,
            amount=part.amount,
            actor=actor,
            now=now,
        )
    _release(tx, session_id, actor, now)
    _settle_if_nothing_is_owed(tx, find_invoice(tx, invoice.id, SYSTEM), actor, now)
    tx.emit(
        ItemReturned(
            return_id=return_id,
            invoice_id=invoice.id,
            session_id=session_id,
            patient_id=invoice.patient_id,
            freed=freed,
            actor=actor,
            now=now,
        )
    )


def void_invoice(tx: Tx, *, invoice_id: str, reason: str, actor: Actor, now: datetime) -> Invoice:
    """Take back an invoice on which nothing has happened yet; its sessions may be invoiced again.

    Raises: NoSuchInvoice, IllegalMove, InvoiceInUse.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    row = tx.session.get_one(InvoiceRow, invoice_id)
    tendered = tx.session.scalar(select(TenderRow.id).where(TenderRow.invoice_id == invoice_id).limit(1))
    given = any(
        find_session(tx, line.session_id, SYSTEM).state is SessionState.GIVEN for line in invoice.lines
    )
    if tendered or given:
        raise InvoiceInUse("Money was applied to this invoice or a session of it was given; it stays.")
    advance(tx, row, MOVES, InvoiceEvent.VOID, actor=actor, now=now)
    row.open_cents = 0
    row.void_reason = tx.vault.seal("invoice", invoice_id, {"reason": reason})
    for line in invoice.lines:
        _release(tx, line.session_id, actor, now)
    tx.session.flush()
    tx.emit(InvoiceVoided(invoice_id=invoice_id))
    record_audit(tx, actor=actor, action="invoice.void", subject_id=invoice_id, now=now)
    return record_of(tx, row)


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


def _take_off(tx: Tx, invoice: Invoice, amount: Money) -> None:
    """The database has the last word on what is still owed."""
    left = tx.session.scalar(
        update(InvoiceRow)
        .where(InvoiceRow.id == invoice.id, InvoiceRow.open_cents >= amount.cents)
        .values(open_cents=InvoiceRow.open_cents - amount.cents)
        .returning(InvoiceRow.open_cents)
    )
    if left is None:
        raise MoreThanOwed(
            f"Only {invoice.open_balance} is owed on this invoice.", open_cents=invoice.open_balance.cents
        )
    tx.session.expire_all()


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
    parts = []
    for session, part in zip(sessions, allocate(amount, wanted), strict=True):
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
            parts.append(
                SettledPart(session_id=session.id, amount=part, earned=session.state is SessionState.GIVEN)
            )
    return parts


def _standing_lines(tx: Tx, invoice: Invoice) -> list[InvoiceLine]:
    """The lines that were not returned."""
    returned = set(tx.session.scalars(select(ReturnRow.line_id).where(ReturnRow.invoice_id == invoice.id)))
    return [line for line in invoice.lines if line.id not in returned]


def _settle_if_nothing_is_owed(tx: Tx, invoice: Invoice, actor: Actor, now: datetime) -> Invoice:
    if invoice.open_balance or invoice.state is not InvoiceState.OPEN:
        return invoice
    row = tx.session.get_one(InvoiceRow, invoice.id)
    advance(tx, row, MOVES, InvoiceEvent.SETTLE, actor=actor, now=now)
    tx.session.flush()
    return record_of(tx, row)


def _earn(tx: Tx, invoice: Invoice, line: InvoiceLine, session: Session, actor: Actor, now: datetime) -> None:
    if not line.charge:
        return  # given for nothing: there is nothing to post
    given_on = site_date(tx, session.site_id, session.started_at or now)
    lines = earning_lines(line, session.covered, invoice.patient_id)
    source = Source("session", session.id, "given")
    post(tx, Posting.of(invoice, source, given_on, lines), actor=actor, now=now)


def _locked_session(tx: Tx, session_id: str) -> Session:
    lock_patient(tx, find_session(tx, session_id, SYSTEM).patient_id)
    return find_session(tx, session_id, SYSTEM)


def _release(tx: Tx, session_id: str, actor: Actor, now: datetime) -> None:
    tx.session.execute(delete(InvoicedSession).where(InvoicedSession.session_id == session_id))
    set_due(tx, session_id=session_id, due=None, actor=actor, now=now)


def site_date(tx: Tx, site_id: str, instant: datetime) -> date:
    """The clinic-local date of an instant at one site."""
    return local_date(instant, ZoneInfo(find_site(tx, site_id).timezone))
