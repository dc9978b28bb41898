"""What banks took of a payment beside what had gone back of it, and what of that comes back again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select, update

from billing.catalog.queries import site_date
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.models.disputes import DisputeMovementRow, DisputeRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.disputes import dispute_of, lost_of, taken_twice
from billing.payments.records.credits import Withdrawal
from billing.payments.use_cases.credits import withdraw
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import end_tasks

MORE_THAN_IS_LEFT = "dispute-exceeds-payment"


def count_lost(tx: Tx, *, row: DisputeRow, loss: Money, actor: Actor, now: datetime) -> None:
    """What a dispute did not give back, at the dispute and its payment; the patient is locked."""
    row.lost_cents = loss.cents
    tx.session.flush()
    _count_at_payment(tx, row.payment_id)
    detail = {"cents": loss.cents}
    record_audit(tx, actor=actor, action="dispute.lose", subject_id=row.id, now=now, detail=detail)


def keep_made_good(
    tx: Tx, *, row: DisputeRow, movement: DisputeMovementRow, actor: Actor, now: datetime
) -> None:
    """A bank that was told of a refund gives back what had gone back before: that is no loss any more.

    The movement is in the books, and the patient locked.
    """
    amount = Money(movement.made_good_cents)
    row.lost_cents -= amount.cents
    tx.session.flush()
    _count_at_payment(tx, row.payment_id)
    lines = (
        debit(Account.DISPUTED, amount, row.patient_id),
        credit(Account.CHARGEBACK_LOSS, amount, row.patient_id),
    )
    on = site_date(tx, row.site_id, movement.moved_at)
    source = Source("dispute-movement", movement.id, "made-good")
    post(tx, Posting.of(dispute_of(row), source, on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="dispute.make-good", subject_id=row.id, now=now, detail=detail)
    _end_telling(tx, row.payment_id, [row.id], actor, now)


def keep_for_lost(tx: Tx, refund: RefundRow, *, actor: Actor, now: datetime) -> Money:
    """Of a refund that came back the clinic keeps what a bank had taken as well. How much.

    The caller holds the patient's lock, and has put the money back into its credit.
    """
    if refund.payment_id is not None:
        _count_at_payment(tx, refund.payment_id)
    lot, amount = find_credit(tx, refund.lot_id, SYSTEM), Money(refund.amount_cents)
    if lot.origin_payment_id is None:
        return ZERO
    kept = min(amount, taken_twice(tx, lot.origin_payment_id, coming_back=amount))
    if not kept:
        return ZERO
    on = site_date(tx, refund.site_id, now)
    withdraw(
        tx,
        lot_id=lot.id,
        reason=Withdrawal.DISPUTE,
        subject_id=refund.id,
        amount=kept,
        withdrawn_on=on,
        now=now,
    )
    lines = (
        debit(lot.account, kept, refund.patient_id),
        credit(Account.CHARGEBACK_LOSS, kept, refund.patient_id),
    )
    post(tx, Posting.of(refund, Source("refund", refund.id, "lost"), on, lines), actor=actor, now=now)
    _end_telling(tx, lot.origin_payment_id, list(lost_of(tx, lot.origin_payment_id)), actor, now)
    return kept


def _end_telling(tx: Tx, payment_id: str, dispute_ids: Sequence[str], actor: Actor, now: datetime) -> None:
    """Nobody has to tell the bank once nothing is paid twice."""
    if not taken_twice(tx, payment_id):
        end_tasks(tx, kind=MORE_THAN_IS_LEFT, subject_ids=dispute_ids, actor=actor, now=now)


def _count_at_payment(tx: Tx, payment_id: str) -> None:
    """A payment counts as lost what banks kept of it, at most what was not given back to it."""
    lost = select(func.sum(DisputeRow.lost_cents)).where(DisputeRow.payment_id == payment_id)
    kept = func.coalesce(lost.scalar_subquery(), 0)
    left = PaymentRow.amount_cents - PaymentRow.refunded_cents
    tx.session.execute(
        update(PaymentRow)
        .where(PaymentRow.id == payment_id)
        .values(lost_cents=case((kept < left, kept), else_=left))
    )
