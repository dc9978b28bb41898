"""Reads for a refund over several payments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.disputes import disputed_payments
from billing.payments.queries.refunds import cards_gone, refundable_of
from billing.payments.records.payments import Tender
from billing.payments.records.refund_plans import PaymentLeft, RefundPlan
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.refunds import goes_back_by, plan_refund
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def refund_plan_of(
    read: Read,
    patient_id: str,
    actor: Actor,
    *,
    amount: Money | None = None,
    chosen: Sequence[str] | None = None,
) -> RefundPlan:
    """From which payments an amount goes back, or all that can, and how.

    Raises: NoSuchPatient, NoSuchPayment, MoreThanAvailable, PaymentDisputed.
    """
    find_patient(read, patient_id, actor)
    return plan_refund(amount, _payments_left(read, patient_id, actor), chosen)


def _payments_left(read: Read, patient_id: str, actor: Actor) -> list[PaymentLeft]:
    disputed = disputed_payments(read, patient_id)
    query = select(PaymentRow).where(PaymentRow.patient_id == patient_id, *within_reach(actor, PaymentRow))
    rows = read.session.scalars(query).all()
    gone = cards_gone(read, [row.id for row in rows])
    return [
        PaymentLeft(
            payment_id=row.id,
            payer_id=row.payer_id,
            method=RefundMethod.CHECK if row.id in gone else goes_back_by(Tender(row.tender)),
            received_at=row.received_at,
            refundable=refundable_of(read, row.id, actor).amount,
            is_disputed=row.id in disputed,
        )
        for row in rows
    ]
