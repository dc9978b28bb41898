"""A payer demands money back: out of the patient's credit, or owed until a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor
from billing.ledger.queries import least_owed
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import (
    MoreThanAvailable,
    NothingToForgive,
    OwnRefund,
    OwnWriteOff,
    RefundableChanged,
    TakebackKnown,
)
from billing.payments.models.refunds import RefundRow
from billing.payments.models.takebacks import TakebackRow
from billing.payments.queries.credits import credits_of_reimbursement
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.takebacks import (
    entry_of_reimbursement,
    find_claim,
    find_takeback,
    first_day_to_demand,
    forgiven_lately,
    patient_of_claim,
    repaid_lately,
    takeback_of,
    visit_of_claim,
)
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.refunds import Rejection
from billing.payments.records.takebacks import PaidClaim, ShownClaim, Takeback
from billing.payments.rules.refunds import LATELY, needs_second_person
from billing.payments.states.refunds import RefundState
from billing.payments.states.takebacks import TAKEBACK_MOVES, TakebackEvent, TakebackState
from billing.payments.use_cases.cover import TAKEBACK_REVIEW, cover_demands
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.excess import keep_for_payer, share_above
from billing.payments.use_cases.persons import lock_person
from billing.payments.use_cases.rebill import put_on_invoices
from billing.payments.use_cases.refunds import reject_refund
from billing.payments.use_cases.returns import return_to_payer
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, end_tasks

TAKEBACK, TAKEBACK_RETURN = "takeback", "takeback-return"


def demand_takeback(
    tx: Tx,
    *,
    reimbursement_id: str,
    demand: str,
    amount: Money,
    demanded_on: date,
    shown: ShownClaim | None = None,
    actor: Actor,
    now: datetime,
) -> Takeback:
    """Record that a payer wants money of one claim back, under the payer's own number for it.

    What was never the patient's goes first, then what is left of the credit. Room that this makes for what
    another claim of the visit paid is the patient's, after it covered what was spent. The rest the patient
    owes, and a person looks before anybody is billed. `shown` is what the person was shown of the claim.
    Raises: NoSuchReimbursement, BadDay, TakebackKnown, RefundableChanged, MoreThanAvailable.
    """
    patient_id = patient_of_claim(entry_of_reimbursement(tx, reimbursement_id, actor))
    lock_patient(tx, patient_id)
    entry = entry_of_reimbursement(tx, reimbursement_id, actor)
    since = first_day_to_demand(tx, entry)
    refuse_unless_past(tx, entry.site_id, "demanded_on", demanded_on, now, since=since)
    _refuse_known(tx, entry.entity_id, demand)
    _refuse_unless_left(find_claim(tx, reimbursement_id, actor), amount, shown)
    excess = keep_for_payer(tx, reimbursement_id=reimbursement_id, wanted=amount)
    row = TakebackRow(
        id=new_id("tkb"),
        entity_id=entry.entity_id,
        site_id=entry.site_id,
        patient_id=patient_id,
        session_id=visit_of_claim(tx, reimbursement_id),
        reimbursement_id=reimbursement_id,
        demand=demand,
        amount_cents=amount.cents,
        excess_cents=excess.cents,
        unspent_cents=0,
        covered_cents=0,
        billed_cents=0,
        forgiven_cents=0,
        returned_cents=0,
        state=TakebackState.DEMANDED,
        demanded_on=demanded_on,
        demanded_at=now,
        demanded_by_person=actor.person,
    )
    tx.session.add(row)
    tx.session.flush()
    if amount > excess:
        _take_from_patient(tx, row, actor, now)
    _review(tx, row, takeback_of(row).owed, actor, now)
    _audit(tx, row, "takeback.demand", actor, now)
    return takeback_of(row)


def bill_takeback(
    tx: Tx, *, takeback_id: str, shown: Money | None = None, actor: Actor, now: datetime
) -> Takeback:
    """A person looked: the invoices that the money had paid owe it again.

    What had gone to the patient is on no invoice; that stays owed on the demand itself.
    `shown` is what the person was shown as owed.
    Raises: NoSuchTakeback, IllegalMove, RefundableChanged, CheckoutStands.
    """
    row = _locked(tx, takeback_id, actor)
    _refuse_unless_as_shown(takeback_of(row).owed, shown)
    advance(tx, row, TAKEBACK_MOVES, TakebackEvent.BILL, actor=actor, now=now)
    tx.session.flush()
    billed, lines = put_on_invoices(tx, takeback_of(row), actor, now)
    row.billed_cents = billed.cents
    tx.session.flush()
    if billed:
        lines = (*lines, credit(Account.PATIENT_RECEIVABLE, billed, row.patient_id))
        _post(tx, row, "billed", lines, site_date(tx, row.site_id, now), actor, now)
    _end_review(tx, row, actor, now)
    _audit(tx, row, "takeback.bill", actor, now)
    return takeback_of(row)


def forgive_takeback(
    tx: Tx,
    *,
    takeback_id: str,
    limit: Money,
    shown: Money | None = None,
    actor: Actor,
    now: datetime,
) -> Takeback:
    """The clinic bears what the patient would owe. Above `limit` not who recorded the demand decides it.

    Against the limit what a person forgave of their own demands of the last day counts: many small ones are
    a large one.

    `shown` is what the person was shown as owed.
    Raises: NoSuchTakeback, IllegalMove, RefundableChanged, NothingToForgive, OwnWriteOff.
    """
    row = _locked(tx, takeback_id, actor)
    owed = takeback_of(row).owed
    _refuse_unless_as_shown(owed, shown)
    if row.demanded_by_person == actor.person:
        _refuse_above(tx, owed, limit, actor.person, now)
    advance(tx, row, TAKEBACK_MOVES, TakebackEvent.FORGIVE, actor=actor, now=now)
    if not owed:
        raise NothingToForgive("All of it is on invoices of the patient; nothing is owed here.")
    row.forgiven_cents, row.forgiven_by_person, row.forgiven_at = owed.cents, actor.person, now
    lines = (
        debit(Account.CONCESSIONS, owed, row.patient_id),
        credit(Account.PATIENT_RECEIVABLE, owed, row.patient_id),
    )
    _post(tx, row, "forgiven", lines, site_date(tx, row.site_id, now), actor, now)
    _end_review(tx, row, actor, now)
    _audit(tx, row, "takeback.forgive", actor, now)
    return takeback_of(row)


def repay_takeback(
    tx: Tx,
    *,
    takeback_id: str,
    amount: Money,
    repaid_on: date,
    limit: Money,
    shown: Money | None = None,
    actor: Actor,
    now: datetime,
) -> Takeback:
    """The clinic sent the payer its money; `shown` is what the person was shown as repaid before.

    Above `limit` within a day nobody repays alone what they recorded themselves.
    Raises: NoSuchTakeback, RefundableChanged, BadDay, MoreThanAvailable, OwnRefund.
    """
    row = _locked(tx, takeback_id, actor)
    _refuse_unless_as_shown(takeback_of(row).returned, shown)
    refuse_unless_past(tx, row.site_id, "repaid_on", repaid_on, now, since=row.demanded_on)
    if row.demanded_by_person == actor.person:
        lock_person(tx, actor.person)
        if needs_second_person(amount, repaid_lately(tx, actor.person, now - LATELY), limit):
            raise OwnRefund("Somebody else has to repay what you recorded.")
    returned = return_to_payer(tx, row, amount, repaid_on, None, actor, now)
    lines = (
        debit(Account.PAYER_MONEY_TO_RETURN, amount, row.patient_id),
        credit(Account.BANK, amount, row.patient_id),
    )
    source = Source(TAKEBACK_RETURN, returned.id, "repaid")
    post(tx, Posting.of(row, source, repaid_on, lines), actor=actor, now=now)
    _audit(tx, row, "takeback.repay", actor, now)
    return find_takeback(tx, takeback_id, actor)


def _take_from_patient(tx: Tx, row: TakebackRow, actor: Actor, now: datetime) -> None:
    """On the day of the demand, or today if it takes what was not the patient's credit ever since."""
    wanted = takeback_of(row).owed
    own = _credits_to_take_from(tx, row.reimbursement_id, wanted, actor, now)
    shared = share_above(tx, session_id=row.session_id, actor=actor, now=now)
    lots = [*own, *shared]
    unspent = min(wanted, total(lot.available for lot in lots))
    is_all_own = unspent == min(wanted, total(lot.available for lot in own))
    least = least_owed(tx, Account.PATIENT_CREDITS, row.patient_id, since=row.demanded_on)
    on = row.demanded_on if is_all_own and unspent <= least else site_date(tx, row.site_id, now)
    row.unspent_cents = unspent.cents
    _withdraw(tx, lots, row, on, now)
    lines = (
        debit(Account.PATIENT_CREDITS, unspent, row.patient_id),
        debit(Account.PATIENT_RECEIVABLE, wanted - unspent, row.patient_id),
        credit(Account.PAYER_MONEY_TO_RETURN, wanted, row.patient_id),
    )
    _post(tx, row, "demanded", lines, on, actor, now)
    lot_ids = [lot.id for lot in shared]
    cover_demands(tx, session_id=row.session_id, lot_ids=lot_ids, actor=actor, now=now)


