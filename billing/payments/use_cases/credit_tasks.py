"""What people are asked to do about money that is held, and when nobody has to any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.kernel.permissions import Actor
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import credits_from_payment
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.records.credits import CreditLot
from billing.payments.records.payments import Payment
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_a_person, end_tasks

NOT_OWED = "charge-not-owed"
"""The task of a person who asks who paid whether to give back what was not owed any more."""
REFUND_FAILED = "refund-failed"
"""The task of a person who sends it again, by check or another way."""


def ask_about_excess(tx: Tx, payment: Payment, *, actor: Actor, now: datetime) -> None:
    """A charge is asked for what is owed: what is held of it was called off, or paid in another way."""
    if credits_from_payment(tx, payment.id):
        ask_a_person(tx, kind=NOT_OWED, about=payment, actor=actor, now=now)


def end_asking_about_held(tx: Tx, lot: CreditLot, *, actor: Actor, now: datetime) -> None:
    """Nobody has to find a way for money that went one: into an invoice, or a refund that is approved.

    A refund of it that waits for approval may still be rejected, and the money is held again.
    """
    paid = lot.origin_payment_id
    lots = [lot.id] if paid is None else credits_brought_by(tx, paid)
    waits = select(RefundRow.id).where(RefundRow.lot_id.in_(lots), RefundRow.state == RefundState.REQUESTED)
    if tx.session.scalar(waits.limit(1)) is not None:
        return
    if paid is not None and not credits_from_payment(tx, paid):
        end_tasks(tx, kind=NOT_OWED, subject_ids=[paid], actor=actor, now=now)
    sent_again = (
        select(RefundRow.id)
        .join(CreditLotRow, CreditLotRow.id == RefundRow.lot_id)
        .where(
            CreditLotRow.id.in_(lots),
            CreditLotRow.available_cents == 0,
            RefundRow.state == RefundState.FAILED,
        )
    )
    failed = tx.session.scalars(sent_again).all()
    if failed:
        end_tasks(tx, kind=REFUND_FAILED, subject_ids=failed, actor=actor, now=now)
