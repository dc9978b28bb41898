"""Giving an amount back to a patient, over as many payments as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.errors import RefundableChanged
from billing.payments.queries.refund_plans import refund_plan_of
from billing.payments.queries.refunds import approved_by_itself, refundable_of
from billing.payments.records.refund_plans import PlacedRefunds, RefundPart
from billing.payments.records.refunds import Refund, RefundReason
from billing.payments.rules.refunds import LATELY, needs_second_person
from billing.payments.use_cases.refund_payment import refund_payment
from billing.platform.data.database import Tx


def refund_patient(
    tx: Tx,
    *,
    patient_id: str,
    amount: Money,
    refundable: Money,
    reason: RefundReason,
    chosen: Sequence[str] | None,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> PlacedRefunds:
    """Ask for a refund of each payment that the plan of an amount names, all or none.

    `refundable` is what the asker was shown. The parts need a second person when the whole does.
    Raises: NoSuchPatient, NoSuchPayment, RefundableChanged, MoreThanAvailable, PaymentDisputed.
    """
    lock_patient(tx, find_patient(tx, patient_id, actor).id)
    found = refund_plan_of(tx, patient_id, actor, chosen=chosen).refundable
    if found != refundable:
        raise RefundableChanged(
            "What can go back to this patient changed. Look at the new plan, then ask again.",
            refundable_cents=found.cents,
        )
    plan = refund_plan_of(tx, patient_id, actor, amount=amount, chosen=chosen)
    lately = approved_by_itself(tx, patient_id, now - LATELY)
    limit = ZERO if needs_second_person(amount, lately, limit) else limit
    return PlacedRefunds(refunds=tuple(_place(tx, part, reason, limit, actor, now) for part in plan.parts))


def _place(
    tx: Tx, part: RefundPart, reason: RefundReason, limit: Money, actor: Actor, now: datetime
) -> Refund:
    return refund_payment(
        tx,
        payment_id=part.payment_id,
        amount=part.amount,
        refundable=refundable_of(tx, part.payment_id, actor).amount,
        reason=reason,
        method=part.method,
        limit=limit,
        actor=actor,
        now=now,
    )
