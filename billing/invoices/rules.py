"""Which accounts a session's price and a patient's money go to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from billing.invoices.records import InvoiceLine, SettledPart
from billing.kernel.money import ZERO, Money, total
from billing.ledger.records import Account, Line, credit, debit

INCOME = {"evaluation": Account.EVALUATION, "no_show": Account.NO_SHOW_FEES}
"""Services whose income has an account of its own; all else is infusion income."""


def earning_lines(line: InvoiceLine, covered: Money, refunded: Money, patient_id: str) -> tuple[Line, ...]:
    """The entry of a session given: what was paid ahead is earned, the rest is owed.

    `refunded` is the part of the cover whose money went back before: income that is given up.

    Source: the postings "that session given" and "given and unpaid" of docs/decisions/0004-postings.md.
    """
    income = INCOME.get(line.service, Account.INFUSION)
    return (
        debit(Account.DEFERRED_REVENUE, covered - refunded, patient_id),
        debit(Account.REFUNDS, refunded, patient_id),
        debit(Account.PATIENT_RECEIVABLE, line.net - covered, patient_id),
        debit(Account.DISCOUNTS, line.discount, patient_id),
        credit(income, line.charge, patient_id),
    )


def settling_lines(parts: Iterable[SettledPart], patient_id: str) -> tuple[Line, ...]:
    """Where a tender goes: a session given was owed, a session to come is deferred."""
    listed = list(parts)
    earned = total(part.amount for part in listed if part.earned)
    ahead = total(part.amount for part in listed if not part.earned)
    return (
        credit(Account.PATIENT_RECEIVABLE, earned, patient_id),
        credit(Account.DEFERRED_REVENUE, ahead, patient_id),
    )


def owing_again_lines(parts: Iterable[SettledPart], patient_id: str) -> tuple[Line, ...]:
    """Where a tender that is undone comes from: `settling_lines` the other way round."""
    return tuple(Line(line.account, -line.amount, patient_id) for line in settling_lines(parts, patient_id))


def allocate(amount: Money, wanted: Sequence[Money]) -> list[Money]:
    """Fill what is wanted in order, the earlier session first, until the amount is used up."""
    parts, left = [], amount
    for want in wanted:
        part = max(ZERO, min(left, want))
        parts.append(part)
        left = left - part
    return parts
