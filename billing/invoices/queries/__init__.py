"""Reads; invoices of other sites do not exist for the actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, func, select

from billing.care.queries import coverage_of, covered_by, find_session, had_covered_missed
from billing.care.records import REFUNDED, Session
from billing.care.states import SessionState
from billing.invoices.errors import (
    GivenSessionsOwed,
    NeverThePatient,
    NoFeeAgreed,
    NoSuchInvoice,
    NoSuchPayer,
    NoSuchShare,
    NothingToStop,
    PackageUnderWay,
    SessionAlreadyInvoiced,
    SessionNotMissed,
)
from billing.invoices.models import (
    InvoicedSession,
    InvoiceLineRow,
    InvoiceRow,
    PayerRow,
    PayerShareRow,
    ReturnRow,
    TenderReversalRow,
    TenderRow,
)
from billing.invoices.records import (
    NO_SHOW,
    OF_PAYERS,
    TAKES_ALL,
    Bearer,
    EndReason,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Payer,
    PayerKind,
    PayerShare,
    Stop,
)
from billing.invoices.rules import differences, with_difference
from billing.invoices.states import InvoiceState, ShareState
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import rows_where
from billing.quotes.queries import fee_under, find_quote, price_of_some, quote_naming
from billing.quotes.records import Quote


def find_invoice(read: Read, invoice_id: str, actor: Actor) -> Invoice:
    """Raises: NoSuchInvoice."""
    row = read.session.get(InvoiceRow, invoice_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchInvoice(f"There is no invoice {invoice_id}.")
    return record_of(read, row)


def as_it_stands(read: Read, invoice: Invoice) -> Invoice:
    """The same invoice with the state and the balance that it has now; all else never changes."""
    [row] = rows_where(read, InvoiceRow, id=invoice.id)
    return replace(invoice, state=InvoiceState(row.state), open_balance=Money(row.open_cents))


def patient_of_invoice(read: Read, invoice_id: str, actor: Actor) -> str:
    """The patient who owes it, without reading the balance, which may be read under the lock only.

    Raises: NoSuchInvoice.
    """
    owner = select(InvoiceRow.patient_id, InvoiceRow.entity_id, InvoiceRow.site_id)
    found = read.session.execute(owner.where(InvoiceRow.id == invoice_id)).first()
    if found is None or not actor.sees(entity_id=found.entity_id, site_id=found.site_id):
        raise NoSuchInvoice(f"There is no invoice {invoice_id}.")
    patient_id: str = found.patient_id
    return patient_id


def list_invoices(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: InvoiceState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Invoice]:
    """Newest first, those before the cursor."""
    query = (
        select(InvoiceRow).where(*within_reach(actor, InvoiceRow)).order_by(InvoiceRow.id.desc()).limit(limit)
    )
    if patient_id is not None:
        query = query.where(InvoiceRow.patient_id == patient_id)
    if state is not None:
        query = query.where(InvoiceRow.state == state)
    if cursor is not None:
        query = query.where(InvoiceRow.id < cursor)
    rows = read.session.scalars(query).all()
    lines = _lines_by_invoice(read, [row.id for row in rows])
    return [_record(row, lines[row.id]) for row in rows]


def line_of_session(read: Read, session_id: str) -> tuple[Invoice, InvoiceLine] | None:
    """The invoice and line that a session stands on now, if any; the line has all that it costs."""
    found = read.session.execute(
        select(InvoiceLineRow, InvoiceRow)
        .join(InvoicedSession, InvoicedSession.line_id == InvoiceLineRow.id)
        .join(InvoiceRow, InvoiceRow.id == InvoiceLineRow.invoice_id)
        .where(InvoicedSession.session_id == session_id)
    ).first()
    if found is None:
        return None
    invoice, line = record_of(read, found[1]), line_of(found[0])
    if invoice.kind is InvoiceKind.PACKAGE and (difference := difference_of(read, invoice.id)):
        line = with_difference(line, difference.lines)
    return invoice, line


def fee_of_missed(read: Read, session_id: str, actor: Actor) -> tuple[Quote, Money]:
    """What a missed session costs, and the newest quote of it, whose schedule says so.

    Raises: NoSuchSession, SessionNotMissed, SessionAlreadyInvoiced, NeverThePatient, NoFeeAgreed.
    """
    session = find_session(read, session_id, actor)
    if session.state is not SessionState.NO_SHOW:
        raise SessionNotMissed("The patient has not missed this session. Record that first.")
    if line_of_session(read, session_id):
        raise SessionAlreadyInvoiced("The fee for this session is billed already.", session_id=session_id)
    visit_id = session.moved_as_id or session_id
    if _was_authorized(read, session):
        raise NeverThePatient("Compensation or the VA had this visit. Its patient is not billed for it.")
    quote = quote_naming(read, session.plan_id, visit_id, SYSTEM)
    fee = fee_under(read, quote, visit_id, NO_SHOW) if quote else None
    if quote is None or not fee:
        raise NoFeeAgreed("The session's quote knows no fee for missing it, so that none can be charged.")
    return quote, fee


def _was_authorized(read: Read, missed: Session) -> bool:
    """Whether compensation or the VA had the visit by then, and it did not become the patient's since."""
    taken = _shares(read, PayerShareRow.id.in_(had_covered_missed(read, missed, OF_PAYERS)))
    return any(
        share.kind in TAKES_ALL and not (share.state is ShareState.ENDED and share.borne_by is Bearer.PATIENT)
        for share in taken
    )


