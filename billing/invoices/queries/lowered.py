"""What stands between the total of an invoice and what the patient owes of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select, union_all

from billing.care.records import REFUNDED
from billing.invoices.models import ReturnPartRow, ReturnRow, TenderReversalRow, TenderRow
from billing.invoices.records import Applied, Lowered
from billing.kernel.money import ZERO, Money
from billing.platform.data.database import Read


def lowered(read: Read, invoice_ids: Collection[str]) -> Mapping[str, Lowered]:
    """What lowered each invoice, in two statements for all: total - applied - returned = what is open.

    Money that went back by a refund is applied still (invariant 6); what a returned visit freed is not.
    """
    applied: dict[str, list[Applied]] = {invoice_id: [] for invoice_id in invoice_ids}
    for invoice_id, kind, source_id, cents in _applied(read, invoice_ids):
        applied[invoice_id].append(Applied(source_kind=kind, source_id=source_id, amount=Money(int(cents))))
    returned = _returned(read, invoice_ids)
    return {
        invoice_id: Lowered(applied=tuple(parts), returned=returned.get(invoice_id, ZERO))
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
