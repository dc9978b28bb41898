"""What of a patient's invoices stands."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from billing.invoices.models import InvoiceLineRow, InvoiceRow, ReturnRow
from billing.invoices.queries import line_of
from billing.invoices.records import InvoiceKind, StandingLine
from billing.invoices.states import InvoiceState
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def standing_lines_of_patient(read: Read, patient_id: str, actor: Actor) -> Sequence[StandingLine]:
    """The lines that were neither voided nor returned, in one statement; of a package's visit perhaps two."""
    query = (
        select(InvoiceLineRow, InvoiceRow.id, InvoiceRow.number, InvoiceRow.kind)
        .join(InvoiceRow, InvoiceRow.id == InvoiceLineRow.invoice_id)
        .outerjoin(ReturnRow, ReturnRow.line_id == InvoiceLineRow.id)
        .where(
            InvoiceRow.patient_id == patient_id,
            InvoiceRow.state != InvoiceState.VOID,
            ReturnRow.id.is_(None),
            *within_reach(actor, InvoiceRow),
        )
        .order_by(InvoiceRow.id, InvoiceLineRow.place)
    )
    return [
        StandingLine(invoice_id=invoice_id, number=number, kind=InvoiceKind(kind), line=line_of(row))
        for row, invoice_id, number, kind in read.session.execute(query)
    ]