def difference_of(read: Read, package_id: str) -> Invoice | None:
    """The invoice that charges what a stopped package's given sessions cost more, if there is one."""
    row = read.session.scalar(select(InvoiceRow).where(InvoiceRow.reprices_id == package_id))
    return record_of(read, row) if row else None


def open_invoices_of_session(read: Read, session_id: str) -> list[Invoice]:
    """The invoices on which something of a session's price may be owed, its own first."""
    found = line_of_session(read, session_id)
    if found is None:
        return []
    both = (found[0], difference_of(read, found[0].id))
    return [invoice for invoice in both if invoice and invoice.state is InvoiceState.OPEN]


def standing_lines(read: Read, invoice: Invoice) -> list[InvoiceLine]:
    """The lines that were not returned."""
    returned = set(read.session.scalars(select(ReturnRow.line_id).where(ReturnRow.invoice_id == invoice.id)))
    return [line for line in invoice.lines if line.id not in returned]


def what_a_stop_does(read: Read, package: Invoice) -> Stop:
    """What stopping a package would do now; nothing is changed.

    The caller that means it holds the patient's lock.
    Raises: NothingToStop, PackageUnderWay, GivenSessionsOwed.
    """
    lines = standing_lines(read, package) if package.kind is InvoiceKind.PACKAGE else []
    sessions = [find_session(read, line.session_id, SYSTEM) for line in lines]
    ahead = [session for session in sessions if session.state is SessionState.PLANNED]
    if not ahead or package.state is InvoiceState.VOID:
        raise NothingToStop("No session of a package is still to come on this invoice.")
    if any(session.state is SessionState.CHECKED_IN for session in sessions):
        raise PackageUnderWay("A visit of this package has begun. Record it first, then stop the package.")
    given = [session for session in sessions if session.state is SessionState.GIVEN]
    if owed := total((session.due or ZERO) - session.covered for session in given):
        raise GivenSessionsOwed(
            f"{owed} of what was given is not paid. Take a payment first.", owed_cents=owed.cents
        )
    return Stop(
        package_id=package.id,
        cancelled=tuple(session.id for session in ahead),
        freed=total(_paid_ahead(read, session.id) for session in ahead),
        difference=_dearer(read, package, lines, [session.id for session in given]),
    )


