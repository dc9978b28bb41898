"""The money of one payment gathered for a refund, and put where it was when the refund is not made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from billing.catalog.queries import site_date
from billing.invoices.records import SettledPart
from billing.invoices.use_cases.take_back import refund_cover, restore_cover
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.payments import PAYMENT, find_payment
from billing.payments.records.credits import CreditLot, CreditSource, Withdrawal
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import RefundableKind, RefundableSource
from billing.payments.rules.reimbursements import held_as
from billing.payments.use_cases.credits import open_lot, withdraw
from billing.platform.data.database import Tx


def gather(
    tx: Tx,
    payment: Payment,
    *,
    refund_id: str,
    sources: Sequence[RefundableSource],
    actor: Actor,
    now: datetime,
) -> CreditLot:
    """One credit that holds what a refund takes of its sources; the patient is locked."""
    parts, deposited, today = [], ZERO, site_date(tx, payment.site_id, now)
    for source in sources:
        if source.kind is RefundableKind.CREDIT:
            if find_credit(tx, source.id, SYSTEM).source is CreditSource.DEPOSIT:
                deposited = deposited + source.amount
            withdraw(
                tx,
                lot_id=source.id,
                reason=Withdrawal.RELEASED,
                subject_id=refund_id,
                amount=source.amount,
                withdrawn_on=today,
                now=now,
            )
        else:
            parts.append(_release(tx, payment, refund_id, source, actor, now))
    lot = open_lot(
        tx,
        payment,
        source=CreditSource.RELEASED,
        source_id=refund_id,
        amount=total(source.amount for source in sources),
        held_on=today,
        origin_payment_id=payment.id,
        payer_id=payment.payer_id,
    )
    if parts or deposited:
        lines = _released(parts, payment, deposited)
        _post(tx, payment, Source("refund", refund_id, "released"), lines, actor, now)
    return lot


def restore(tx: Tx, refund: RefundRow, *, actor: Actor, now: datetime) -> Sequence[str]:
    """A refund was refused: what it had taken from sessions covers them again, the rest stays credit.

    The ids of these sessions.
    """
    if refund.payment_id is None:
        return ()
    payment = find_payment(tx, refund.payment_id, actor)
    if payment.invoice_id is None:
        return ()
    parts = restore_cover(
        tx,
        invoice_id=payment.invoice_id,
        source_kind=PAYMENT,
        source_id=payment.id,
        refund_id=refund.id,
        actor=actor,
        now=now,
    )
    if not parts:
        return ()
    amount = total(part.amount for part in parts)
    withdraw(
        tx,
        lot_id=refund.lot_id,
        reason=Withdrawal.RESTORED,
        subject_id=refund.id,
        amount=amount,
        withdrawn_on=site_date(tx, payment.site_id, now),
        now=now,
    )
    lines = tuple(Line(line.account, -line.amount, line.patient_id) for line in _released(parts, payment))
    _post(tx, payment, Source("refund", refund.id, "restored"), lines, actor, now)
    return [part.session_id for part in parts]


def _release(
    tx: Tx, payment: Payment, refund_id: str, source: RefundableSource, actor: Actor, now: datetime
) -> SettledPart:
    return refund_cover(
        tx,
        session_id=source.id,
        source_kind=PAYMENT,
        source_id=payment.id,
        refund_id=refund_id,
        amount=source.amount,
        actor=actor,
        now=now,
    )


def _released(parts: Iterable[SettledPart], payment: Payment, deposited: Money = ZERO) -> tuple[Line, ...]:
    """A deposit and a session to come were deferred; of one that was given, the income is given up."""
    listed = list(parts)
    return (
        debit(Account.DEFERRED_REVENUE, deposited + _sum(listed, earned=False), payment.patient_id),
        debit(Account.REFUNDS, _sum(listed, earned=True), payment.patient_id),
        credit(
            held_as(payment.payer_id),
            deposited + total(part.amount for part in listed),
            payment.patient_id,
        ),
    )


def _sum(parts: Iterable[SettledPart], *, earned: bool) -> Money:
    return total(part.amount for part in parts if part.earned is earned)


def _post(
    tx: Tx, payment: Payment, source: Source, lines: tuple[Line, ...], actor: Actor, now: datetime
) -> None:
    on = site_date(tx, payment.site_id, now)
    post(tx, Posting.of(payment, source, on, lines), actor=actor, now=now)
