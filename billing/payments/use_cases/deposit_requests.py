"""A deposit that is asked for, so that it can be paid by card, on a reader or by a link."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import TooSmallForCard
from billing.payments.models.deposit_requests import DepositPaymentRow, DepositRequestRow
from billing.payments.queries.checkouts import refuse_standing, standing_checkout
from billing.payments.queries.deposit_requests import (
    asked_of,
    came_for,
    depositor_of,
    deposits_paid_by,
    find_deposit_request,
    request_of,
    was_withdrawn,
)
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import Payment
from billing.payments.rules.tenders import SMALLEST_CARD_PAYMENT
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.deposit_requests import (
    DEPOSIT_REQUEST_MOVES,
    DepositRequestEvent,
    DepositRequestState,
)
from billing.payments.use_cases.refused_debits import end_collecting
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
        refuse_standing(standing_checkout(tx, deposit_request_id=request_id))
        advance(tx, row, DEPOSIT_REQUEST_MOVES, DepositRequestEvent.WITHDRAW, actor=actor, now=now)
        record_audit(tx, actor=actor, action="deposit.withdraw", subject_id=row.id, now=now)
        _end_collecting(tx, row, actor, now)
    return request_of(row)


def take_off_requests(tx: Tx, *, payment: Payment, actor: Actor, now: datetime) -> None:
    """What a patient hands over as a deposit is not asked for by card any more, the oldest request first.

    That goes for a request of any site: the patient owes the deposit once, and the clerk who takes it may
    not see the other site. One whose money is on its way from a bank account is left to that money.
    Raises: CheckoutStands while a page or reader could take it again.
    """
    left = payment.amount
    for asked in asked_of(tx, payment.patient_id, SYSTEM):
        standing = standing_checkout(tx, deposit_request_id=asked.id)
        if not left or (standing and standing.state is CheckoutState.PROCESSING):
            continue
        refuse_standing(standing)
        taken = min(left, asked.open_balance)
        left -= taken
        detail = {"cents": taken.cents}
        record_audit(tx, actor=actor, action="deposit.hand_over", subject_id=asked.id, now=now, detail=detail)
        keep_deposit_paid(tx, request_id=asked.id, payment_id=payment.id, amount=taken, actor=actor, now=now)


def keep_deposit_paid(
    tx: Tx, *, request_id: str, payment_id: str, amount: Money, actor: Actor, now: datetime
) -> None:
    """Money of it came, also when it was withdrawn meanwhile; what exceeds it is a deposit of its own.

    A rest that no card takes is not asked for.
    """
    tx.session.add(_payment_of(request_id, payment_id, amount))
    tx.session.flush()
    row = _counted(tx, request_id)
    if row.state != DepositRequestState.PAID and _is_paid(row):
        advance(tx, row, DEPOSIT_REQUEST_MOVES, DepositRequestEvent.PAY, actor=actor, now=now)
        _end_collecting(tx, row, actor, now)


def ask_for_deposit_again(tx: Tx, *, payment_id: str, owed: Money, actor: Actor, now: datetime) -> None:
    """A check bounced: what it had paid of deposits is asked for as before, by the links that there are.

    What was withdrawn before it was paid is not. What invoices owe again instead, as their money had been
    spent on them, is not asked for twice.
    """
    for paid, part in deposits_paid_by(tx, payment_id):
        if on_invoices := min(owed, part):
            owed -= on_invoices
            tx.session.add(_payment_of(paid.id, None, on_invoices))
            tx.session.flush()
        row = _counted(tx, paid.id)
        if row.state == DepositRequestState.PAID and not _is_paid(row):
            lapsed = was_withdrawn(tx, row.id)
            event = DepositRequestEvent.LAPSE if lapsed else DepositRequestEvent.BOUNCE
            advance(tx, row, DEPOSIT_REQUEST_MOVES, event, actor=actor, now=now)


def _payment_of(request_id: str, payment_id: str | None, amount: Money) -> DepositPaymentRow:
    return DepositPaymentRow(
        id=new_id("dpp"), deposit_request_id=request_id, payment_id=payment_id, amount_cents=amount.cents
    )


def _counted(tx: Tx, request_id: str) -> DepositRequestRow:
    row = tx.session.get_one(DepositRequestRow, request_id)
    row.handed_cents = came_for(tx, request_of(row)).cents
    tx.session.flush()
    return row


def _is_paid(row: DepositRequestRow) -> bool:
    return Money(row.amount_cents - row.handed_cents) < SMALLEST_CARD_PAYMENT


def _end_collecting(tx: Tx, row: DepositRequestRow, actor: Actor, now: datetime) -> None:
    end_collecting(tx, deposit_request_id=row.id, site_id=row.site_id, actor=actor, now=now)
