"""What insurers pay the clinic for sessions that patients paid."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from billing.care.queries import coverage_of, find_session
from billing.care.records import REFUNDED, Session
from billing.catalog.queries import site_date
from billing.invoices.queries import open_invoices_of_session
from billing.invoices.records import (
    SettledPart,
)
from billing.invoices.rules import settling_lines
from billing.invoices.use_cases.settle import settle
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.errors import AlreadyPosted
from billing.ledger.queries import was_posted
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.payments import REIMBURSEMENT, paid_by_patient
from billing.payments.queries.refunds import HAS_LEFT_UNBOOKED
from billing.payments.queries.reimbursements import is_missing_money, kept_of_insurers
from billing.payments.records.credits import CreditSource, Reimbursement
from billing.payments.records.refunds import Rejection
from billing.payments.rules.reimbursements import share_reimbursement
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.choices import choose_as_ever
from billing.payments.use_cases.cover import cover_demands
from billing.payments.use_cases.credits import open_lot
from billing.payments.use_cases.excess import keep_excess
from billing.payments.use_cases.refunds import reject_refund
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def hold_reimbursement(
    tx: Tx,
    *,
    session_id: str,
    amount: Money,
    source_id: str,
    received_on: date,
    withheld: tuple[Line, ...] = (),
    actor: Actor,
    now: datetime,
) -> Reimbursement:
    """Take in what an insurer paid the clinic for one session.

    What the patient still owes for the session is settled first; the rest is held for the patient, up to
    what the patient paid, and covers what they owe on demands of the session; what exceeds that is owed to
    the payer. A refund of the session that nobody approved yet is refused first: the money was the patient's
    until then. One that was made in the processor's dashboard has left, and stays. `source_id` (the claim of
    the remittance) is posted once.
    `withheld` are the debits of what the payer kept of it for other debts.
    Raises: NoSuchSession, AlreadyPosted.
    """
    session = find_session(tx, session_id, SYSTEM)
    lock_patient(tx, session.patient_id)
    if was_posted(tx, source_kind=REIMBURSEMENT, source_id=source_id, purpose="received"):
        raise AlreadyPosted("This claim's payment was posted before. Nothing was posted again.")
    _refuse_waiting_refunds(tx, session_id, now)
    session = find_session(tx, session_id, SYSTEM)  # as it is under the lock
    settled, held, excess = _shared(tx, session, amount, now)
    parts = _settle_session(tx, session_id, settled, source_id, actor, now)
    lot_id = _open(tx, session, held, source_id, received_on, now) if held else None
    if excess:
        keep_excess(tx, session, reimbursement_id=source_id, amount=excess)
    lines = (
        debit(Account.BANK, amount - total(line.amount for line in withheld), session.patient_id),
        *withheld,
        *settling_lines(parts, session.patient_id),
        credit(Account.PATIENT_CREDITS, held, session.patient_id),
        credit(Account.PAYER_MONEY_TO_RETURN, excess, session.patient_id),
    )
    source = Source(REIMBURSEMENT, source_id, "received")
    post(tx, Posting.of(session, source, received_on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="reimbursement.hold", subject_id=source_id, now=now, detail=detail)
    if lot_id:
        cover_demands(tx, session_id=session_id, lot_ids=[lot_id], actor=actor, now=now)
    return Reimbursement(settled=settled, credit=held, excess=excess, lot_id=lot_id)


def _shared(tx: Tx, session: Session, amount: Money, now: datetime) -> tuple[Money, Money, Money]:
    """What it settles, what is the patient's and what goes back.

    Money that left in the dashboard and is in no book makes nothing of it the patient's, yet settles as ever.
    """
    kept = kept_of_insurers(tx, session.id)
    owed, paid = (session.due or ZERO) - session.covered, paid_by_patient(tx, session.id, now)
    settled, _, _ = share_reimbursement(amount, owed=owed, paid=paid, reimbursed=kept)
    there = ZERO if is_missing_money(tx, session) else paid
    _, held, excess = share_reimbursement(amount - settled, owed=ZERO, paid=there, reimbursed=kept)
    return settled, held, excess


def _open(tx: Tx, session: Session, held: Money, source_id: str, received_on: date, now: datetime) -> str:
    lot = open_lot(
        tx,
        session,
        source=CreditSource.REIMBURSEMENT,
        source_id=source_id,
        amount=held,
        held_on=received_on,
        session_id=session.id,
    )
    booked_on = site_date(tx, session.site_id, now)
    if booked_on > received_on:
        tx.session.get_one(CreditLotRow, lot.id).reopened_on = booked_on
        tx.session.flush()
    choose_as_ever(tx, lot, now)
    return lot.id


def _refuse_waiting_refunds(tx: Tx, session_id: str, now: datetime) -> None:
    """What they took of the session covers it again, and counts as paid."""
    taken_by = [part.source_id for part in coverage_of(tx, session_id) if part.source_kind == REFUNDED]
    if not taken_by:
        return
    waiting = select(RefundRow.id).where(
        RefundRow.id.in_(taken_by), RefundRow.state == RefundState.REQUESTED, ~HAS_LEFT_UNBOOKED
    )
    for refund_id in tx.session.scalars(waiting).all():
        reject_refund(tx, refund_id=refund_id, reason=Rejection.TAKEN_BACK, actor=SYSTEM, now=now)


def _settle_session(
    tx: Tx, session_id: str, amount: Money, source_id: str, actor: Actor, now: datetime
) -> tuple[SettledPart, ...]:
    """Settle what one session still owes; `settle` would begin with the earliest of its invoice."""
    parts: list[SettledPart] = []
    left = amount
    for invoice in open_invoices_of_session(tx, session_id) if amount else ():
        part = min(left, invoice.open_balance)
        if part:
            parts.extend(
                settle(
                    tx,
                    invoice_id=invoice.id,
                    source_kind=REIMBURSEMENT,
                    source_id=source_id,
                    amount=part,
                    only_session_id=session_id,
                    actor=actor,
                    now=now,
                ).parts
            )
            left = left - part
    return tuple(parts)
