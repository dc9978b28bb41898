"""What insurers paid above what the patient had paid, shared anew when the patient's money is back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from billing.care.queries import find_session
from billing.care.records import Session
from billing.catalog.queries import site_date
from billing.invoices.queries import open_invoices_of_session
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.models.reimbursements import ExcessShareRow, ReimbursementExcessRow
from billing.payments.queries.credits import find_credit, reimbursements_to_use
from billing.payments.queries.payments import payment_of_charge
from billing.payments.queries.reconciliation import given_back_by_hand
from billing.payments.queries.refunds import WHENEVER
from billing.payments.queries.reimbursements import (
    kept_of_insurers,
    paid_and_not_missing,
    sessions_of_payment,
)
from billing.payments.queries.takebacks import LEFT_ABOVE
from billing.payments.records.credits import CreditLot, CreditSource
from billing.payments.records.reconciliation import NamedException
from billing.payments.rules.reimbursements import share_reimbursement
from billing.payments.use_cases.choices import choose_as_ever
from billing.payments.use_cases.cover import cover_demands
from billing.payments.use_cases.credits import apply_lot, open_lot
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

EXCESS_SHARE = "excess-share"


def keep_excess(tx: Tx, of: Session, *, reimbursement_id: str, amount: Money) -> None:
    """Keep what of a claim is owed to its payer; the caller posts it."""
    row = ReimbursementExcessRow(
        id=reimbursement_id,
        entity_id=of.entity_id,
        site_id=of.site_id,
        patient_id=of.patient_id,
        session_id=of.id,
        amount_cents=amount.cents,
        shared_cents=0,
        demanded_cents=0,
    )
    tx.session.add(row)
    tx.session.flush()


def keep_for_payer(tx: Tx, *, reimbursement_id: str, wanted: Money) -> Money:
    """As much of what its payer wants back of a claim as was never the patient's; it never will be."""
    row = tx.session.get(ReimbursementExcessRow, reimbursement_id, populate_existing=True)
    if row is None:
        return ZERO
    amount = min(wanted, _left(row))
    row.demanded_cents += amount.cents
    tx.session.flush()
    return amount


def share_again(tx: Tx, *, session_ids: Iterable[str], actor: Actor, now: datetime) -> None:
    """Money of the patient is back on these visits, or they cost more: there is room for what was above.

    As when an insurer pays, it settles what the visit owes, then covers what the patient owes on demands.
    The patient is locked.
    """
    for session_id in session_ids:
        lot_ids = [lot.id for lot in share_above(tx, session_id=session_id, actor=actor, now=now)]
        use_reimbursements(tx, session_ids=[session_id], actor=actor, now=now)
        cover_demands(tx, session_id=session_id, lot_ids=lot_ids, actor=actor, now=now)


def use_reimbursements(tx: Tx, *, session_ids: Iterable[str], actor: Actor, now: datetime) -> None:
    """What insurers paid for visits that owe comes off them, as far as it is still credit.

    Had nobody paid, it would have settled them at once, each the visit that it was paid for. A visit of a
    stopped package owes on two invoices. The patient is locked.
    """
    for session_id in session_ids:
        for lot in reimbursements_to_use(tx, session_id):
            for invoice in open_invoices_of_session(tx, session_id):
                visit = find_session(tx, session_id, SYSTEM)
                owed = min((visit.due or ZERO) - visit.covered, invoice.open_balance)
                if amount := min(owed, find_credit(tx, lot.id, SYSTEM).available):
                    apply_lot(tx, lot, invoice.id, amount, actor, now, only_session_id=session_id)


def share_above(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> Sequence[CreditLot]:
    """What insurers paid above is the patient's up to what they paid and owe, the earlier claims first.

    The caller has it cover what is owed on demands. The patient is locked.
    """
    lots = []
    for row in _above(tx, session_id):
        visit = find_session(tx, session_id, SYSTEM)
        _, patients, _ = share_reimbursement(
            _left(row),
            owed=ZERO,
            paid=paid_and_not_missing(tx, visit, WHENEVER) + (visit.due or ZERO) - visit.covered,
            reimbursed=kept_of_insurers(tx, session_id),
        )
        if patients:
            lots.append(_share(tx, row, patients, actor, now))
    return lots


def share_what_came_back(tx: Tx, *, gone: Sequence[NamedException], actor: Actor, now: datetime) -> None:
    """What the dashboard gave back is back, or booked: nobody needs to wait for it any more.

    What was booked has its sources taken, so that it is not paid any more; while another one of the same
    visit is gone and not booked, nothing of it counts as paid, until that one ends.
    """
    given_back = [found for named in gone if (found := given_back_by_hand(tx, named))]
    payments = [payment_of_charge(tx, charge) for charge, _ in given_back]
    for payment in sorted(payments, key=lambda each: each.patient_id):
        lock_patient(tx, payment.patient_id)
        share_again(tx, session_ids=sessions_of_payment(tx, payment), actor=actor, now=now)


def _above(tx: Tx, session_id: str) -> Sequence[ReimbursementExcessRow]:
    above = select(ReimbursementExcessRow).where(
        ReimbursementExcessRow.session_id == session_id,
        LEFT_ABOVE > 0,
    )
    return tx.session.scalars(above.order_by(ReimbursementExcessRow.id)).all()


def _left(row: ReimbursementExcessRow) -> Money:
    return Money(row.amount_cents - row.shared_cents - row.demanded_cents)


def _share(tx: Tx, row: ReimbursementExcessRow, amount: Money, actor: Actor, now: datetime) -> CreditLot:
    on = site_date(tx, row.site_id, now)
    share = ExcessShareRow(
        id=new_id("rsh"), excess_id=row.id, amount_cents=amount.cents, shared_on=on, shared_at=now
    )
    row.shared_cents += amount.cents
    tx.session.add(share)
    tx.session.flush()
    lot = open_lot(
        tx,
        row,
        source=CreditSource.REIMBURSEMENT,
        source_id=share.id,
        amount=amount,
        held_on=on,
        session_id=row.session_id,
    )
    lines = (
        debit(Account.PAYER_MONEY_TO_RETURN, amount, row.patient_id),
        credit(Account.PATIENT_CREDITS, amount, row.patient_id),
    )
    post(tx, Posting.of(row, Source(EXCESS_SHARE, share.id, "shared"), on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="reimbursement.share", subject_id=row.id, now=now, detail=detail)
    choose_as_ever(tx, lot, now)
    return lot