def _paid_ahead(read: Read, session_id: str) -> Money:
    parts = coverage_of(read, session_id)
    return total(part.amount for part in parts if part.source_kind not in (REFUNDED, *OF_PAYERS))


def _dearer(
    read: Read, package: Invoice, lines: Sequence[InvoiceLine], given: Sequence[str]
) -> tuple[InvoiceLine, ...]:
    """What the sessions that were given cost more without the others, under the package's own quote.

    Where compensation or the VA has a part the clinic bears it, since their patients are not billed. A part
    that was entered by mistake and ended is none.
    """
    shares = _shares(read, PayerShareRow.invoice_id == package.id)
    taken = (share for share in shares if share.paid or share.open_balance or share.borne_by is Bearer.CLINIC)
    if not given or any(share.kind in TAKES_ALL for share in taken):
        return ()
    quote = find_quote(read, package.quote_id, SYSTEM)
    by_session = {line.session_id: line for line in lines}
    alone = price_of_some(read, quote, given)
    return differences(
        (by_session[str(item.session_id)], item.list - item.package, item.discount) for item in alone
    )


def still_applied(read: Read, invoice_id: str, source_kind: str, source_id: str) -> Money:
    """How much of an invoice one source covers now."""
    lines = standing_lines(read, find_invoice(read, invoice_id, SYSTEM))
    return total(covered_by(read, line.session_id, source_kind, source_id) for line in lines)


def settled_by(read: Read, source_kind: str, source_id: str) -> Sequence[tuple[str, Money]]:
    """How much of each invoice one source settles still, the invoice that it was applied to last first.

    What it covers of a session says that of no invoice: a session may stand on two.
    """
    where = (TenderRow.source_kind == source_kind, TenderRow.source_id == source_id)
    query = select(TenderRow.invoice_id, func.sum(TenderRow.cents)).where(*where)
    applied = read.session.execute(
        query.group_by(TenderRow.invoice_id).order_by(func.max(TenderRow.id).desc())
    ).all()
    undone = {
        invoice_id: int(cents)
        for invoice_id, cents in read.session.execute(
            select(TenderReversalRow.invoice_id, func.sum(TenderReversalRow.cents))
            .where(TenderReversalRow.source_kind == source_kind, TenderReversalRow.source_id == source_id)
            .group_by(TenderReversalRow.invoice_id)
        )
    }
    return [(invoice_id, Money(int(cents) - undone.get(invoice_id, 0))) for invoice_id, cents in applied]


def has_tenders(read: Read, invoice_id: str) -> bool:
    """Whether anything that was applied to an invoice still is."""
    applied, undone = (
        read.session.scalar(select(func.coalesce(func.sum(row.cents), 0)).where(row.invoice_id == invoice_id))
        for row in (TenderRow, TenderReversalRow)
    )
    return applied != undone


