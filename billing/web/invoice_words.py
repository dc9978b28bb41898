"""What pages say of an invoice: in one word how it stands, and in rows what comes off its total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from billing.invoices.queries.lowered import lowered
from billing.invoices.records import FORGIVEN, OF_PAYERS, Applied, Invoice, InvoiceKind, Lowered
from billing.invoices.states import InvoiceState
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import paid_for_with_credit
from billing.payments.queries.disputes import held_by_banks
from billing.payments.queries.gone import how_gone
from billing.payments.queries.payments import CREDIT, PAYMENT, REIMBURSEMENT, payments_by_id
from billing.payments.records.refunds import Gone, Taken
from billing.platform.data.database import Read

OTHER_PAYERS = "Taken by other payers"
NOT_GIVEN, NOT_GIVEN_IN_SHORT = "Visits called off or missed", "Called off or missed"
LABELS = {
    PAYMENT: "Paid",
    CREDIT: "Paid with credit",
    REIMBURSEMENT: "Paid by an insurer",
    FORGIVEN: "Borne by the clinic",
    **dict.fromkeys(OF_PAYERS, OTHER_PAYERS),
}
KINDS = {
    InvoiceKind.SESSION: "For single visits",
    InvoiceKind.PACKAGE: "Package",
    InvoiceKind.DIFFERENCE: "What visits of a stopped package cost more",
    InvoiceKind.FEE: "Fee for a missed visit",
}
ORDER = ("Paid", "Paid with credit", "Paid by an insurer", OTHER_PAYERS, "Borne by the clinic")
MONEY = frozenset({PAYMENT, CREDIT, REIMBURSEMENT})
"""What somebody paid, of all that settles an invoice."""


@dataclass(frozen=True)
class Went:
    """How one speaks of money that is gone: all of an invoice, a part of it, in a row; and the color."""

    all: str
    part: str
    row: str
    color: str


WENT = {
    Gone.SENT: Went("Refunded", "Partly refunded", "Paid, then refunded", ""),
    Gone.WAITS: Went("Being refunded", "Part being refunded", "Paid, being refunded", "waiting"),
    Gone.LOST: Went("Lost to a dispute", "Partly lost to a dispute", "Paid, then lost to a dispute", "bad"),
    Gone.FAILED: Went(
        "Refund failed", "A refund failed", "Paid, then credit again: the refund failed", "bad"
    ),
    Gone.CREDIT: Went("Money is credit again", "Part is credit again", "Paid, then credit again", ""),
}
WENT_IN_MANY_WAYS = Went("Money went back", "Part went back", "", "bad")
"""Its rows are those of the ways."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """An invoice with what the pages say of it; `is_disputed` while a bank holds money that pays it."""

    invoice: Invoice
    lowered: Lowered
    of_payers: frozenset[str]
    """The payments of other payers."""
    gone_in: Mapping[Gone, Money]
    """How its money left, and how much in each way."""
    asked: Money
    """What of the money that is kept waits for a second person, who may have it go back."""
    is_disputed: bool

    @property
    def kind(self) -> str:
        return KINDS[self.invoice.kind]

    @property
    def kept(self) -> Money:
        """What somebody paid of it and the clinic has."""
        return total(part.amount - part.gone for part in self._money)

    @property
    def gone(self) -> Money:
        return total(part.gone for part in self._money)

    @property
    def by_credit(self) -> Money:
        """What credit paid of it, and is there still."""
        return total(part.amount - part.gone for part in self._money if part.source_kind == CREDIT)

    @property
    def badge(self) -> tuple[str, str]:
        """How it stands, and how that is colored."""
        if self.invoice.state is InvoiceState.VOID:
            return "Void", ""
        if self.invoice.state is InvoiceState.OPEN:
            return ("Owed again" if self.lowered.is_reopened else "Open"), "waiting"
        if self.gone:
            return (self._went.part if self.kept else self._went.all), self._went.color
        if self._amount(OF_PAYERS):
            return "Owed by another payer", "waiting"
        if self.kept:
            return self._paid
        return self._why_nobody_paid, ""

    @property
    def is_withdrawn(self) -> bool:
        """Whether nobody is asked for it because it is void or its visits do not take place."""
        return self.invoice.state is InvoiceState.VOID or self.badge[0] == NOT_GIVEN_IN_SHORT

    @property
    def rows(self) -> Sequence[tuple[str, Money]]:
        """What comes off its total; rows of nothing are left out."""
        if self.invoice.state is InvoiceState.VOID:
            return [("Not owed any more: it is void", self.invoice.total)]
        parts = [
            (self._label(part), part.amount - (part.gone if part.source_kind in MONEY else ZERO))
            for part in self.lowered.applied
        ]
        sums = [(label, total(amount for each, amount in parts if each == label)) for label in ORDER]
        sums += [(went.row, self.gone_in[way]) for way, went in WENT.items() if way in self.gone_in]
        sums += [(NOT_GIVEN, self.lowered.returned)]
        return [(label, amount) for label, amount in sums if amount]

    @property
    def _money(self) -> Sequence[Applied]:
        return [part for part in self.lowered.applied if part.source_kind in MONEY]

    @property
    def _went(self) -> Went:
        if Gone.FAILED in self.gone_in:
            return WENT[Gone.FAILED]
        ways = list(self.gone_in)
        return WENT[ways[0]] if len(ways) == 1 else WENT_IN_MANY_WAYS

    @property
    def _paid(self) -> tuple[str, str]:
        if self.is_disputed:
            return "Paid, disputed", "waiting"
        return ("Paid, a refund waits for approval", "waiting") if self.asked else ("Paid", "good")

    @property
    def _why_nobody_paid(self) -> str:
        if self._amount({FORGIVEN}):
            return "Borne by the clinic"
        return NOT_GIVEN_IN_SHORT if self.lowered.returned else "Nothing owed"

    def _amount(self, kinds: frozenset[str] | set[str]) -> Money:
        return total(part.amount for part in self.lowered.applied if part.source_kind in kinds)

    def _label(self, part: Applied) -> str:
        return OTHER_PAYERS if part.source_id in self.of_payers else LABELS[part.source_kind]


def told_of(read: Read, invoices: Sequence[Invoice]) -> Mapping[str, Told]:
    """By the invoice's id.

    Whose payment it was is asked for all sites: a payer's money is no money of the patient anywhere.
    """
    rows = lowered(read, [invoice.id for invoice in invoices])
    paid = _sources(rows, PAYMENT)
    of_payers = {each.id for each in payments_by_id(read, paid, SYSTEM).values() if each.payer_id is not None}
    held = held_by_banks(read, paid)
    taken = how_gone(read, {taken_by for each in rows.values() for taken_by in each.gone_by})
    origins = paid_for_with_credit(read, _sources(rows, CREDIT))
    return {
        invoice.id: Told(
            invoice=invoice,
            of_payers=frozenset(of_payers),
            is_disputed=any(part.source_id in held for part in rows[invoice.id].applied),
            **_what_is_gone(rows[invoice.id], taken, origins),
        )
        for invoice in invoices
    }


def _sources(rows: Mapping[str, Lowered], kind: str) -> set[str]:
    return {part.source_id for each in rows.values() for part in each.applied if part.source_kind == kind}


def _what_is_gone(rows: Lowered, taken: Mapping[str, Taken], origins: Mapping[str, str]) -> dict[str, Any]:
    """What only waits for approval is there still, as the pages tell it.

    A visit that stands on two invoices lost the money of the payments of each, also of those whose credit
    paid it (`origins`).
    """
    parts: dict[tuple[str, Gone], Money] = defaultdict(lambda: ZERO)
    for taken_by, amount in rows.gone_by.items():
        if taken_by in taken:
            parts[str(taken[taken_by].payment_id), taken[taken_by].way] += amount
    asked = {part.source_id: parts.pop((part.source_id, Gone.ASKED), ZERO) for part in rows.applied}
    applied = tuple(replace(part, gone=part.gone - asked[part.source_id]) for part in rows.applied)
    paid_it = {origins.get(source_id, source_id) for source_id in asked}
    gone_in = {
        way: total(amount for (payment, by), amount in parts.items() if by is way and payment in paid_it)
        for way in WENT
    }
    return {
        "lowered": replace(rows, applied=applied),
        "gone_in": {way: amount for way, amount in gone_in.items() if amount},
        "asked": total(asked.values()),
    }
