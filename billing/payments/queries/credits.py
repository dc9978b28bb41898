"""Reads of credits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from billing.catalog.queries import site_dates
from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.patients.queries import is_on_hold
from billing.payments.errors import NoSuchApplication, NoSuchCredit
from billing.payments.models.credits import (
    CreditApplicationRow,
    CreditLotRow,
    CreditReversalRow,
    CreditWithdrawalRow,
)
from billing.payments.models.reimbursements import ExcessShareRow
from billing.payments.queries.reach import seen
from billing.payments.queries.refund_checks import paid_twice_among
from billing.payments.records.credits import (
    AppliedCredits,
    Chooser,
    CreditApplication,
    CreditBalance,
    CreditLot,
    CreditSource,
    Election,
    SourceBalance,
    Withdrawal,
)
from billing.payments.rules.tenders import SMALLEST_CARD_PAYMENT
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import rows_among, rows_where

TAKEN_BACK = (Withdrawal.TAKEBACK, Withdrawal.COVERED, Withdrawal.BILLED)
"""Why an insurer's money leaves the credit that it had become."""


def find_credit(read: Read, lot_id: str, actor: Actor) -> CreditLot:
    """Raises: NoSuchCredit."""
    row = seen(read.session.get(CreditLotRow, lot_id), actor, NoSuchCredit("There is no such credit."))
    return lot_of(row)


def credits_of_patient(read: Read, patient_id: str, actor: Actor) -> Sequence[CreditLot]:
    """The credits of a patient that the actor may know of, oldest first."""
    query = (
        select(CreditLotRow)
        .where(CreditLotRow.patient_id == patient_id, *within_reach(actor, CreditLotRow))
        .order_by(CreditLotRow.held_on, CreditLotRow.id)
    )
    return [lot_of(row) for row in read.session.scalars(query)]


def credits_from_payment(read: Read, payment_id: str) -> Sequence[CreditLot]:
    """The credits that one payment brought, and of which something is left, oldest first."""
    query = (
        select(CreditLotRow)
        .where(CreditLotRow.origin_payment_id == payment_id, CreditLotRow.available_cents > 0)
        .order_by(CreditLotRow.id)
    )
    return [lot_of(row) for row in read.session.scalars(query)]


def held_for_payer(read: Read, payer_id: str, actor: Actor) -> Money:
    """What is left, at the actor's sites, of another payer's money that paid nothing."""
    query = select(func.sum(CreditLotRow.available_cents)).where(CreditLotRow.payer_id == payer_id)
    return Money(int(read.session.scalar(query.where(*within_reach(actor, CreditLotRow))) or 0))


def credits_of_reimbursement(read: Read, reimbursement_id: str) -> Sequence[CreditLot]:
    """What an insurer's money became of the patient's credit, when it came and later, oldest first."""
    shared = select(ExcessShareRow.id).where(ExcessShareRow.excess_id == reimbursement_id)
    query = select(CreditLotRow).where(
        CreditLotRow.source == CreditSource.REIMBURSEMENT,
        (CreditLotRow.source_id == reimbursement_id) | CreditLotRow.source_id.in_(shared),
    )
    return [lot_of(row) for row in read.session.scalars(query.order_by(CreditLotRow.id))]


def reimbursements_to_use(read: Read, session_id: str) -> Sequence[CreditLot]:
    """What is left as the patient's credit of insurers' money for one session, and may pay what it owes.

    While charges are stopped none: what a bankrupt patient is owed and what they owe are two things. Nor what
    may have been paid already, by a voided check that a person looks at.
    """
    query = (
        select(CreditLotRow)
        .where(
            CreditLotRow.session_id == session_id,
            CreditLotRow.source == CreditSource.REIMBURSEMENT,
            CreditLotRow.available_cents > 0,
        )
        .order_by(CreditLotRow.id)
    )
    lots = [lot_of(row) for row in read.session.scalars(query)]
    paid = paid_twice_among(read, [lot.id for lot in lots]) if lots else ()
    return [lot for lot in lots if lot.id not in paid and not is_on_hold(read, lot.patient_id)]


def applications_of_credit(read: Read, lot_id: str) -> tuple[CreditApplication, ...]:
    """What invoices took of one credit, oldest first."""
    query = select(CreditApplicationRow).where(CreditApplicationRow.lot_id == lot_id)
    return _applications(read, query.order_by(CreditApplicationRow.id))