def find_payer(read: Read, payer_id: str, actor: Actor) -> Payer:
    """Raises: NoSuchPayer."""
    row = read.session.get(PayerRow, payer_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchPayer("There is no such payer. Check the id.")
    return payer_of(read, row)


def list_payers(read: Read, actor: Actor, *, cursor: str | None = None, limit: int) -> Sequence[Payer]:
    """Newest first, those before the cursor."""
    query = select(PayerRow).where(*within_reach(actor, PayerRow)).order_by(PayerRow.id.desc()).limit(limit)
    if cursor is not None:
        query = query.where(PayerRow.id < cursor)
    return [payer_of(read, row) for row in read.session.scalars(query)]


def find_share(read: Read, share_id: str, actor: Actor) -> PayerShare:
    """Raises: NoSuchShare."""
    row = read.session.get(PayerShareRow, share_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchShare("There is no such part of another payer. Check the id.")
    return share_of(read, row)


def shares_of_invoice(read: Read, invoice_id: str, actor: Actor) -> Sequence[PayerShare]:
    """What other payers took of an invoice, oldest first. Raises: NoSuchInvoice."""
    find_invoice(read, invoice_id, actor)
    return _shares(read, PayerShareRow.invoice_id == invoice_id)


def shares_of_payer(read: Read, payer_id: str, actor: Actor) -> Sequence[PayerShare]:
    """What a payer took, at the actor's sites, oldest first. Raises: NoSuchPayer."""
    find_payer(read, payer_id, actor)
    return _shares(read, PayerShareRow.payer_id == payer_id, *within_reach(actor, PayerShareRow))


def shares_to_end(read: Read, actor: Actor, *, limit: int) -> Sequence[PayerShare]:
    """The parts that somebody wants ended and a second person has to agree to, oldest first."""
    query = (
        select(PayerShareRow.id)
        .where(PayerShareRow.state == ShareState.ENDING, *within_reach(actor, PayerShareRow))
        .order_by(PayerShareRow.id)
        .limit(limit)
    )
    return _shares(read, PayerShareRow.id.in_(read.session.scalars(query).all()))


def record_of(read: Read, row: InvoiceRow) -> Invoice:
    return _record(row, _lines_by_invoice(read, [row.id])[row.id])


def _lines_by_invoice(read: Read, invoice_ids: Sequence[str]) -> dict[str, list[InvoiceLine]]:
    lines: dict[str, list[InvoiceLine]] = {invoice_id: [] for invoice_id in invoice_ids}
    query = (
        select(InvoiceLineRow)
        .where(InvoiceLineRow.invoice_id.in_(invoice_ids))
        .order_by(InvoiceLineRow.invoice_id, InvoiceLineRow.place)
    )
    for row in read.session.scalars(query):
        lines[row.invoice_id].append(line_of(row))
    return lines


def line_of(row: InvoiceLineRow) -> InvoiceLine:
    return InvoiceLine(
        id=row.id,
        session_id=row.session_id,
        service=row.service,
        service_on=row.service_on,
        charge=Money(row.charge_cents),
        discount=Money(row.discount_cents),
        net=Money(row.net_cents),
    )


def _record(row: InvoiceRow, lines: Sequence[InvoiceLine]) -> Invoice:
    return Invoice(
        id=row.id,
        number=row.number,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        quote_id=row.quote_id,
        kind=InvoiceKind(row.kind),
        state=InvoiceState(row.state),
        total=Money(row.total_cents),
        open_balance=Money(row.open_cents),
        issued_on=row.issued_on,
        issued_at=row.issued_at,
        lines=tuple(lines),
        reprices_id=row.reprices_id,
    )


def payer_of(read: Read, row: PayerRow) -> Payer:
    said = read.vault.open(PayerRow.__tablename__, row.id, row.sealed)
    return Payer(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        kind=PayerKind(row.kind),
        name=said["name"],
        contact=said["contact"],
        added_at=row.added_at,
    )


def _shares(read: Read, *conditions: ColumnElement[bool]) -> Sequence[PayerShare]:
    query = select(PayerShareRow).where(*conditions).order_by(PayerShareRow.id)
    return [share_of(read, row) for row in read.session.scalars(query)]


def share_of(read: Read, row: PayerShareRow) -> PayerShare:
    said = read.vault.open(PayerShareRow.__tablename__, row.id, row.sealed) if row.sealed else {}
    return PayerShare(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        invoice_id=row.invoice_id,
        payer_id=row.payer_id,
        kind=PayerKind(read.session.get_one(PayerRow, row.payer_id).kind),
        state=ShareState(row.state),
        agreed=Money(row.agreed_cents),
        paid=Money(row.paid_cents),
        open_balance=Money(row.open_cents),
        reference=said.get("reference"),
        from_on=row.from_on,
        until_on=row.until_on,
        agreed_on=row.agreed_on,
        denied_at=row.denied_at,
        ending=EndReason(row.ending) if row.ending else None,
        borne_by=Bearer(row.borne_by) if row.borne_by else None,
        asked_by_person=row.asked_by_person,
    )
