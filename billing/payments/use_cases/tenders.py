"""Several tenders on one invoice, taken whole or refused whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.invoices.errors import MoreThanOwed
from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.invoices.rules import what_is_owed
from billing.invoices.use_cases.locks import lock_invoice
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.payments.errors import CreditNotPermitted, MoreThanAvailable
from billing.payments.errors.checks import CheckBookedBefore
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.tenders import Handed, Rest, Taken
from billing.payments.use_cases.checkouts import begin_checkout, begin_reader_payment
from billing.payments.use_cases.credits import apply_credits
from billing.payments.use_cases.receive import take_cash, take_check
from billing.platform.data.database import Tx
from billing.platform.data.idempotency import RequestKey

BY_HAND = (Tender.CREDIT, Tender.CASH, Tender.CHECK)
"""In the order in which they pay: only a check may exceed, since nobody gives change for one."""


def take_tenders(
    tx: Tx,
    *,
    invoice_id: str,
    tenders: Sequence[Handed],
    rest: Rest | None,
    request: RequestKey,
    actor: Actor,
    now: datetime,
) -> Taken:
    """Take what a patient hands over for one invoice, and record the intent to take the rest by card.

    Each tender is a payment of its own. The caller asks the processor for the rest after the commit.
    Raises: NoSuchInvoice, CheckoutStands, MoreThanOwed, CreditNotPermitted, MoreThanAvailable,
    CheckPostdated, CheckStale, CheckBookedBefore, TenderedTooLittle, and for the rest InvoiceNotOpen,
    TooSmallForCard.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    refuse_while_standing(tx, invoice_id)
    ordered = sorted(tenders, key=lambda each: BY_HAND.index(each.tender))
    _refuse_needless(invoice, ordered)
    _refuse_one_check_twice(ordered)
    credit = total(each.amount for each in ordered if each.tender is Tender.CREDIT)
    if credit:
        _take_credit(tx, invoice_id, credit, actor, now)
    payments = [
        _take(tx, invoice_id, each, actor, now) for each in ordered if each.tender is not Tender.CREDIT
    ]
    attempt = _begin(tx, invoice_id, rest, request, actor, now) if rest else None
    return Taken(
        invoice_id=invoice_id,
        patient_id=invoice.patient_id,
        credit=credit,
        payments=tuple(payments),
        open_balance=find_invoice(tx, invoice_id, actor).open_balance,
        checkout_id=attempt.id if attempt else None,
    )


def _refuse_needless(invoice: Invoice, tenders: Sequence[Handed]) -> None:
    """Each tender has to find something that is owed, and only a check may exceed it.

    Raises: MoreThanOwed.
    """
    owed = left = invoice.open_balance
    if not owed:
        raise MoreThanOwed(what_is_owed(invoice), open_cents=0)
    for each in tenders:
        if not left or (each.amount > left and each.tender is not Tender.CHECK):
            raise MoreThanOwed(
                f"{owed} is owed on invoice {invoice.number}. The tenders before leave {left} for the "
                f"{each.tender} of {each.amount}.",
                open_cents=owed.cents,
                left_cents=left.cents,
            )
        left = left - min(each.amount, left)


def _refuse_one_check_twice(tenders: Sequence[Handed]) -> None:
    """Of two checks with one number, the later has to be said to be another. Raises: CheckBookedBefore."""
    numbers: set[str] = set()
    for each in tenders:
        if each.number is not None:
            bare = each.number.lstrip("0")
            if bare in numbers and not each.is_another:
                raise CheckBookedBefore(
                    f"Two of these checks have the number {each.number}.", number=each.number
                )
            numbers.add(bare)


def _take_credit(tx: Tx, invoice_id: str, amount: Money, actor: Actor, now: datetime) -> None:
    """Raises: CreditNotPermitted, MoreThanAvailable."""
    if not actor.may(Permission.CREDITS_WRITE):
        raise CreditNotPermitted("Your role takes no credit off an invoice. Ask somebody in billing.")
    applied = apply_credits(tx, invoice_id=invoice_id, at_most=amount, actor=actor, now=now)
    if applied.amount != amount:
        raise MoreThanAvailable(
            f"{applied.amount} of credit is there to come off this invoice.",
            available_cents=applied.amount.cents,
        )


def _take(tx: Tx, invoice_id: str, handed: Handed, actor: Actor, now: datetime) -> Payment:
    if handed.number is None or handed.dated_on is None:
        return take_cash(
            tx,
            invoice_id=invoice_id,
            amount=handed.amount,
            tendered=handed.tendered,
            actor=actor,
            now=now,
        )
    return take_check(
        tx,
        invoice_id=invoice_id,
        amount=handed.amount,
        number=handed.number,
        dated_on=handed.dated_on,
        is_health_account=handed.is_health_account,
        is_another=handed.is_another,
        actor=actor,
        now=now,
    )


def _begin(tx: Tx, invoice_id: str, rest: Rest, request: RequestKey, actor: Actor, now: datetime) -> Checkout:
    """As every card payment: elected credit comes off first, until the card took nothing."""
    if rest.way is Way.READER:
        return begin_reader_payment(
            tx, invoice_id=invoice_id, reader_id=rest.reader_id, request=request, actor=actor, now=now
        )
    return begin_checkout(
        tx, invoice_id=invoice_id, return_url=rest.return_url, request=request, actor=actor, now=now
    )