def paid_for_with_credit(read: Read, application_ids: Collection[str]) -> Mapping[str, str]:
    """By what invoices took of credits, the payment that the credit came of, where it came of one."""
    query = (
        select(CreditApplicationRow.id, CreditLotRow.origin_payment_id)
        .join(CreditLotRow, CreditLotRow.id == CreditApplicationRow.lot_id)
        .where(CreditApplicationRow.id.in_(application_ids), CreditLotRow.origin_payment_id.is_not(None))
    )
    return {str(used): str(origin) for used, origin in read.session.execute(query)} if application_ids else {}


def uses_of_credit(read: Read, application_ids: Collection[str]) -> Mapping[str, tuple[datetime, CreditLot]]:
    """When each came off its invoice, and the credit that it came of, at whichever site that is held.

    What paid a bill is of the bill: the caller knows of that.
    """
    query = (
        select(CreditApplicationRow.id, CreditApplicationRow.applied_at, CreditLotRow)
        .join(CreditLotRow, CreditLotRow.id == CreditApplicationRow.lot_id)
        .where(CreditApplicationRow.id.in_(application_ids))
    )
    return {use_id: (at, lot_of(row)) for use_id, at, row in read.session.execute(query)}


def elected_credits(read: Read, patient_id: str) -> Sequence[CreditLot]:
    """Credits that go off the next invoice, oldest first.

    Not what may have been paid already, by a voided check that a person looks at.
    """
    elected = credits_to_come_off(read, patient_id)
    paid = paid_twice_among(read, [lot.id for lot in elected]) if elected else ()
    return [lot for lot in elected if lot.id not in paid]


def credits_to_come_off(read: Read, patient_id: str) -> Sequence[CreditLot]:
    """What the patient wants off the next invoice, whether or not it may come off now; oldest first."""
    lots = [lot_of(row) for row in rows_where(read, CreditLotRow, patient_id=patient_id)]
    elected = [
        lot for lot in lots if lot.available and lot.election is Election.CREDIT and lot.payer_id is None
    ]
    return sorted(elected, key=lambda lot: (lot.held_on, lot.id))


def credit_coming_off(read: Read, invoice: Invoice) -> Money:
    """What of the patient's elected credits comes off an invoice before a card is charged: none on hold.

    All of it, or as much as leaves the card what a card takes: the rest stays credit.
    """
    if is_on_hold(read, invoice.patient_id):
        return ZERO
    held = total(lot.available for lot in elected_credits(read, invoice.patient_id))
    if held >= invoice.open_balance:
        return invoice.open_balance
    return max(ZERO, min(held, invoice.open_balance - SMALLEST_CARD_PAYMENT))


def find_application(read: Read, application_id: str, actor: Actor) -> CreditApplication:
    """Raises: NoSuchApplication."""
    row = read.session.get(CreditApplicationRow, application_id)
    missing = NoSuchApplication("There is no such use of a credit.")
    if row is None:
        raise missing
    seen(read.session.get_one(CreditLotRow, row.lot_id), actor, missing)
    return application_of(row, undone_of(read, [row.id]).get(row.id, ZERO))


def credit_lent_to(read: Read, checkout_id: str) -> Sequence[CreditApplication]:
    """What came off an invoice for an attempt to pay by card."""
    query = select(CreditApplicationRow).where(CreditApplicationRow.checkout_id == checkout_id)
    rows = read.session.scalars(query.order_by(CreditApplicationRow.id)).all()
    undone = undone_of(read, [row.id for row in rows])
    return [application_of(row, undone.get(row.id, ZERO)) for row in rows]


def credit_balance(read: Read, patient_id: str, actor: Actor) -> CreditBalance:
    """What is held for a patient, where it came from, and which invoices took of it.

    Money that another payer gave is listed and is not the patient's balance.
    """
    lots = credits_of_patient(read, patient_id, actor)
    query = (
        select(CreditApplicationRow)
        .where(CreditApplicationRow.lot_id.in_([lot.id for lot in lots]))
        .order_by(CreditApplicationRow.id)
    )
    own = [lot for lot in lots if lot.payer_id is None]
    sources = tuple(
        SourceBalance(source=source, available=total(lot.available for lot in own if lot.source is source))
        for source in CreditSource
        if any(lot.source is source for lot in own)
    )
    return CreditBalance(
        available=total(lot.available for lot in own),
        sources=sources,
        items=tuple(lots),
        applications=_applications(read, query),
    )


