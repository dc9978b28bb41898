"""A refund of a payment of ours that somebody made in the processor's dashboard."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import UnexplainedMoney
from billing.payments.queries.disputes import payment_of_charge
from billing.payments.queries.refunds import refund_by_reference, refundable_of
from billing.payments.records.refunds import Refund, RefundMethod, RefundReason
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import keep_sent
from billing.platform.data.database import Tx


def book_foreign_refund(
    tx: Tx,
    *,
    charge_reference: str,
    reference: str,
    amount: Money,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Book it as if it had been asked for here: the same sources, limits and refusals. It is sent already.

    Raises: UnexplainedMoney for a charge that is not booked, and for what needs a second person; whatever
    keeps a refund of ours from being asked for.
    """
    if known := refund_by_reference(tx, reference):
        return known
    payment = payment_of_charge(tx, charge_reference)
    asked = refund_payment(
        tx,
        payment_id=payment.id,
        amount=amount,
        refundable=refundable_of(tx, payment.id, actor).amount,
        reason=RefundReason.OTHER,
        method=RefundMethod.CARD,
        limit=limit,
        actor=actor,
        now=now,
    )
    if asked.state is not RefundState.APPROVED:
        raise UnexplainedMoney("A refund above the limit was made in the processor's dashboard.")
    return keep_sent(tx, refund_id=asked.id, reference=reference, actor=actor, now=now)
