"""What stands between the total of an invoice and what the patient owes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select, union_all

from billing.care.queries import cover_among
from billing.care.records import REFUNDED, Coverage
from billing.invoices.models import (
    InvoiceLineRow,
    ReturnPartRow,
    ReturnRow,
    TenderReversalRow,
    TenderRow,
)
from billing.invoices.records import Applied, Lowered
from billing.invoices.states import InvoiceEvent
from billing.kernel.money import ZERO, Money, total
from billing.platform.data.database import Read
from billing.platform.data.states import StateChange


def lowered(read: Read, invoice_ids: Collection[str]) -> Mapping[str, Lowered]:
    """What lowered each invoice, in a few statements for all: total - applied - returned = what is open.

    Money that went back by a refund is applied still (invariant 6), though it covers nothing; what a returned
    visit freed is not.
    """
    applied: dict[str, list[Applied]] = {invoice_id: [] for invoice_id in invoice_ids}
    covered = _cover_by_invoice(read, invoice_ids)
    for invoice_id, kind, source_id, cents in _applied(read, invoice_ids):
        amount = Money(int(cents))
        gone = max(ZERO, amount - _covered_by(covered[invoice_id], kind, source_id))
        applied[invoice_id].append(Applied(source_kind=kind, source_id=source_id, amount=amount, gone=gone))
    returned, gone_by = _returned(read, invoice_ids), _gone_by_return(read, invoice_ids)
    reopened = _reopened(read, invoice_ids)
    return {
        invoice_id: Lowered(
            applied=tuple(parts),
            returned=returned.get(invoice_id, ZERO),
            gone_by=_sums([*gone_by[invoice_id], *_refunded(covered[invoice_id])]),
            is_reopened=invoice_id in reopened,
        )
        for invoice_id, parts in applied.items()
    }


def _applied(read: Read, invoice_ids: Collection[str]) -> Collection[tuple[str, str, str, int]]:
    moved = union_all(
        select(TenderRow.invoice_id, TenderRow.source_kind, TenderRow.source_id, TenderRow.cents).where(
            TenderRow.invoice_id.in_(invoice_ids)
        ),
        select(
            TenderReversalRow.invoice_id,
            TenderReversalRow.source_kind,
            TenderReversalRow.source_id,
            -TenderReversalRow.cents,
        ).where(TenderReversalRow.invoice_id.in_(invoice_ids)),
        select(ReturnRow.invoice_id, ReturnPartRow.source_kind, ReturnPartRow.source_id, -ReturnPartRow.cents)
        .join(ReturnPartRow, ReturnPartRow.return_id == ReturnRow.id)
        .where(ReturnRow.invoice_id.in_(invoice_ids), ReturnPartRow.source_kind != REFUNDED),
    ).subquery()
    source = (moved.c.invoice_id, moved.c.source_kind, moved.c.source_id)
    told = func.sum(moved.c.cents)
    return [
        (invoice_id, kind, source_id, cents)
        for invoice_id, kind, source_id, cents in read.session.execute(
            select(*source, told).group_by(*source).having(told != 0).order_by(*source)
        )
    ]


def _returned(read: Read, invoice_ids: Collection[str]) -> Mapping[str, Money]:
    rows = read.session.execute(
        select(ReturnRow.invoice_id, func.sum(ReturnRow.cents))
        .where(ReturnRow.invoice_id.in_(invoice_ids))
        .group_by(ReturnRow.invoice_id)
    )
    return {invoice_id: Money(int(cents)) for invoice_id, cents in rows}


def _cover_by_invoice(read: Read, invoice_ids: Collection[str]) -> Mapping[str, Sequence[Coverage]]:
    """What covers the sessions of invoices; those of a stopped package stand on two."""
    lines = select(InvoiceLineRow.session_id, InvoiceLineRow.invoice_id)
    invoices: dict[str, list[str]] = defaultdict(list)
    for session_id, invoice_id in read.session.execute(
        lines.where(InvoiceLineRow.invoice_id.in_(invoice_ids))
    ):
        invoices[session_id].append(invoice_id)
    found: dict[str, list[Coverage]] = defaultdict(list)
    for session_id, part in cover_among(read, invoices):
        for invoice_id in invoices[session_id]:
            found[invoice_id].append(part)
    return found


def _covered_by(covered: Sequence[Coverage], kind: str, source_id: str) -> Money:
    return total(part.amount for part in covered if (part.source_kind, part.source_id) == (kind, source_id))


def _refunded(covered: Sequence[Coverage]) -> list[tuple[str, Money]]:
    return [(part.source_id, part.amount) for part in covered if part.source_kind == REFUNDED]


def _sums(parts: Sequence[tuple[str, Money]]) -> Mapping[str, Money]:
    return {each: total(amount for by, amount in parts if by == each) for each, _ in parts}


def _gone_by_return(read: Read, invoice_ids: Collection[str]) -> Mapping[str, list[tuple[str, Money]]]:
    """What had taken how much of the money of visits that were returned since."""
    parts = (
        select(ReturnRow.invoice_id, ReturnPartRow.source_id, ReturnPartRow.cents)
        .join(ReturnPartRow, ReturnPartRow.return_id == ReturnRow.id)
        .where(ReturnRow.invoice_id.in_(invoice_ids), ReturnPartRow.source_kind == REFUNDED)
    )
    found: dict[str, list[tuple[str, Money]]] = defaultdict(list)
    for invoice_id, source_id, cents in read.session.execute(parts):
        found[invoice_id].append((source_id, Money(cents)))
    return found


def _reopened(read: Read, invoice_ids: Collection[str]) -> frozenset[str]:
    query = select(StateChange.subject_id).where(
        StateChange.subject_id.in_(invoice_ids), StateChange.event == InvoiceEvent.REOPEN
    )
    return frozenset(read.session.scalars(query))