def _credits_to_take_from(
    tx: Tx, reimbursement_id: str, amount: Money, actor: Actor, now: datetime
) -> Sequence[CreditLot]:
    """The credit; what only waits for approval is not spent, so the payer's demand comes before it."""
    lots = credits_of_reimbursement(tx, reimbursement_id)
    if total(lot.available for lot in lots) >= amount:
        return lots
    waiting = select(RefundRow.id).where(
        RefundRow.lot_id.in_([lot.id for lot in lots]), RefundRow.state == RefundState.REQUESTED
    )
    for refund_id in tx.session.scalars(waiting).all():
        reject_refund(tx, refund_id=refund_id, reason=Rejection.TAKEN_BACK, actor=actor, now=now)
    return credits_of_reimbursement(tx, reimbursement_id)


def _withdraw(tx: Tx, lots: Sequence[CreditLot], row: TakebackRow, on: date, now: datetime) -> None:
    left = Money(row.unspent_cents)
    for lot in lots:
        amount = min(left, lot.available)
        if amount:
            withdraw(
                tx,
                lot_id=lot.id,
                reason=Withdrawal.TAKEBACK,
                subject_id=row.id,
                amount=amount,
                withdrawn_on=on,
                now=now,
            )
            left = left - amount


def _refuse_known(tx: Tx, entity_id: str, demand: str) -> None:
    """Raises: TakebackKnown."""
    known = select(TakebackRow.id).where(TakebackRow.entity_id == entity_id, TakebackRow.demand == demand)
    if tx.session.scalar(known):
        raise TakebackKnown("A demand of that number was recorded before.")


