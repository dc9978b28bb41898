"""Which accounts a session's price and a patient's money go to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from billing.invoices.errors import InvoiceNotOpen, MoreThanOwed
from billing.invoices.records import (
    NO_SHOW,
    TAKES_ALL,
    Invoice,
    InvoiceLine,
    PayerKind,
    PayerShare,
    SettledPart,
    ShareOrder,
)
from billing.invoices.states import InvoiceState
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money, split, total
from billing.ledger.records import Account, Line, credit, debit

INCOME = {"evaluation": Account.EVALUATION, NO_SHOW: Account.NO_SHOW_FEES}
"""Services whose income has an account of its own; all else is infusion income."""


def what_is_owed(invoice: Invoice) -> str:
    """What the patient owes of it at most, in a sentence that names it as people do."""
    if invoice.state is InvoiceState.OPEN:
        return f"Only {invoice.open_balance} is owed on invoice {invoice.number}."
    return f"Invoice {invoice.number} is {invoice.state}: the patient owes nothing on it."


def refuse_unless_open(invoice: Invoice) -> None:
    """Raises: InvoiceNotOpen."""
    if invoice.state is not InvoiceState.OPEN:
        raise InvoiceNotOpen(what_is_owed(invoice), state=str(invoice.state))


def refuse_unless_owed(share: PayerShare) -> None:
    """Raises: MoreThanOwed, when another payer owes nothing of their part any more."""
    if not share.open_balance:
        raise MoreThanOwed("This payer owes nothing of it any more.", open_cents=0)


def earning_lines(
    line: InvoiceLine, covered: Money, refunded: Money, promised: Money, patient_id: str
) -> tuple[Line, ...]:
    """The entry of a session given: what was paid ahead is earned, the rest is owed.

    Of the cover, `refunded` is what went back before: income that is given up; `promised` is what other
    payers owe from now on.

    Source: the postings "that session given" and "given and unpaid" of docs/decisions/0004-postings.md.
    """
    income = INCOME.get(line.service, Account.INFUSION)
    return (
        debit(Account.DEFERRED_REVENUE, covered - refunded - promised, patient_id),
        debit(Account.REFUNDS, refunded, patient_id),
        debit(Account.OTHER_PAYERS_RECEIVABLE, promised, patient_id),
        debit(Account.PATIENT_RECEIVABLE, line.net - covered, patient_id),
        debit(Account.DISCOUNTS, line.discount, patient_id),
        credit(income, line.charge, patient_id),
    )


def waiving_lines(fee: Money, patient_id: str) -> tuple[Line, ...]:
    """A fee that nothing was paid of is given up: it was no income, and nobody owes it."""
    return (
        debit(Account.NO_SHOW_FEES, fee, patient_id),
        credit(Account.PATIENT_RECEIVABLE, fee, patient_id),
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


def earned_of(parts: Iterable[SettledPart]) -> Money:
    """What of a settlement went to sessions that had been given."""
    return total(part.amount for part in parts if part.earned)


def paying_share_lines(parts: Iterable[SettledPart], patient_id: str) -> tuple[Line, ...]:
    """Where another payer's money goes: what was given the payer owed, a session to come is deferred."""
    listed = list(parts)
    ahead = total(part.amount for part in listed) - earned_of(listed)
    return (
        credit(Account.OTHER_PAYERS_RECEIVABLE, earned_of(listed), patient_id),
        credit(Account.DEFERRED_REVENUE, ahead, patient_id),
    )


def owing_share_again_lines(parts: Iterable[SettledPart], patient_id: str) -> tuple[Line, ...]:
    """Where another payer's money that never came is taken from: `paying_share_lines` the other way round."""
    lines = paying_share_lines(parts, patient_id)
    return tuple(Line(line.account, -line.amount, patient_id) for line in lines)


def ending_share_lines(parts: Iterable[SettledPart], patient_id: str) -> tuple[Line, ...]:
    """The patient owes what the payer does not; of what is still to come, nothing was posted."""
    given = earned_of(parts)
    return (
        debit(Account.PATIENT_RECEIVABLE, given, patient_id),
        credit(Account.OTHER_PAYERS_RECEIVABLE, given, patient_id),
    )


