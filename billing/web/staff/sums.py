"""From the total of an invoice to what the patient owes of it, in rows that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from billing.invoices.queries.lowered import lowered
from billing.invoices.records import FORGIVEN, OF_PAYERS, Applied, Invoice, Lowered
from billing.invoices.states import InvoiceState
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import CREDIT, PAYMENT, REIMBURSEMENT, payments_by_id
from billing.platform.data.database import Read

OTHER_PAYERS, CALLED_OFF = "Taken by other payers", "Visits called off"
LABELS = {
    PAYMENT: "Paid",
    CREDIT: "Paid with credit",
    REIMBURSEMENT: "Paid by an insurer",
    FORGIVEN: "Borne by the clinic",
    **dict.fromkeys(OF_PAYERS, OTHER_PAYERS),
}
ORDER = ("Paid", "Paid with credit", "Paid by an insurer", OTHER_PAYERS, "Borne by the clinic", CALLED_OFF)


def sums_of(read: Read, invoices: Sequence[Invoice]) -> Mapping[str, Sequence[tuple[str, Money]]]:
    """What comes off each invoice's total, by its id; rows of nothing are left out.

    Whose payment it was is asked for all sites: a payer's money is no money of the patient anywhere.
    """
    told = lowered(read, [invoice.id for invoice in invoices])
    paid = {part.source_id for each in told.values() for part in each.applied if part.source_kind == PAYMENT}
    of_payers = {each.id for each in payments_by_id(read, paid, SYSTEM).values() if each.payer_id is not None}
    return {invoice.id: _rows(invoice, told[invoice.id], of_payers) for invoice in invoices}


def _rows(invoice: Invoice, told: Lowered, of_payers: set[str]) -> Sequence[tuple[str, Money]]:
    if invoice.state is InvoiceState.VOID:
        return [("Not owed any more: it is void", invoice.total)]
    parts = [(_label(part, of_payers), part.amount) for part in told.applied] + [(CALLED_OFF, told.returned)]
    sums = [(label, total(amount for each, amount in parts if each == label)) for label in ORDER]
    return [(label, amount) for label, amount in sums if amount]


def _label(part: Applied, of_payers: set[str]) -> str:
    return OTHER_PAYERS if part.source_id in of_payers else LABELS[part.source_kind]
