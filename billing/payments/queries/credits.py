"""Reads of credits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import (
    NoSuchCredit,
)
from billing.payments.models.credits import CreditApplicationRow, CreditLotRow
from billing.payments.queries.reach import seen
from billing.payments.records.credits import (
    AppliedCredits,
    CreditApplication,
    CreditLot,
    CreditSource,
    Election,
)
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


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


def elected_credits(read: Read, patient_id: str) -> Sequence[CreditLot]:
    """Credits that go off the next invoice, oldest first."""
    return [
        lot
        for lot in credits_of_patient(read, patient_id, SYSTEM)
        if lot.available and lot.election is Election.CREDIT and lot.payer_id is None
    ]


def applied_to(read: Read, invoice_id: str, actor: Actor) -> AppliedCredits:
    """The credits that an invoice took, oldest first. Raises: NoSuchInvoice."""
    find_invoice(read, invoice_id, actor)
    query = (
        select(CreditApplicationRow)
        .where(CreditApplicationRow.invoice_id == invoice_id)
        .order_by(CreditApplicationRow.id)
    )
    taken = tuple(application_of(row) for row in read.session.scalars(query))
    return AppliedCredits(
        invoice_id=invoice_id, amount=total(each.amount for each in taken), applications=taken
    )


def reimbursed_for_session(read: Read, session_id: str) -> Money:
    """What insurers gave back to the patient for one session so far."""
    cents = read.session.scalar(
        select(func.sum(CreditLotRow.amount_cents)).where(
            CreditLotRow.session_id == session_id, CreditLotRow.source == CreditSource.REIMBURSEMENT
        )
    )
    return Money(int(cents or 0))


def lot_of(row: CreditLotRow) -> CreditLot:
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
        held_on=row.held_on,
    )


def application_of(row: CreditApplicationRow) -> CreditApplication:
    return CreditApplication(
        id=row.id,
        lot_id=row.lot_id,
        invoice_id=row.invoice_id,
        amount=Money(row.amount_cents),
        applied_at=row.applied_at,
    )
