"""Payments that a bank takes back: what the processor moved, and what a lost one costs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import UnexplainedMoney
from billing.payments.models.disputes import DisputeMovementRow, DisputeRow
from billing.payments.queries.disputes import (
    dispute_of,
    made_good_by,
    taken_twice,
    was_made_good,
    was_reinstated,
    withdrawn_of,
)
from billing.payments.queries.payments import find_payment, payment_of_charge
from billing.payments.queries.reimbursements import reimbursed_beside
from billing.payments.records.disputes import Dispute, DisputeFacts, DisputeMovementFacts
from billing.payments.records.payments import Payment
from billing.payments.rules.reimbursements import held_as
from billing.payments.states.disputes import DISPUTE_MOVES, WANTS_ANSWER, DisputeEvent, DisputeState
from billing.payments.use_cases.dispute_losses import (
    end_waiting_refunds,
    take_loss,
    tell_of_called_off,
)
from billing.payments.use_cases.dispute_recoveries import (
    MORE_THAN_IS_LEFT,
    count_lost,
    keep_made_good,
)
from billing.payments.use_cases.dispute_tasks import ANSWER_AGAIN, ANSWER_DISPUTE, end_asking
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, stands_open

DISPUTE_REVERSED = "dispute-reversed"
REIMBURSED_TOO = "dispute-reimbursed"
"""The task of a person who finds out whose an insurer's money is, now that the patient has paid nothing."""
CATEGORIES = ("dispute", "dispute_reversal")
"""Reporting categories that a dispute's movements may have; another one is a person's to explain."""


def record_dispute(tx: Tx, *, facts: DisputeFacts, actor: Actor, now: datetime) -> Dispute:
    """Record what the processor says of a dispute now: its state, and each movement once.

    Told again, or told late, it changes nothing that is recorded. What a decided dispute did not give back
    is lost.
    Raises: UnexplainedMoney for a charge that is not booked, or a movement of another category.
    """
    payment = _lock_owner(tx, facts.charge_reference)
    row = tx.session.scalar(select(DisputeRow).where(DisputeRow.reference == facts.reference))
    if row is None:
        row = _open(tx, payment, facts, actor, now)
    _follow(tx, row, facts, actor, now)
    for movement in facts.movements:
        _move(tx, row, movement, actor, now)
    _settle(tx, row, actor, now)
    return dispute_of(row)


def _lock_owner(tx: Tx, charge_reference: str) -> Payment:
    """The payment of a charge, its patient locked; while this waited it may have been put right."""
    read = payment_of_charge(tx, charge_reference)
    lock_patient(tx, read.patient_id)
    locked = payment_of_charge(tx, charge_reference)
    return locked if locked.patient_id == read.patient_id else _lock_owner(tx, charge_reference)


def _open(tx: Tx, payment: Payment, facts: DisputeFacts, actor: Actor, now: datetime) -> DisputeRow:
    row = DisputeRow(
        id=new_id("dsp"),
        entity_id=payment.entity_id,
        site_id=payment.site_id,
        patient_id=payment.patient_id,
        payment_id=payment.id,
        reference=facts.reference,
        state=DisputeState.NOTED,
        reason=facts.reason,
        amount_cents=facts.amount.cents,
        lost_cents=0,
        reimbursed_cents=0,
        due_at=facts.due_at,
        opened_at=facts.opened_at,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"cents": facts.amount.cents}
    record_audit(tx, actor=actor, action="dispute.open", subject_id=row.id, now=now, detail=detail)
    return row


def _follow(tx: Tx, row: DisputeRow, facts: DisputeFacts, actor: Actor, now: datetime) -> None:
    """A reading that was overtaken by a later one is no move of the table."""
    before = DisputeState(row.state)
    if (before, facts.told) in DISPUTE_MOVES:
        advance(tx, row, DISPUTE_MOVES, facts.told, actor=actor, now=now)
        row.due_at = facts.due_at
    tx.session.flush()
    if row.state not in WANTS_ANSWER:
        end_asking(tx, dispute_id=row.id, actor=actor, now=now)
    elif facts.told in (DisputeEvent.INQUIRE, DisputeEvent.DISPUTE):
        _ask(tx, row, ANSWER_DISPUTE, actor, now)
        was_asked = stands_open(tx, kind=ANSWER_DISPUTE, subject_id=row.id)
        if before is DisputeState.INQUIRY and row.state == DisputeState.NEEDS_RESPONSE and not was_asked:
            _ask(tx, row, ANSWER_AGAIN, actor, now)


