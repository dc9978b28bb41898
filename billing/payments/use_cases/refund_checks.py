"""Checks that refunds went out by: written, cashed, left uncashed, voided and written once more."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from billing.kernel.clock import day_in_words
from billing.kernel.errors import IllegalMove
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, credit, debit
from billing.payments.errors import (
    CheckCashed,
    CheckNumberUsed,
    CheckVoided,
    OwnRefund,
    RefundTargetMissing,
)
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.disputes import refuse_while_disputed, taken_twice
from billing.payments.queries.refund_checks import (
    VOIDED_CHECK_PAID,
    paid_though_voided,
    refuse_while_paid_twice,
    uncashed_for,
    voided_checks_of,
)
from billing.payments.queries.refunds import refund_of
from billing.payments.records.refunds import Refund, RefundMethod
from billing.payments.states.refunds import REFUND_MOVES, RefundEvent, RefundState
from billing.payments.use_cases.refunds import (
    audit_refund,
    fail_refund,
    keep_sent,
    lock_refund,
    post_refund,
    succeed_refund,
)
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, ask_again, end_tasks

CHECK_UNCASHED, CHECK_VOIDED = "check-uncashed", "check-voided"
WENT_OUT = frozenset({RefundState.SENT, RefundState.SUCCEEDED})


def send_check(tx: Tx, *, refund_id: str, check_number: str, actor: Actor, now: datetime) -> Refund:
    """Record the check that was written for an approved refund.

    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card, CheckNumberUsed, OwnRefund for who
    voided a check of this money before, VoidedCheckPaid, PaymentDisputed, IllegalMove.
    """
    row = _locked_check(tx, refund_id, actor)
    _refuse_used_number(tx, row, f"check {check_number}")
    refuse_while_disputed(tx, row.patient_id)
    refuse_while_paid_twice(tx, row.lot_id)
    _refuse_who_voided(tx, row, actor)
    keep_sent(tx, refund_id=refund_id, reference=f"check {check_number}", actor=actor, now=now)
    end_tasks(tx, kind=CHECK_VOIDED, subject_ids=[refund_id], actor=actor, now=now)
    return succeed_refund(tx, refund_id=refund_id, actor=actor, now=now)


def void_check(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """The check is lost, too old, or was never written; told again, it changes nothing.

    What had gone out is owed as before, by a refund of its own that waits for another check; unless a bank
    took its money as well. Of a check that was never written the money is held as credit.
    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card, CheckCashed, VoidedCheckPaid,
    IllegalMove.
    """
    row = _locked_check(tx, refund_id, actor)
    if row.cashed_on is not None:
        raise CheckCashed(f"The bank paid {row.reference} on {day_in_words(row.cashed_on)}.")
    if row.state not in WENT_OUT:
        refuse_while_paid_twice(tx, row.lot_id)
        end_tasks(tx, kind=CHECK_VOIDED, subject_ids=[refund_id], actor=actor, now=now)
        return fail_refund(tx, refund_id=refund_id, actor=actor, now=now)
    advance(tx, row, REFUND_MOVES, RefundEvent.FAIL, actor=actor, now=now)
    row.voided_by_person = actor.person
    amount = Money(row.amount_cents)
    lines = (
        debit(Account.BANK, amount, row.patient_id),
        credit(Account.REFUNDS_PAYABLE, amount, row.patient_id),
    )
    post_refund(tx, row, "failed", lines, actor, now)
    audit_refund(tx, row, "refund.void-check", actor, now)
    end_tasks(tx, kind=CHECK_UNCASHED, subject_ids=[refund_id], actor=actor, now=now)
    owed = _owe_again(tx, row, actor, now)
    paid = find_credit(tx, row.lot_id, SYSTEM).origin_payment_id
    if paid is not None and taken_twice(tx, paid):
        fail_refund(tx, refund_id=owed.id, actor=actor, now=now)
    else:
        ask_a_person(tx, kind=CHECK_VOIDED, about=owed, actor=actor, now=now)
    return refund_of(row)


def cash_check(tx: Tx, *, refund_id: str, cashed_on: date, actor: Actor, now: datetime) -> Refund:
    """The bank paid the check; told again with the same day, it changes nothing.

    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card, CheckVoided, CheckCashed when another
    day was recorded or it settled what was owed again, BadDay, IllegalMove for a check that did not go
    out.
    """
    row = _locked_check(tx, refund_id, actor)
    if row.voided_by_person is not None:
        _refuse_settled(tx, row)
        raise CheckVoided("This check was voided, so the bank should not have paid it. A person has to look.")
    if row.state not in WENT_OUT or row.refunded_on is None:
        raise IllegalMove("No check went out for this refund.")
    if row.cashed_on == cashed_on:
        return refund_of(row)
    if row.cashed_on is not None:
        raise CheckCashed(f"It is recorded as paid by the bank on {day_in_words(row.cashed_on)}.")
    refuse_unless_past(tx, row.site_id, "cashed_on", cashed_on, now, since=row.refunded_on)
    row.cashed_on = cashed_on
    tx.session.flush()
    audit_refund(tx, row, "refund.cash-check", actor, now)
    return refund_of(row)


def take_back_cashing(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """It was recorded by mistake that the bank paid a check: nobody cashed it yet.

    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card, IllegalMove when it is not recorded.
    """
    row = _locked_check(tx, refund_id, actor)
    if row.cashed_on is None:
        raise IllegalMove("It is not recorded that the bank paid this check.")
    if any(row.reference == _settled_by(voided) for voided in voided_checks_of(tx, row.lot_id)):
        raise IllegalMove("No check was written for this: a voided one settled it, which the bank paid.")
    row.cashed_on = None
    tx.session.flush()
    audit_refund(tx, row, "refund.take-back-cashing", actor, now)
    return refund_of(row)


def ask_about_paid_check(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> None:
    """The bank paid a check that had been voided: until a person looked, the money does not go out again.

    A bank may pay it once more after somebody looked: then a person is asked again.
    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card.
    """
    row = _locked_check(tx, refund_id, actor)
    ask_again(tx, kind=VOIDED_CHECK_PAID, about=row, actor=actor, now=now)


def settle_by_voided_check(tx: Tx, *, refund_id: str, actor: Actor, now: datetime) -> Refund:
    """What was owed again is paid: by the voided check, which the bank paid after all.

    `refund_id` is the refund that waits for another check. The tasks that ask a person to look, and to
    write that check, are done.
    Raises: NoSuchRefund, RefundTargetMissing for a refund to a card, IllegalMove.
    """
    row = _locked_check(tx, refund_id, actor)
    reported = paid_though_voided(tx, row.lot_id)
    if not reported:
        raise IllegalMove("Nobody reported that the bank paid a voided check of this money.")
    voided = next((each for each in reported if each.amount_cents == row.amount_cents), None)
    if voided is None:
        paid = Money(reported[0].amount_cents)
        raise IllegalMove(f"The bank paid {paid}: ask for a refund of that by check, and settle that one.")
    keep_sent(tx, refund_id=refund_id, reference=_settled_by(voided), actor=actor, now=now)
    row.cashed_on = row.refunded_on
    end_tasks(tx, kind=VOIDED_CHECK_PAID, subject_ids=[voided.id], actor=actor, now=now)
    end_tasks(tx, kind=CHECK_VOIDED, subject_ids=[refund_id], actor=actor, now=now)
    return succeed_refund(tx, refund_id=refund_id, actor=actor, now=now)


def move_unclaimed(tx: Tx, *, refund_id: str, event: RefundEvent, actor: Actor, now: datetime) -> Refund:
    """A refund that nobody takes is set aside for the state, or its owner claims it and it waits as before.

    Who records that posts it. Raises: VoidedCheckPaid, IllegalMove.
    """
    row = _locked_check(tx, refund_id, actor)
    refuse_while_paid_twice(tx, row.lot_id)
    advance(tx, row, REFUND_MOVES, event, actor=actor, now=now)
    tx.session.flush()
    audit_refund(tx, row, f"refund.{event.replace('_', '-')}", actor, now)
    return refund_of(row)


def ask_about_uncashed_checks(tx: Tx, *, after: timedelta, actor: Actor, now: datetime) -> int:
    """A task for each check that has been out for so long; how many there are.

    Source: UCC 4-404, a bank need not pay a check more than six months after its date.
    """
    checks = uncashed_for(tx, after, now)
    for check in checks:
        ask_a_person(tx, kind=CHECK_UNCASHED, about=check, actor=actor, now=now)
    return len(checks)


def _settled_by(voided: RefundRow) -> str:
    """How a refund names the check that paid it after all."""
    return f"{voided.reference}, paid though voided"


def _refuse_settled(tx: Tx, voided: RefundRow) -> None:
    """That the bank paid it is in the books: what was owed again went out by it. Raises: CheckCashed."""
    if _goes_by(tx, voided, _settled_by(voided)):
        raise CheckCashed(
            f"{voided.reference} settled what was owed again. The books say that the bank paid it."
        )


def _owe_again(tx: Tx, voided: RefundRow, actor: Actor, now: datetime) -> RefundRow:
    """A refund of the same money that was decided before, so that nobody has to ask or approve anew."""
    row = RefundRow(
        id=new_id("ref"),
        entity_id=voided.entity_id,
        site_id=voided.site_id,
        patient_id=voided.patient_id,
        lot_id=voided.lot_id,
        payment_id=voided.payment_id,
        payer_id=voided.payer_id,
        method=RefundMethod.CHECK,
        reason=voided.reason,
        amount_cents=voided.amount_cents,
        state=RefundState.REQUESTED,
        requested_by=voided.requested_by,
        requested_by_person=voided.requested_by_person,
        requested_at=voided.requested_at,
        approved_by=voided.approved_by,
        approved_by_person=voided.approved_by_person,
        approved_at=voided.approved_at,
        replaces_id=voided.id,
    )
    tx.session.add(row)
    tx.session.flush()
    advance(tx, row, REFUND_MOVES, RefundEvent.APPROVE, actor=SYSTEM, now=now)
    audit_refund(tx, row, "refund.owe-again", actor, now)
    return row


def _refuse_who_voided(tx: Tx, row: RefundRow, actor: Actor) -> None:
    """Nobody voids a check and writes the next one of its money.

    That is the one which it replaces; of what was called off and asked for anew nobody can tell which, so
    that whoever voided any of the money is refused. Raises: OwnRefund.
    """
    if row.replaces_id is None:
        before = voided_checks_of(tx, row.lot_id)
    else:
        before = [tx.session.get_one(RefundRow, row.replaces_id)]
    if any(each.voided_by_person == actor.person for each in before):
        raise OwnRefund("You voided the check before. Somebody else has to write the next one.")


def _locked_check(tx: Tx, refund_id: str, actor: Actor) -> RefundRow:
    """Raises: NoSuchRefund, RefundTargetMissing."""
    row = lock_refund(tx, refund_id, actor)
    if row.method != RefundMethod.CHECK:
        raise RefundTargetMissing(
            "This refund goes to a card; the processor sends it and says what became of it."
        )
    return row


def _refuse_used_number(tx: Tx, row: RefundRow, reference: str) -> None:
    """Raises: CheckNumberUsed."""
    if _goes_by(tx, row, reference):
        raise CheckNumberUsed("A check of this number went out before. Look at the number again.")


def _goes_by(tx: Tx, row: RefundRow, reference: str) -> bool:
    """Whether another refund of the same legal entity went out so."""
    other = select(RefundRow.id).where(
        RefundRow.entity_id == row.entity_id,
        RefundRow.method == RefundMethod.CHECK,
        RefundRow.reference == reference,
        RefundRow.id != row.id,
    )
    return tx.session.scalar(other.limit(1)) is not None
