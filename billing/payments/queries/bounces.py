"""Reads of checks that bounced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import or_, select

from billing.invoices.queries import still_applied
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.payments.models.bounces import BounceRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import applications_of_credit, credits_from_payment
from billing.payments.queries.deposit_requests import asked_again_without
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.queries.payments import CREDIT, PAYMENT, find_payment
from billing.payments.records.bounces import Bounce, BounceEffects, BounceReason
from billing.payments.records.payments import Payment
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.selects import rows_among


def refunds_of_money(read: Read, payment_id: str) -> Sequence[str]:
    """Ids of the refunds that give money of a payment back, or gave it, by whichever way; oldest first."""
    query = select(RefundRow.id).where(
        RefundRow.state.not_in((RefundState.REJECTED, RefundState.FAILED)),
        or_(RefundRow.payment_id == payment_id, RefundRow.lot_id.in_(credits_brought_by(read, payment_id))),
    )
    return read.session.scalars(query.order_by(RefundRow.id)).all()


def what_a_bounce_does(read: Read, payment_id: str, actor: Actor) -> BounceEffects:
    """Which invoices would owe how much again, how much credit would go, and how much would be asked for
    again as a deposit. Raises: NoSuchPayment."""
    payment, owed = find_payment(read, payment_id, actor), defaultdict[str, Money](lambda: ZERO)
    for invoice_id, amount in _pays_now(read, payment):
        owed[invoice_id] += amount
    return BounceEffects(
        owed_by_invoice={invoice_id: amount for invoice_id, amount in owed.items() if amount},
        withdrawn=total(lot.available for lot in credits_from_payment(read, payment_id)),
        asked_again=asked_again_without(read, payment_id, total(owed.values())),
        refund_ids=refunds_of_money(read, payment_id),
    )


def _pays_now(read: Read, payment: Payment) -> Iterator[tuple[str, Money]]:
    """What the payment covers itself, then what the credit covers that it had become."""
    if payment.invoice_id is not None:
        yield payment.invoice_id, still_applied(read, payment.invoice_id, PAYMENT, payment.id)
    for lot_id in credits_brought_by(read, payment.id):
        for use in applications_of_credit(read, lot_id):
            yield use.invoice_id, still_applied(read, use.invoice_id, CREDIT, use.id)


def bounced_on(read: Read, payment_ids: Collection[str]) -> Mapping[str, date]:
    """By check that bounced, when its bank did not pay it."""
    return {row.payment_id: row.bounced_on for row in rows_among(read, BounceRow, "payment_id", payment_ids)}


def bounce_of(row: BounceRow) -> Bounce:
    return Bounce(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        payment_id=row.payment_id,
        reason=BounceReason(row.reason),
        amount=Money(row.amount_cents),
        owed=Money(row.owed_cents),
        fee=Money(row.fee_cents),
        bounced_on=row.bounced_on,
        recorded_at=row.recorded_at,
    )