def _move(tx: Tx, row: DisputeRow, facts: DisputeMovementFacts, actor: Actor, now: datetime) -> None:
    known = select(DisputeMovementRow.id).where(DisputeMovementRow.reference == facts.reference)
    if tx.session.scalar(known) is not None:
        return
    if facts.reporting_category not in CATEGORIES:
        raise UnexplainedMoney("The processor moved money for a dispute in a way that is not known here.")
    movement = DisputeMovementRow(
        id=new_id("dmv"),
        dispute_id=row.id,
        reference=facts.reference,
        reporting_category=facts.reporting_category,
        amount_cents=facts.amount.cents,
        fee_cents=facts.fee.cents,
        made_good_cents=made_good_by(tx, dispute_of(row), facts.amount).cents,
        moved_at=facts.moved_at,
    )
    tx.session.add(movement)
    tx.session.flush()
    lines = (
        Line(Account.PROCESSOR_CLEARING, facts.amount - facts.fee),
        Line(Account.DISPUTED, -facts.amount, row.patient_id),
        Line(Account.DISPUTE_FEES, facts.fee),
    )
    source = Source("dispute-movement", movement.id, "moved")
    on = site_date(tx, row.site_id, facts.moved_at)
    post(tx, Posting.of(dispute_of(row), source, on, lines), actor=actor, now=now)
    if movement.made_good_cents:
        keep_made_good(tx, row=row, movement=movement, actor=actor, now=now)


def _settle(tx: Tx, row: DisputeRow, actor: Actor, now: datetime) -> None:
    """What is still away when the bank has decided is lost; a win waits for what it gives back.

    What comes back later and was the patient's waits for a person.
    """
    away = withdrawn_of(tx, row.id)
    if row.lost_cents or was_made_good(tx, row.id):
        if away.cents != row.lost_cents:
            _ask(tx, row, DISPUTE_REVERSED, actor, now)
        return
    decided = row.state == DisputeState.LOST or (row.state == DisputeState.WON and was_reinstated(tx, row.id))
    if not decided or away.cents <= 0:
        return
    called_off = end_waiting_refunds(tx, payment_id=row.payment_id, actor=actor, now=now)
    _lose(tx, row, away, actor, now)
    if taken_twice(tx, row.payment_id):
        _ask(tx, row, MORE_THAN_IS_LEFT, actor, now)
    if row.reimbursed_cents:
        _ask(tx, row, REIMBURSED_TOO, actor, now)
    tell_of_called_off(tx, refund_ids=called_off, actor=actor, now=now)


def _lose(tx: Tx, row: DisputeRow, loss: Money, actor: Actor, now: datetime) -> None:
    """Post where the lost money had been: credit, paid ahead, or income that is gone.

    What had gone back before is nowhere any more: it is the clinic's loss.
    """
    held, ahead = take_loss(tx, dispute=dispute_of(row), loss=loss, actor=actor, now=now)
    count_lost(tx, row=row, loss=loss, actor=actor, now=now)
    row.reimbursed_cents = reimbursed_beside(tx, dispute_of(row)).cents
    lines = (
        debit(held_as(find_payment(tx, row.payment_id, SYSTEM).payer_id), held, row.patient_id),
        debit(Account.DEFERRED_REVENUE, ahead, row.patient_id),
        debit(Account.CHARGEBACK_LOSS, loss - held - ahead, row.patient_id),
        credit(Account.DISPUTED, loss, row.patient_id),
    )
    on = site_date(tx, row.site_id, now)
    post(tx, Posting.of(dispute_of(row), Source("dispute", row.id, "lost"), on, lines), actor=actor, now=now)


def _ask(tx: Tx, row: DisputeRow, kind: str, actor: Actor, now: datetime) -> None:
    ask_a_person(tx, kind=kind, about=row, actor=actor, now=now)
