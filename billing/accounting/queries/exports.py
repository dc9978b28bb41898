"""Exports, streamed: pieces of text of some thousand lines, in an order that never varies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain, islice

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from billing.accounting.queries.choices import elected
from billing.accounting.queries.csv_cells import (
    END,
    Cells,
    day,
    dollars,
    dollars_where,
    header,
    line,
    moment,
    named,
    whole,
    words,
)
from billing.accounting.queries.tables import (
    APPLICATION,
    CREDIT,
    DISPUTE,
    DISPUTE_MOVEMENT,
    DORMANT,
    ENTRY,
    LINE,
    PAYMENT,
    REFUND,
    REVERSAL,
    SUPERBILL,
    WITHDRAWAL,
)
from billing.accounting.records import Export, ExportFormat, ExportKind
from billing.accounting.rules.journals import (
    beancount_entry,
    beancount_opening,
    hledger_entry,
    hledger_opening,
)
from billing.kernel.permissions import Actor
from billing.ledger.queries import journal
from billing.ledger.records import Entry
from billing.ledger.rules import CHART
from billing.payments.queries.credits import TAKEN_BACK
from billing.platform.data.database import Read

ROWS_AT_ONCE = 5_000
WITHDRAWN_ON = func.coalesce(
    WITHDRAWAL.c.withdrawn_on, func.date(WITHDRAWAL.c.withdrawn_at, type_=Date()), type_=Date()
)


def exported(read: Read, export: Export, actor: Actor) -> Iterator[str]:
    """The whole text of an export, piece by piece, of what the actor may see."""
    if export.format is ExportFormat.CSV:
        return _csv(read, export, actor)
    return _plain_text(read, export, actor)


# --- CSV -----------------------------------------------------------------------------------------------


def _csv(read: Read, export: Export, actor: Actor) -> Iterator[str]:
    cells, query = SHEETS[export.kind](actor, export.since, export.until)
    yield header(cells)
    rows = read.session.scalars(
        query.with_only_columns(line(cells)).execution_options(yield_per=ROWS_AT_ONCE)
    )
    for part in rows.partitions():
        yield END.join(part) + END


Sheet = tuple[Cells, Select[str]]


def _journal_sheet(actor: Actor, since: date, until: date) -> Sheet:
    """One row a line: debit and credit, and the amount with its sign, debits positive."""
    names = {code: account.name for code, account in CHART.items()}
    cells = {
        "date": day(ENTRY.c.effective_on),
        "entry_id": words(ENTRY.c.id),
        "line": whole(LINE.c.place),
        "account": words(LINE.c.account),
        "account_name": named(LINE.c.account, names),
        "debit": dollars_where(LINE.c.cents > 0, LINE.c.cents),
        "credit": dollars_where(LINE.c.cents < 0, LINE.c.cents),
        "amount": dollars(LINE.c.cents),
        "source_kind": words(ENTRY.c.source_kind),
        "source_id": words(ENTRY.c.source_id),
        "purpose": words(ENTRY.c.purpose),
        "patient_id": words(LINE.c.patient_id),
        "site_id": words(ENTRY.c.site_id),
        "period": words(ENTRY.c.period),
        "posted_at": moment(ENTRY.c.posted_at),
        "reverses_id": words(ENTRY.c.reverses_id),
    }
    query = (
        select(ENTRY.c.id)
        .select_from(ENTRY.join(LINE, LINE.c.entry_id == ENTRY.c.id))
        .order_by(ENTRY.c.effective_on, ENTRY.c.id, LINE.c.place)
    )
    return cells, query.where(*_within(ENTRY, ENTRY.c.effective_on, actor, since, until))


def _payments_sheet(actor: Actor, since: date, until: date) -> Sheet:
    """`refunded` is what had gone back by the end of the period: a refund of the next year is in that one.

    So `disputed` is what banks had taken and not given back by then, and `reversed` what was no payment any
    more: a check that had bounced, or what was booked for another patient, in a row of its own. `amount` less
    these three is what stayed. A check that bounced later is received still.
    """
    gone, taken = _gone_back(until), _taken_by_banks(until)
    is_reversed = ENTRY.c.id.is_not(None)
    bounced_later = and_(PAYMENT.c.state == "bounced", ENTRY.c.id.is_(None))
    cells = {
        "received_on": day(PAYMENT.c.received_on),
        "payment_id": words(PAYMENT.c.id),
        "invoice_id": words(PAYMENT.c.invoice_id),
        "patient_id": words(PAYMENT.c.patient_id),
        "site_id": words(PAYMENT.c.site_id),
        "tender": words(PAYMENT.c.tender),
        "state": words(case((bounced_later, "received"), else_=PAYMENT.c.state)),
        "corrects_id": words(PAYMENT.c.corrects_id),
        "amount": dollars(PAYMENT.c.amount_cents),
        "fee": dollars(PAYMENT.c.fee_cents),
        "net": dollars(PAYMENT.c.amount_cents - PAYMENT.c.fee_cents),
        "refunded": dollars(func.coalesce(gone.c.cents, 0, type_=BigInteger())),
        "charge_reference": words(PAYMENT.c.charge_reference),
        "received_at": moment(PAYMENT.c.received_at),
        "payer_id": words(PAYMENT.c.payer_id),
        "disputed": dollars(func.coalesce(taken.c.cents, 0, type_=BigInteger())),
        "reversed": dollars_where(is_reversed, PAYMENT.c.amount_cents),
    }
    query = _by_day(PAYMENT, PAYMENT.c.received_on, actor, since, until)
    with_gone = PAYMENT.outerjoin(gone, gone.c.payment_id == PAYMENT.c.id)
    with_taken = with_gone.outerjoin(taken, taken.c.payment_id == PAYMENT.c.id)
    return cells, query.select_from(with_taken.outerjoin(ENTRY, _reversed_by(until)))


def _reversed_by(until: date) -> ColumnElement[bool]:
    """The entry that took a whole payment away by a day."""
    return and_(
        ENTRY.c.source_kind == "payment",
        ENTRY.c.source_id == PAYMENT.c.id,
        ENTRY.c.purpose.in_(("bounced", "moved")),
        ENTRY.c.effective_on <= until,
    )


def _taken_by_banks(until: date) -> Subquery:
    """What disputes had taken of each payment by a day, less what had come back."""
    cents = cast(func.sum(-DISPUTE_MOVEMENT.c.amount_cents), BigInteger()).label("cents")
    booked = and_(
        ENTRY.c.source_kind == "dispute-movement",
        ENTRY.c.purpose == "moved",
        ENTRY.c.source_id == DISPUTE_MOVEMENT.c.id,
        ENTRY.c.effective_on <= until,
    )
    return (
        select(DISPUTE.c.payment_id, cents)
        .select_from(
            DISPUTE.join(DISPUTE_MOVEMENT, DISPUTE_MOVEMENT.c.dispute_id == DISPUTE.c.id).join(ENTRY, booked)
        )
        .group_by(DISPUTE.c.payment_id)
        .subquery()
    )


def _gone_back(until: date) -> Subquery:
    """What of each payment had left the clinic by a day, and had not come back."""
    moved = _refunds_moved()
    cents = cast(func.sum(moved.c.cents), BigInteger()).label("cents")
    return (
        select(moved.c.payment_id, cents)
        .where(moved.c.moved_on <= until)
        .group_by(moved.c.payment_id)
        .subquery()
    )


def _refunds_moved() -> Subquery:
    """Each refund on the day on which its money left, and once more, below zero, when it came back."""
    kept = [each for each in REFUND.c if each.name != "amount_cents"]
    left = select(
        *kept,
        REFUND.c.amount_cents.label("cents"),
        REFUND.c.refunded_on.label("moved_on"),
        literal("sent", String()).label("became"),
    ).where(REFUND.c.refunded_on.is_not(None))
    came_back = select(
        *kept,
        (-REFUND.c.amount_cents).label("cents"),
        ENTRY.c.effective_on.label("moved_on"),
        literal("failed", String()).label("became"),
    ).select_from(REFUND.join(ENTRY, _posted("failed")))
    return union_all(left, came_back).subquery()


def _posted(purpose: str) -> ColumnElement[bool]:
    """The entry of a step of a refund."""
    return and_(ENTRY.c.source_kind == "refund", ENTRY.c.source_id == REFUND.c.id, ENTRY.c.purpose == purpose)


def _refunds_sheet(actor: Actor, since: date, until: date) -> Sheet:
    """By the day on which the money left or came back, so that no row ever changes.

    `refunded_on` is the day on which the money left, also in the row of its return. What was asked for only
    is not in it.
    """
    moved = _refunds_moved()
    cells = {
        "refunded_on": day(moved.c.refunded_on),
        "refund_id": words(moved.c.id),
        "patient_id": words(moved.c.patient_id),
        "credit_id": words(moved.c.lot_id),
        "payment_id": words(moved.c.payment_id),
        "site_id": words(moved.c.site_id),
        "method": words(moved.c.method),
        "amount": dollars(moved.c.cents),
        "state": words(moved.c.became),
        "reference": words(moved.c.reference),
        "requested_by": words(moved.c.requested_by),
        "requested_at": moment(moved.c.requested_at),
        "approved_by": words(moved.c.approved_by),
        "approved_at": moment(moved.c.approved_at),
        "moved_on": day(moved.c.moved_on),
        "payer_id": words(moved.c.payer_id),
    }
    query = _by_day(moved, moved.c.moved_on, actor, since, until)
    return cells, query.order_by(moved.c.became.desc())


def _used(until: date) -> Subquery:
    """What had left each credit by a day, as the ledger says it: a refund counts from its approval on."""
    reversed_of = REVERSAL.join(APPLICATION, REVERSAL.c.application_id == APPLICATION.c.id)
    parts = (
        (APPLICATION, APPLICATION, APPLICATION.c.amount_cents, APPLICATION.c.applied_on),
        (reversed_of, APPLICATION, -REVERSAL.c.amount_cents, REVERSAL.c.reversed_on),
        (WITHDRAWAL, WITHDRAWAL, WITHDRAWAL.c.amount_cents, WITHDRAWN_ON),
        (REFUND.join(ENTRY, _posted("approved")), REFUND, REFUND.c.amount_cents, ENTRY.c.effective_on),
        (REFUND.join(ENTRY, _posted("held-again")), REFUND, -REFUND.c.amount_cents, ENTRY.c.effective_on),
    )
    moved = [
        select(of.c.lot_id, cents.label("cents")).select_from(where).where(on <= until)
        for where, of, cents, on in parts
    ]
    claimed = (
        DORMANT.c.claimed_on <= until,
        DORMANT.c.refund_id.is_(None),
        DORMANT.c.amount_cents.is_not(None),
    )
    moved.append(select(DORMANT.c.lot_id, (-DORMANT.c.amount_cents).label("cents")).where(*claimed))
    every = union_all(*moved).subquery()
    cents = cast(func.sum(every.c.cents), BigInteger()).label("cents")
    return select(every.c.lot_id, cents).group_by(every.c.lot_id).subquery()


def _taken_back(until: date) -> Subquery:
    """What insurers had taken of each credit by a day, of what they had paid."""
    cents = cast(func.sum(WITHDRAWAL.c.amount_cents), BigInteger()).label("cents")
    taken = (WITHDRAWAL.c.reason.in_(TAKEN_BACK), until >= WITHDRAWN_ON)
    return select(WITHDRAWAL.c.lot_id, cents).where(*taken).group_by(WITHDRAWAL.c.lot_id).subquery()


def _credits_sheet(actor: Actor, since: date, until: date) -> Sheet:
    """What came into credit in a period, and what was left of it at the end of the period."""
    used, taken = _used(until), _taken_back(until)
    cents = func.coalesce(used.c.cents, 0, type_=BigInteger())
    taken_cents = func.coalesce(taken.c.cents, 0, type_=BigInteger())
    cells = {
        "held_on": day(CREDIT.c.held_on),
        "credit_id": words(CREDIT.c.id),
        "patient_id": words(CREDIT.c.patient_id),
        "site_id": words(CREDIT.c.site_id),
        "source": words(CREDIT.c.source),
        "source_id": words(CREDIT.c.source_id),
        "amount": dollars(CREDIT.c.amount_cents),
        "used": dollars(cents - taken_cents),
        "taken_back": dollars(taken_cents),
        "available": dollars(CREDIT.c.amount_cents - cents),
        "election": words(elected(CREDIT, until)),
        "payer_id": words(CREDIT.c.payer_id),
    }
    query = _by_day(CREDIT, CREDIT.c.held_on, actor, since, until)
    joined = CREDIT.outerjoin(used, used.c.lot_id == CREDIT.c.id)
    return cells, query.select_from(joined.outerjoin(taken, taken.c.lot_id == CREDIT.c.id))


def _superbills_sheet(actor: Actor, since: date, until: date) -> Sheet:
    """The register by day of service: each version with its state, no code and no diagnosis."""
    cells = {
        "service_on": day(SUPERBILL.c.service_on),
        "number": words(SUPERBILL.c.number),
        "version": whole(SUPERBILL.c.version),
        "state": words(SUPERBILL.c.state),
        "superbill_id": words(SUPERBILL.c.id),
        "supersedes_id": words(SUPERBILL.c.supersedes_id),
        "session_id": words(SUPERBILL.c.session_id),
        "patient_id": words(SUPERBILL.c.patient_id),
        "site_id": words(SUPERBILL.c.site_id),
        "charge": dollars(SUPERBILL.c.charge_cents),
        "paid": dollars(SUPERBILL.c.paid_cents),
        "sha256": words(SUPERBILL.c.sha256),
        "issued_at": moment(SUPERBILL.c.issued_at),
    }
    return cells, _by_day(SUPERBILL, SUPERBILL.c.service_on, actor, since, until)


SHEETS: dict[ExportKind, Callable[[Actor, date, date], Sheet]] = {
    ExportKind.JOURNAL: _journal_sheet,
    ExportKind.PAYMENTS: _payments_sheet,
    ExportKind.REFUNDS: _refunds_sheet,
    ExportKind.CREDITS: _credits_sheet,
    ExportKind.SUPERBILLS: _superbills_sheet,
}


def _by_day(rows: FromClause, on: ColumnElement[date], actor: Actor, since: date, until: date) -> Select[str]:
    return select(rows.c.id).where(*_within(rows, on, actor, since, until)).order_by(on, rows.c.id)


def _within(
    rows: FromClause, on: ColumnElement[date], actor: Actor, since: date, until: date
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [on.between(since, until)]
    if actor.entity_id is not None:
        conditions.append(rows.c.entity_id == actor.entity_id)
    if actor.site_ids is not None:
        conditions.append(rows.c.site_id.in_(actor.site_ids))
    return conditions


# --- plain text ----------------------------------------------------------------------------------------


def _plain_text(read: Read, export: Export, actor: Actor) -> Iterator[str]:
    entries = _entries(read, export, actor)
    first = next(entries, None)
    whole_journal = entries if first is None else chain([first], entries)
    if export.format is ExportFormat.HLEDGER:
        yield hledger_opening()
        told = map(hledger_entry, whole_journal)
    else:
        yield beancount_opening(first.effective_on if first else export.since)
        told = map(beancount_entry, whole_journal)
    while part := "".join(islice(told, ROWS_AT_ONCE)):
        yield part


def _entries(read: Read, export: Export, actor: Actor) -> Iterator[Entry]:
    """By legal entity, each in the order of date and posting."""
    owners = select(ENTRY.c.entity_id).distinct().order_by(ENTRY.c.entity_id)
    entity_ids = [actor.entity_id] if actor.entity_id else read.session.scalars(owners).all()
    for entity_id in entity_ids:
        for entry in journal(read, entity_id, since=export.since, until=export.until):
            if actor.sees(entity_id=entry.entity_id, site_id=entry.site_id):
                yield entry
