"""A deposit that is asked for, so that it can be paid by card, on a reader or by a link."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import TooSmallForCard
from billing.payments.models.deposit_requests import DepositRequestRow
from billing.payments.queries.checkouts import refuse_standing, standing_deposit
from billing.payments.queries.deposit_requests import (
    asked_of,
    depositor_of,
    find_deposit_request,
    request_of,
)
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.rules import SMALLEST_CARD_PAYMENT
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.deposit_requests import (
    DEPOSIT_REQUEST_MOVES,
    DepositRequestEvent,
    DepositRequestState,
)
from billing.payments.use_cases.refused_debits import end_collecting_deposit
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def ask_for_deposit(
    tx: Tx, *, patient_id: str, amount: Money, site_id: str | None, actor: Actor, now: datetime
) -> DepositRequest:
    """Ask a patient for a deposit at a site, or at their own without one. Nothing is posted.

    Raises: NoSuchPatient, AccountOnHold, NoSuchSite, TooSmallForCard.
    """
    lock_patient(tx, find_patient(tx, patient_id, actor).id)
    refuse_while_on_hold(tx, patient_id)
    if amount < SMALLEST_CARD_PAYMENT:
        raise TooSmallForCard(f"A card takes no less than {SMALLEST_CARD_PAYMENT}. Take it at the desk.")
    depositor = depositor_of(tx, patient_id, site_id, actor)
    row = DepositRequestRow(
        id=new_id("dpr"),
        entity_id=depositor.entity_id,
        site_id=depositor.site_id,
        patient_id=depositor.patient_id,
        amount_cents=amount.cents,
        state=DepositRequestState.ASKED,
        asked_by=actor.id,
        asked_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="deposit.ask", subject_id=row.id, now=now, detail=detail)
    return request_of(row)


def withdraw_deposit_request(tx: Tx, *, request_id: str, actor: Actor, now: datetime) -> DepositRequest:
    """It is not asked for any more; told again, it changes nothing.

    Raises: NoSuchDepositRequest, CheckoutStands, IllegalMove when it is paid.
    """
    lock_patient(tx, find_deposit_request(tx, request_id, actor).patient_id)
    row = tx.session.get_one(DepositRequestRow, request_id)
    if row.state != DepositRequestState.WITHDRAWN:
        refuse_standing(standing_deposit(tx, request_id))
        advance(tx, row, DEPOSIT_REQUEST_MOVES, DepositRequestEvent.WITHDRAW, actor=actor, now=now)
        record_audit(tx, actor=actor, action="deposit.withdraw", subject_id=row.id, now=now)
        end_collecting_deposit(tx, deposit=request_of(row), actor=actor, now=now)
    return request_of(row)


def take_off_requests(tx: Tx, *, patient_id: str, amount: Money, actor: Actor, now: datetime) -> None:
    """What a patient hands over as a deposit is not asked for by card any more, the oldest request first.

    That goes for a request of any site: the patient owes the deposit once, and the clerk who takes it may
    not see the other site. One whose money is on its way from a bank account is left to that money.
    Raises: CheckoutStands while a page or reader could take it again.
    """
    for asked in asked_of(tx, patient_id, SYSTEM):
        standing = standing_deposit(tx, asked.id)
        if not amount or (standing and standing.state is CheckoutState.PROCESSING):
            continue
        refuse_standing(standing)
        taken = min(amount, asked.open_balance)
        amount -= taken
        _take_off(tx, asked, taken, actor, now)


def _take_off(tx: Tx, asked: DepositRequest, taken: Money, actor: Actor, now: datetime) -> None:
    row = tx.session.get_one(DepositRequestRow, asked.id)
    row.handed_cents += taken.cents
    tx.session.flush()
    detail = {"cents": taken.cents}
    record_audit(tx, actor=actor, action="deposit.hand_over", subject_id=row.id, now=now, detail=detail)
    if asked.open_balance - taken < SMALLEST_CARD_PAYMENT:
        keep_deposit_paid(tx, request_id=row.id, actor=actor, now=now)


def keep_deposit_paid(tx: Tx, *, request_id: str, actor: Actor, now: datetime) -> None:
    """Its money came, also when it was withdrawn meanwhile; a second payment is a deposit of its own."""
    row = tx.session.get_one(DepositRequestRow, request_id)
    if row.state != DepositRequestState.PAID:
        advance(tx, row, DEPOSIT_REQUEST_MOVES, DepositRequestEvent.PAY, actor=actor, now=now)
        end_collecting_deposit(tx, deposit=request_of(row), actor=actor, now=now)