def with_difference(line: InvoiceLine, difference: Iterable[InvoiceLine]) -> InvoiceLine:
    """A session's line with what it cost more afterwards added to it."""
    added = [more for more in difference if more.session_id == line.session_id]
    return replace(
        line,
        charge=line.charge + total(more.charge for more in added),
        discount=line.discount + total(more.discount for more in added),
        net=line.net + total(more.net for more in added),
    )


def differences(priced: Iterable[tuple[InvoiceLine, Money, Money]]) -> tuple[InvoiceLine, ...]:
    """What sessions cost beyond their lines: (line, charge, discount) each, as they are priced now.

    Together they cost the new price, never less than they did: where one costs less now, the others bear
    less of the difference.
    """
    listed = list(priced)
    nets = [charge - discount - line.net for line, charge, discount in listed]
    due, raised = max(ZERO, total(nets)), [max(ZERO, net) for net in nets]
    weights = [net.cents for net in raised]
    parts = split(due, weights) if due else [ZERO for _ in listed]
    return tuple(
        _difference(line, net, max(ZERO, discount - line.discount) if net == more else ZERO)
        for (line, _, discount), net, more in zip(listed, parts, nets, strict=True)
        if net
    )


def _difference(line: InvoiceLine, net: Money, discount: Money) -> InvoiceLine:
    return replace(line, charge=net + discount, discount=discount, net=net)


def allocate(amount: Money, wanted: Sequence[Money]) -> list[Money]:
    """Fill what is wanted in order, the earlier session first, until the amount is used up."""
    parts, left = [], amount
    for want in wanted:
        part = max(ZERO, min(left, want))
        parts.append(part)
        left = left - part
    return parts


def flaws_of_share(kind: PayerKind, order: ShareOrder, days: Mapping[str, date]) -> list[Flaw]:
    """What a payer of this kind cannot take; `days` are those of the invoice's sessions.

    Compensation and the VA take whole sessions under an authorization of their days; the others take a fixed
    amount, and a relative's word is no authorization.
    """
    flaws = _flaws_of_sessions(order, days) if kind in TAKES_ALL else _flaws_of_amount(kind, order)
    if order.from_on and order.until_on and order.until_on < order.from_on:
        flaws.append(Flaw("/until_on", "The authorization ends before it begins."))
    return flaws


def _flaws_of_amount(kind: PayerKind, order: ShareOrder) -> list[Flaw]:
    flaws = []
    if order.amount is None:
        flaws.append(Flaw("/amount_cents", "Say how much this payer takes."))
    if order.session_ids:
        flaws.append(Flaw("/session_ids", "Only workers' compensation and the VA take whole sessions."))
    if kind is PayerKind.RELATIVE and order.reference is not None:
        flaws.append(Flaw("/reference", "A relative's word is no authorization; take the money first."))
    return flaws


def _flaws_of_sessions(order: ShareOrder, days: Mapping[str, date]) -> list[Flaw]:
    flaws = []
    if order.amount is not None:
        flaws.append(Flaw("/amount_cents", "This payer takes whole sessions; name those."))
    if order.reference is None:
        flaws.append(Flaw("/reference", "Give the number of the authorization."))
    if order.from_on is None or order.until_on is None:
        flaws.append(Flaw("/from_on", "Give the first and the last day of the authorization."))
    if not order.session_ids or len(set(order.session_ids)) != len(order.session_ids):
        flaws.append(Flaw("/session_ids", "Name each session of the authorization once."))
    for place, session_id in enumerate(order.session_ids):
        day = days.get(session_id)
        if day is None:
            flaws.append(Flaw(f"/session_ids/{place}", "This session is not on the invoice."))
        elif order.from_on and order.until_on and not order.from_on <= day <= order.until_on:
            flaws.append(Flaw(f"/session_ids/{place}", "This session lies outside the authorization."))
    return flaws
