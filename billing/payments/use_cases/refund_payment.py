"""Giving back a payment, or part of it, from wherever its money is."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.payments.errors import MoreThanAvailable, RefundableChanged
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.disputes import refuse_while_disputed
from billing.payments.queries.payments import find_payment
from billing.payments.queries.refunds import refundable_of
from billing.payments.records.refunds import Refund, RefundMethod, RefundReason
from billing.payments.rules.refunds import take_in_order
from billing.payments.use_cases.refund_sources import gather
from billing.payments.use_cases.refunds import place_refund
from billing.platform.data.database import Tx


def refund_payment(
    tx: Tx,
    *,
    payment_id: str,
    amount: Money,
    refundable: Money,
    reason: RefundReason,
    method: RefundMethod | None,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Ask for an amount of a payment to be given back; `refundable` is what the asker was shown.

    Without a method it goes back to the card that paid, or by check when none did. Approval is as for any
    refund. Raises: NoSuchPayment, PaymentDisputed, RefundableChanged, MoreThanAvailable, RefundTargetMissing.
    """
    lock_patient(tx, find_payment(tx, payment_id, actor).patient_id)
    refuse_while_disputed(tx, find_payment(tx, payment_id, actor).patient_id)
    payment, found = find_payment(tx, payment_id, actor), refundable_of(tx, payment_id, actor)
    if found.amount != refundable:
        raise RefundableChanged(
            "What can go back of this payment changed. Look at the new amount, then ask again.",
            refundable_cents=found.amount.cents,
        )
    if amount > found.amount:
        raise MoreThanAvailable(
            "Less than that can go back of this payment.", available_cents=found.amount.cents
        )
    refund_id = new_id("ref")
    sources = take_in_order(found.sources, amount)
    lot = gather(tx, payment, refund_id=refund_id, sources=sources, actor=actor, now=now)
    return place_refund(
        tx,
        lot,
        refund_id=refund_id,
        amount=amount,
        payment_id=payment_id,
        method=method or _as_it_came(tx, payment_id),
        reason=reason,
        limit=limit,
        actor=actor,
        now=now,
    )


def _as_it_came(tx: Tx, payment_id: str) -> RefundMethod:
    by_card = tx.session.get_one(PaymentRow, payment_id).charge_reference is not None
    return RefundMethod.CARD if by_card else RefundMethod.CHECK