def _refuse_unless_left(claim: PaidClaim, amount: Money, shown: ShownClaim | None) -> None:
    """The patient is locked. Raises: RefundableChanged, MoreThanAvailable."""
    if shown and not shown.is_still(claim):
        raise RefundableChanged(
            "What is left of this claim changed meanwhile. Look at it again, then decide."
        )
    if amount > claim.left:
        raise MoreThanAvailable("That is more than this claim paid.", available_cents=claim.left.cents)


def _review(tx: Tx, row: TakebackRow, spent: Money, actor: Actor, now: datetime) -> None:
    if not spent:
        advance(tx, row, TAKEBACK_MOVES, TakebackEvent.COVER, actor=actor, now=now)
        return
    ask_a_person(tx, kind=TAKEBACK_REVIEW, about=row, actor=actor, now=now)


def _end_review(tx: Tx, row: TakebackRow, actor: Actor, now: datetime) -> None:
    """What no invoice took is still to be forgiven, so that a person looks as long as it is owed."""
    if not takeback_of(row).owed:
        end_tasks(tx, kind=TAKEBACK_REVIEW, subject_ids=[row.id], actor=actor, now=now)


def _refuse_unless_as_shown(stands: Money, shown: Money | None) -> None:
    """The patient is locked: of two who saw the same, only one acts on it. Raises: RefundableChanged."""
    if shown not in (None, stands):
        raise RefundableChanged("This demand changed meanwhile. Look at it again, then decide.")


def _refuse_above(tx: Tx, owed: Money, limit: Money, person: str, now: datetime) -> None:
    """Raises: OwnWriteOff."""
    lock_person(tx, person)
    if needs_second_person(owed, forgiven_lately(tx, person, now - LATELY), limit):
        raise OwnWriteOff("Somebody else has to forgive what you recorded.")


def _locked(tx: Tx, takeback_id: str, actor: Actor) -> TakebackRow:
    lock_patient(tx, find_takeback(tx, takeback_id, actor).patient_id)
    return tx.session.get_one(TakebackRow, takeback_id)


def _post(
    tx: Tx, row: TakebackRow, purpose: str, lines: tuple[Line, ...], on: date, actor: Actor, now: datetime
) -> None:
    post(tx, Posting.of(row, Source(TAKEBACK, row.id, purpose), on, lines), actor=actor, now=now)


def _audit(tx: Tx, row: TakebackRow, action: str, actor: Actor, now: datetime) -> None:
    detail = {"cents": row.amount_cents}
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now, detail=detail)