def undone_of(read: Read, application_ids: Sequence[str]) -> dict[str, Money]:
    """How much of each use of a credit came off its invoice again."""
    query = (
        select(CreditReversalRow.application_id, func.sum(CreditReversalRow.amount_cents))
        .where(CreditReversalRow.application_id.in_(application_ids))
        .group_by(CreditReversalRow.application_id)
    )
    return {application_id: Money(int(cents)) for application_id, cents in read.session.execute(query)}


def _applications(read: Read, query: Select[CreditApplicationRow]) -> tuple[CreditApplication, ...]:
    rows = read.session.scalars(query).all()
    undone = undone_of(read, [row.id for row in rows])
    return tuple(application_of(row, undone.get(row.id, ZERO)) for row in rows)


def applied_to(read: Read, invoice_id: str, actor: Actor) -> AppliedCredits:
    """The credits that an invoice took, oldest first. Raises: NoSuchInvoice."""
    find_invoice(read, invoice_id, actor)
    query = (
        select(CreditApplicationRow)
        .where(CreditApplicationRow.invoice_id == invoice_id)
        .order_by(CreditApplicationRow.id)
    )
    taken = _applications(read, query)
    return AppliedCredits(
        invoice_id=invoice_id, amount=total(each.amount - each.undone for each in taken), applications=taken
    )


def reimbursed_for_session(read: Read, session_id: str) -> Money:
    """What insurers gave the patient for one session so far, less what they took out of it again."""
    theirs = (CreditLotRow.session_id == session_id, CreditLotRow.source == CreditSource.REIMBURSEMENT)
    given = read.session.scalar(select(func.sum(CreditLotRow.amount_cents)).where(*theirs))
    if given is None:
        return ZERO
    gone = read.session.scalar(
        select(func.sum(CreditWithdrawalRow.amount_cents))
        .join(CreditLotRow, CreditLotRow.id == CreditWithdrawalRow.lot_id)
        .where(*theirs, CreditWithdrawalRow.reason.in_(TAKEN_BACK))
    )
    return Money(int(given) - int(gone or 0))


def taken_back_of(read: Read, lots: Mapping[str, CreditLot]) -> Mapping[str, Sequence[tuple[date, Money]]]:
    """By credit that an insurer's money was, what the insurer took out of it again on which day."""
    query = (
        select(CreditWithdrawalRow)
        .where(CreditWithdrawalRow.lot_id.in_(lots), CreditWithdrawalRow.reason.in_(TAKEN_BACK))
        .order_by(CreditWithdrawalRow.id)
    )
    rows = read.session.scalars(query).all()
    undated = [row for row in rows if row.withdrawn_on is None]
    days = site_dates(read, [(lots[row.lot_id].site_id, row.withdrawn_at) for row in undated])
    of_undated = {row.id: on for row, on in zip(undated, days, strict=True)}
    found: dict[str, list[tuple[date, Money]]] = defaultdict(list)
    for row in rows:
        found[row.lot_id].append((row.withdrawn_on or of_undated[row.id], Money(row.amount_cents)))
    return found


def undone_on(read: Read, application_ids: Collection[str]) -> Mapping[str, Sequence[tuple[date, Money]]]:
    """By use of a credit, how much of it came off its invoice again on which day."""
    found: dict[str, list[tuple[date, Money]]] = defaultdict(list)
    for row in rows_among(read, CreditReversalRow, "application_id", application_ids):
        found[row.application_id].append((row.reversed_on, Money(row.amount_cents)))
    return found


def lot_of(row: Any) -> CreditLot:
    return CreditLot(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        source=CreditSource(row.source),
        source_id=row.source_id,
        session_id=row.session_id,
        origin_payment_id=row.origin_payment_id,
        payer_id=row.payer_id,
        amount=Money(row.amount_cents),
        available=Money(row.available_cents),
        election=Election(row.election) if row.election else None,
        elected_at=row.elected_at,
        elected_by=Chooser(row.elected_by) if row.elected_by else None,
        held_on=row.held_on,
        reopened_on=row.reopened_on,
    )


def application_of(row: CreditApplicationRow, undone: Money = ZERO) -> CreditApplication:
    return CreditApplication(
        id=row.id,
        lot_id=row.lot_id,
        invoice_id=row.invoice_id,
        amount=Money(row.amount_cents),
        undone=undone,
        applied_at=row.applied_at,
    )
