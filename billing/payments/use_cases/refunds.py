"""Giving money back: asked for, approved, sent, and what the processor or the bank made of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select, update

from billing.catalog.queries import site_date
from billing.kernel.errors import IllegalMove
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import (
    MoreThanAvailable,
    NoSuchRefund,
    OwnRefund,
    RefundableChanged,
    RefundNotElected,
    RefundTargetMissing,
)
from billing.payments.models.payments import PaymentRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.disputes import refuse_while_disputed
from billing.payments.queries.payments import find_payment
from billing.payments.queries.reconciliation import exceptions_of, listed_at
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.queries.refunds import approved_by_itself, refund_of
from billing.payments.queries.unknowns import first_called_at
from billing.payments.records.credits import CreditLot, Election
from billing.payments.records.refunds import Refund, RefundMethod, RefundReason, Rejection
from billing.payments.rules.refunds import LATELY, needs_second_person
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import REFUND_MOVES, RefundEvent, RefundState
from billing.payments.use_cases.credit_tasks import REFUND_FAILED, end_asking_about_held
from billing.payments.use_cases.credits import CHOICE_DUE, ask_about_refused, give_back, spend
from billing.payments.use_cases.dispute_recoveries import keep_for_lost
from billing.payments.use_cases.excess import share_again
from billing.payments.use_cases.receipts import issue_refund_receipt
from billing.payments.use_cases.refund_sources import restore
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, ask_again, end_tasks

SEND_REFUND = "send-refund"
REFUND_WAITS = "refund-waits"
"""The task of a person who approves or rejects what has waited for long."""
WAITS_LONG = timedelta(days=30)
CHECK_TO_CALL_OFF = (
    "This refund is approved, and cannot be refused. Its check is not written yet: "
    "`POST /api/v1/refunds/<id>/void-check` calls it off, as its page does."
)
LANDS_ON = {RefundMethod.CARD: Account.PROCESSOR_CLEARING, RefundMethod.CHECK: Account.BANK}


def request_refund(
    tx: Tx,
    *,
    lot_id: str,
    amount: Money,
    payment_id: str | None,
    limit: Money,
    actor: Actor,
    now: datetime,
    available: Money | None = None,
) -> Refund:
    """Ask for a credit to be given back: to the card of `payment_id`, or without one by check.

    `available` is what the asker was shown as left of the credit, if it was shown.

    The amount is set aside at once. It is approved by itself up to `limit`, against which the patient's
    other refunds of a day count that approved themselves.
    Raises: NoSuchCredit, RefundableChanged, RefundNotElected, NoSuchPayment, MoreThanAvailable,
    RefundTargetMissing, PaymentDisputed.
    """
    lot = _locked_lot(tx, lot_id, actor)
    if available is not None and available != lot.available:
        raise RefundableChanged(
            "What is left of this credit changed. Look at the new amount, then ask again.",
            available_cents=lot.available.cents,
        )
    return place_refund(
        tx,
        lot,
        refund_id=new_id("ref"),
        amount=amount,
        payment_id=payment_id,
        method=RefundMethod.CHECK if payment_id is None else RefundMethod.CARD,
        reason=None,
        limit=limit,
        actor=actor,
        now=now,
    )


def place_refund(
    tx: Tx,
    lot: CreditLot,
    *,
    refund_id: str,
    amount: Money,
    payment_id: str | None,
    method: RefundMethod,
    reason: RefundReason | None,
    limit: Money,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Set a credit's amount aside, at its payment also, and approve it if it may be; the patient is locked.

    A voided check of it that the bank paid holds it; by check it is asked for all the same, to be settled.
    Raises: NoSuchPayment, MoreThanAvailable, RefundTargetMissing, PaymentDisputed, VoidedCheckPaid.
    """
    refuse_while_disputed(tx, lot.patient_id)
    if method is RefundMethod.CARD:
        refuse_while_paid_twice(tx, lot.id)
    if payment_id is not None:
        _set_aside_at_payment(tx, lot, payment_id, method, amount, actor)
    spend(tx, lot_id=lot.id, amount=amount)
    lately = approved_by_itself(tx, lot.patient_id, now - LATELY)
    row = RefundRow(
        id=refund_id,
        entity_id=lot.entity_id,
        site_id=lot.site_id,
        patient_id=lot.patient_id,
        lot_id=lot.id,
        payment_id=payment_id,
        payer_id=lot.payer_id,
        method=method,
        reason=reason,
        amount_cents=amount.cents,
        state=RefundState.REQUESTED,
        requested_by=actor.id,
        requested_by_person=actor.person,
        requested_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    end_tasks(tx, kind=CHOICE_DUE, subject_ids=[lot.id], actor=actor, now=now)
    audit_refund(tx, row, "refund.request", actor, now)
    if not needs_second_person(amount, lately, limit):
        _approve(tx, row, SYSTEM, now)
    return refund_of(row)


def approve_refund(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """Approve what somebody else asked for. A card is sent at once; a check is held when it is written.

    Raises: NoSuchRefund, OwnRefund, PaymentDisputed, VoidedCheckPaid for a card, IllegalMove.
    """
    row = lock_refund(tx, refund_id, actor)
    refuse_while_disputed(tx, row.patient_id)
    if row.method == RefundMethod.CARD:
        refuse_while_paid_twice(tx, row.lot_id)
    if row.requested_by_person == actor.person:
        raise OwnRefund("Somebody else has to approve what you asked for.")
    _approve(tx, row, actor, now)
    return refund_of(row)


def reject_refund(
    tx: Tx, *, refund_id: str, reason: Rejection | None = None, actor: Actor, now: datetime
) -> Refund:
    """Put the amount back where it was; who asked is told why.

    Without a reason, who asked for it withdraws it, and anybody else has another one than the list knows.
    What was made in the processor's dashboard has left all the same: this one lets go of its id, so that it
    can be asked for anew, and the task about it stands until then, also when somebody had closed it. Once it
    came back, what an insurer paid meanwhile is shared anew.
    Raises: NoSuchRefund, IllegalMove, which says of an approved check how it is called off.
    """
    row = lock_refund(tx, refund_id, actor)
    if (row.state, row.method) == (RefundState.APPROVED, RefundMethod.CHECK):
        raise IllegalMove(CHECK_TO_CALL_OFF, state=RefundState.APPROVED.value, event=RefundEvent.REJECT.value)
    advance(tx, row, REFUND_MOVES, RefundEvent.REJECT, actor=actor, now=now)
    is_own = row.requested_by_person == actor.person
    end_tasks(tx, kind=REFUND_WAITS, subject_ids=[row.id], actor=actor, now=now)
    row.rejected_for = reason or (Rejection.WITHDRAWN if is_own else Rejection.OTHER)
    row.refused_reference, row.reference = row.reference, None
    lost = _put_back(tx, row, actor, now)
    restored = () if lost else restore(tx, row, actor=actor, now=now)
    ask_about_refused(tx, lot_id=row.lot_id, actor=actor, now=now)
    audit_refund(tx, row, "refund.reject", actor, now)
    if row.refused_reference is not None:
        missing = (
            () if reason is Rejection.CAME_BACK else exceptions_of(tx, row.refused_reference, is_open=True)
        )
        for named in missing:
            ask_again(tx, kind=named.kind, about=named, actor=actor, now=now)
        if not missing:
            share_again(tx, session_ids=restored, actor=actor, now=now)
    return refund_of(row)


def ask_about_waiting_refunds(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """A task for each refund that has waited so long for a second person; how many there are.

    Closed while it still waits, it comes again as long after.
    """
    since = now - WAITS_LONG
    waiting = select(RefundRow).where(
        RefundRow.state == RefundState.REQUESTED, RefundRow.requested_at <= since
    )
    rows = tx.session.scalars(waiting.order_by(RefundRow.id)).all()
    for row in rows:
        ask_again(tx, kind=REFUND_WAITS, about=row, closed_before=since, actor=actor, now=now)
    return len(rows)


def keep_sent(tx: Tx, *, refund_id: str, reference: str, actor: Actor, now: datetime) -> Refund:
    """The processor accepted the refund, or the check is in the post: the liability is paid.

    `reference` is the processor's id or the number of the check. What the processor lists already, as it
    does what was made in its dashboard, left on the day that it lists, and anything else leaves today.
    Raises: NoSuchRefund, IllegalMove.
    """
    row = lock_refund(tx, refund_id, actor)
    if row.state != RefundState.APPROVED and row.reference == reference:
        return refund_of(row)
    advance(tx, row, REFUND_MOVES, RefundEvent.SEND, actor=actor, now=now)
    left_at = listed_at(tx, reference) or now
    row.reference, row.refunded_on = reference, site_date(tx, row.site_id, left_at)
    amount, lands_on = Money(row.amount_cents), LANDS_ON[RefundMethod(row.method)]
    lines = (debit(Account.REFUNDS_PAYABLE, amount, row.patient_id), credit(lands_on, amount, row.patient_id))
    post_refund(tx, row, "sent", lines, actor, now, on=row.refunded_on)
    audit_refund(tx, row, "refund.send", actor, now)
    sent = refund_of(row)
    issue_refund_receipt(tx, sent, find_credit(tx, row.lot_id, SYSTEM), now)
    return sent


def call_refund(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> None:
    """Keep the moment from which on a call to the processor may be on its way; later ones change nothing."""
    row = lock_refund(tx, refund_id, actor)
    if first_called_at(tx, refund_id) is None:
        advance(tx, row, REFUND_MOVES, RefundEvent.CALL, actor=actor, now=now)


def succeed_refund(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """The money arrived, as far as the processor knows. Told again, it changes nothing."""
    row = lock_refund(tx, refund_id, actor)
    if row.state != RefundState.SUCCEEDED:
        advance(tx, row, REFUND_MOVES, RefundEvent.SUCCEED, actor=actor, now=now)
    return refund_of(row)


def fail_refund(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """The money came back, or never left: it is held for who paid it. Told again, changes nothing.

    Nobody is asked to send again what a bank took.
    """
    row = lock_refund(tx, refund_id, actor)
    if row.state == RefundState.FAILED:
        return refund_of(row)
    if hold_again(tx, row, actor, now).cents == row.amount_cents:
        row.rejected_for = Rejection.DISPUTE_LOST
        tx.session.flush()
    else:
        ask_a_person(tx, kind=REFUND_FAILED, about=row, actor=actor, now=now)
    return refund_of(row)


def hold_again(tx: Tx, row: RefundRow, actor: Actor, now: datetime) -> Money:
    """A refund fails, and its money is held for who paid it; its patient is locked.

    How much of it is not, because a bank took it before.
    """
    was_sent = row.state != RefundState.APPROVED
    advance(tx, row, REFUND_MOVES, RefundEvent.FAIL, actor=actor, now=now)
    amount, lands_on = Money(row.amount_cents), LANDS_ON[RefundMethod(row.method)]
    if was_sent:
        back = (
            debit(lands_on, amount, row.patient_id),
            credit(Account.REFUNDS_PAYABLE, amount, row.patient_id),
        )
        post_refund(tx, row, "failed", back, actor, now)
    held = (
        debit(Account.REFUNDS_PAYABLE, amount, row.patient_id),
        credit(_account_of(tx, row), amount, row.patient_id),
    )
    post_refund(tx, row, "held-again", held, actor, now)
    lost = _put_back(tx, row, actor, now)
    audit_refund(tx, row, "refund.fail", actor, now)
    return lost


def _approve(tx: Tx, row: RefundRow, actor: Actor, now: datetime) -> None:
    advance(tx, row, REFUND_MOVES, RefundEvent.APPROVE, actor=actor, now=now)
    end_tasks(tx, kind=REFUND_WAITS, subject_ids=[row.id], actor=actor, now=now)
    row.approved_by, row.approved_by_person, row.approved_at = actor.id, actor.person, now
    amount = Money(row.amount_cents)
    lines = (
        debit(_account_of(tx, row), amount, row.patient_id),
        credit(Account.REFUNDS_PAYABLE, amount, row.patient_id),
    )
    post_refund(tx, row, "approved", lines, actor, now)
    end_asking_about_held(tx, find_credit(tx, row.lot_id, SYSTEM), actor=actor, now=now)
    if row.method == RefundMethod.CARD:
        enqueue(tx, kind=SEND_REFUND, key=row.id, payload={"refund_id": row.id}, due_at=now)
    audit_refund(tx, row, "refund.approve", actor, now)


def _set_aside_at_payment(
    tx: Tx, lot: CreditLot, payment_id: str, method: RefundMethod, amount: Money, actor: Actor
) -> None:
    """Raises: NoSuchPayment; RefundTargetMissing, also for another patient's; MoreThanAvailable."""
    payment = find_payment(tx, payment_id, actor)
    row = tx.session.get_one(PaymentRow, payment_id)
    is_of_one = (payment.patient_id, payment.payer_id) == (lot.patient_id, lot.payer_id)
    is_theirs = is_of_one and payment.state is PaymentState.RECEIVED
    if not is_theirs or (method is RefundMethod.CARD and row.charge_reference is None):
        raise RefundTargetMissing("Name a card payment of who paid this, or none for a check.")
    left = tx.session.scalar(
        update(PaymentRow)
        .where(
            PaymentRow.id == payment_id,
            PaymentRow.amount_cents - PaymentRow.refunded_cents - PaymentRow.lost_cents >= amount.cents,
        )
        .values(refunded_cents=PaymentRow.refunded_cents + amount.cents)
        .returning(PaymentRow.refunded_cents)
    )
    if left is None:
        available = (payment.amount - payment.refunded - payment.lost).cents
        raise MoreThanAvailable("Less than that can go back to this payment.", available_cents=available)


def _account_of(tx: Tx, row: RefundRow) -> Account:
    """Where the money stood, and stands again when it does not arrive."""
    return find_credit(tx, row.lot_id, SYSTEM).account


def _put_back(tx: Tx, row: RefundRow, actor: Actor, now: datetime) -> Money:
    """What a bank took of it stays with the clinic: how much."""
    give_back(tx, lot_id=row.lot_id, amount=Money(row.amount_cents))
    if row.payment_id is not None:
        tx.session.execute(
            update(PaymentRow)
            .where(PaymentRow.id == row.payment_id)
            .values(refunded_cents=PaymentRow.refunded_cents - row.amount_cents)
        )
    return keep_for_lost(tx, row, actor=actor, now=now)


def _locked_lot(tx: Tx, lot_id: str, actor: Actor) -> CreditLot:
    """Raises: NoSuchCredit; RefundNotElected when the patient chose otherwise."""
    lock_patient(tx, find_credit(tx, lot_id, actor).patient_id)
    lot = find_credit(tx, lot_id, actor)
    if lot.elected_at is not None and lot.election is Election.CREDIT:
        raise RefundNotElected("The patient chose credit for this. Record the choice of a refund first.")
    return lot


def lock_refund(tx: Tx, refund_id: str, actor: Actor) -> RefundRow:
    """The row of a refund whose patient is locked. Raises: NoSuchRefund."""
    owner = tx.session.execute(
        select(RefundRow.patient_id, RefundRow.entity_id, RefundRow.site_id).where(RefundRow.id == refund_id)
    ).first()
    if owner is None or not actor.sees(entity_id=owner.entity_id, site_id=owner.site_id):
        raise NoSuchRefund("There is no such refund.")
    lock_patient(tx, owner.patient_id)
    return tx.session.get_one(RefundRow, refund_id)


def post_refund(
    tx: Tx,
    row: RefundRow,
    purpose: str,
    lines: tuple[Line, ...],
    actor: Actor,
    now: datetime,
    on: date | None = None,
) -> None:
    """Book a step of a refund, on its site's day of now unless it was on another one."""
    effective_on = on or site_date(tx, row.site_id, now)
    post(tx, Posting.of(row, Source("refund", row.id, purpose), effective_on, lines), actor=actor, now=now)


def audit_refund(tx: Tx, row: RefundRow, action: str, actor: Actor, now: datetime) -> None:
    """Who did what with how much."""
    detail = {"cents": row.amount_cents}
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now, detail=detail)
