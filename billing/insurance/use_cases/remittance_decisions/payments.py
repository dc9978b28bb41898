"""What people say of a whole payment: that it is ours, another one, of that day, or none of these books."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.errors import PaymentDayToCome, RemittanceNotParked
from billing.insurance.queries import remittance_of
from billing.insurance.queries.payees import called_ours_with, payee_of
from billing.insurance.queries.payment_days import is_day_to_come
from billing.insurance.records import Remittance
from billing.insurance.records.remittances import DecisionKind
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent, RemittanceState
from billing.insurance.use_cases.parked_remittances import end_waiting
from billing.insurance.use_cases.remittance_decisions.keeping import (
    content_kept,
    decide,
    locked,
    look,
    parked,
)
from billing.insurance.use_cases.remittances.posting import RESUME_REMITTANCES
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance


def look_again(tx: Tx, *, remittance_id: str, actor: Actor, now: datetime) -> Remittance:
    """Post a parked remittance if its reason is gone, as sending its file again does.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = parked(tx, remittance_id, actor)
    return look(tx, row, content_kept(tx, row), actor, now)


def call_distinct(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that it is another payment than a posted one of the same number, and look at it again.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    decide(tx, row, DecisionKind.DISTINCT, reason, actor, now)
    return look(tx, row, content, actor, now)


def call_payee_ours(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that the payee is the clinic, by a former or a group's number; it holds for later payments, too.

    Others that wait for the same payee are looked at again by the worker.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    payee = payee_of(content.transaction)
    decide(tx, row, DecisionKind.OURS, reason, actor, now, more={"payee": payee})
    tx.session.flush()
    if called_ours_with(tx, row.id):
        payload = {"remittance_id": row.id}
        enqueue(tx, kind=RESUME_REMITTANCES, key=new_id("rdc"), payload=payload, due_at=now)
    return look(tx, row, content, actor, now)


def call_day_right(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that the day of a payment is right, long ago or before the visit; it is booked today.

    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept; PaymentDayToCome.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    if is_day_to_come(tx, row.entity_id, row.paid_on, now):
        raise PaymentDayToCome(
            f"The payment says that it was paid on {row.paid_on}, which is still to come. It is posted when "
            "that day is near. If the year is wrong, ask the payer for a corrected one and set this aside."
        )
    decide(tx, row, DecisionKind.RIGHT_DAY, reason, actor, now)
    return look(tx, row, content, actor, now)


def set_aside(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Say that a parked remittance is not for these books. Nothing is posted, now or when it is sent again.

    Raises: NoSuchRemittance, RemittanceNotParked.
    """
    row = parked(tx, remittance_id, actor)
    decide(tx, row, DecisionKind.SET_ASIDE, reason, actor, now)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.PUT_ASIDE, actor=actor, now=now)
    end_waiting(tx, row, actor=actor, now=now)
    return remittance_of(tx, row)


def put_back(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Have one that was set aside wait again, and look at it at once.

    Raises: NoSuchRemittance, RemittanceNotKept; RemittanceNotParked when it was not set aside.
    """
    row = locked(tx, remittance_id, actor)
    if row.state != RemittanceState.PUT_ASIDE:
        raise RemittanceNotParked("It is not set aside. Look at it again.")
    content = content_kept(tx, row)
    decide(tx, row, DecisionKind.PUT_BACK, reason, actor, now)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.PUT_BACK, actor=actor, now=now)
    return look(tx, row, content, actor, now)
