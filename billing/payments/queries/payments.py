"""Reads of payments; money of other sites does not exist for the actor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from billing.care.queries import coverage_at, coverage_of
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor
from billing.ledger.queries import days_of
from billing.payments.errors import (
    NoSuchPayment,
    UnexplainedMoney,
)
from billing.payments.models.credits import CreditApplicationRow, CreditLotRow
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.credits import CreditLot, CreditSource
from billing.payments.records.payments import Paid, Payment, Tender
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach

PAYMENT, CREDIT, REIMBURSEMENT = "payment", "credit", "reimbursement"
"""Kinds of what covers a session."""
CHECKOUT = "checkout"
"""The kind of the entry of what an attempt cost that brought nothing."""
CREDIT_REVERSAL = "credit-reversal"
"""The kind of the entry of a credit that was taken off an invoice again."""


def find_payment(read: Read, payment_id: str, actor: Actor) -> Payment:
    """Raises: NoSuchPayment."""
    row = seen(read.session.get(PaymentRow, payment_id), actor, NoSuchPayment("There is no such payment."))
    return payment_of(row)


def list_payments(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    invoice_id: str | None = None,
    share_id: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Payment]:
    """Newest first, those before the cursor."""
    query = visible(PaymentRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(PaymentRow.patient_id == patient_id)
    if invoice_id is not None:
        query = query.where(PaymentRow.invoice_id == invoice_id)
    if share_id is not None:
        query = query.where(PaymentRow.share_id == share_id)
    return [payment_of(row) for row in read.session.scalars(query)]


def payments_of_payer(read: Read, payer_id: str, actor: Actor) -> Sequence[Payment]:
    """All that another payer paid, at the actor's sites, oldest first."""
    query = select(PaymentRow).where(PaymentRow.payer_id == payer_id, *within_reach(actor, PaymentRow))
    return [payment_of(row) for row in read.session.scalars(query.order_by(PaymentRow.id))]


def payments_by_id(read: Read, payment_ids: Collection[str], actor: Actor) -> dict[str, Payment]:
    """Those that the actor may know of."""
    query = select(PaymentRow).where(PaymentRow.id.in_(payment_ids), *within_reach(actor, PaymentRow))
    return {row.id: payment_of(row) for row in read.session.scalars(query)}


def charge_of_payment(read: Read, payment_id: str) -> str:
    """The processor's id of the charge behind a card payment."""
    reference = read.session.get_one(PaymentRow, payment_id).charge_reference
    if reference is None:
        raise NoSuchPayment(f"Payment {payment_id} was not made by card.")
    return reference


def payment_of_charge(read: Read, charge_reference: str) -> Payment:
    """The payment that a charge is booked as now.

    Raises: UnexplainedMoney when there is none, or none yet.
    """
    payment = payment_by_charge(read, charge_reference)
    if payment is None:
        raise UnexplainedMoney("This charge is none of ours: look it up in the processor's dashboard.")
    return payment


def payment_by_charge(read: Read, charge_reference: str) -> Payment | None:
    """As `payment_of_charge`; None when there is none, or none yet."""
    row = read.session.scalar(
        select(PaymentRow).where(
            PaymentRow.charge_reference == charge_reference, PaymentRow.state != PaymentState.MOVED
        )
    )
    return payment_of(row) if row else None


def paid_for_session(read: Read, session_id: str, until: datetime) -> tuple[Paid, ...]:
    """What was paid towards one session up to an instant, credits included, oldest first."""
    paid = []
    for part in coverage_at(read, session_id, until):
        when = _tendered(read, part.source_kind, part.source_id)
        if when is not None:
            at, on, tender, payer_id = when
            paid.append((at, Paid(amount=part.amount, payer_id=payer_id, paid_on=on, tender=tender)))
    return tuple(each for _, each in sorted(paid, key=lambda pair: pair[0]))


def settled_by_insurers(read: Read, session_id: str, until: datetime) -> tuple[Paid, ...]:
    """What of a session an insurer has settled itself, since the patient owed it, up to an instant."""
    parts = [part for part in coverage_at(read, session_id, until) if part.source_kind == REIMBURSEMENT]
    claim_ids = [part.source_id for part in parts]
    days = days_of(read, source_kind=REIMBURSEMENT, source_ids=claim_ids, purpose="received")
    return tuple(
        Paid(amount=part.amount, payer_id=None, paid_on=days[part.source_id], tender=Tender.INSURER)
        for part in parts
    )


def paid_by_patient(read: Read, session_id: str, until: datetime) -> Money:
    """What of it was the patient's own."""
    paid = paid_for_session(read, session_id, until)
    return total(each.amount for each in paid if each.payer_id is None)


def health_account_paid(read: Read, session_id: str) -> bool:
    """Whether an HSA or FSA of the patient paid any of a session, also by credit that came of its payment."""
    parts = coverage_of(read, session_id)
    used = [part.source_id for part in parts if part.source_kind == CREDIT]
    origins = (
        select(CreditLotRow.origin_payment_id)
        .join(CreditApplicationRow, CreditApplicationRow.lot_id == CreditLotRow.id)
        .where(CreditApplicationRow.id.in_(used))
    )
    paid = [part.source_id for part in parts if part.source_kind == PAYMENT]
    query = select(PaymentRow.id).where(
        PaymentRow.is_health_account,
        PaymentRow.payer_id.is_(None),
        PaymentRow.id.in_(paid) | PaymentRow.id.in_(origins),
    )
    return read.session.scalar(query.limit(1)) is not None


def of_health_account(read: Read, lot: CreditLot) -> bool:
    """Whether a credit is money that an HSA or FSA had paid, or an insurer's for what one had paid."""
    return lot.id in of_health_accounts(read, [lot.id])


def of_health_accounts(read: Read, lot_ids: Collection[str]) -> frozenset[str]:
    """Those credits of which that is so."""
    paid = (
        select(CreditLotRow.id)
        .join(PaymentRow, PaymentRow.id == CreditLotRow.origin_payment_id)
        .where(CreditLotRow.id.in_(lot_ids), PaymentRow.is_health_account)
    )
    insurers = select(CreditLotRow.id, CreditLotRow.session_id).where(
        CreditLotRow.id.in_(lot_ids),
        CreditLotRow.origin_payment_id.is_(None),
        CreditLotRow.source == CreditSource.REIMBURSEMENT,
    )
    if not lot_ids:
        return frozenset()
    for_what_one_paid = {
        lot_id
        for lot_id, session_id in read.session.execute(insurers)
        if health_account_paid(read, str(session_id))
    }
    return frozenset(read.session.scalars(paid)) | for_what_one_paid


def _tendered(read: Read, kind: str, source_id: str) -> tuple[datetime, Any, Tender, str | None] | None:
    if kind == PAYMENT:
        payment = read.session.get_one(PaymentRow, source_id)
        return payment.received_at, payment.received_on, Tender(payment.tender), payment.payer_id
    if kind == CREDIT:
        application = read.session.get_one(CreditApplicationRow, source_id)
        return application.applied_at, application.applied_on, Tender.CREDIT, None
    return None


def payment_of(row: PaymentRow) -> Payment:
    return Payment(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        invoice_id=row.invoice_id,
        payer_id=row.payer_id,
        share_id=row.share_id,
        state=PaymentState(row.state),
        tender=Tender(row.tender),
        instrument=row.instrument,
        is_health_account=row.is_health_account,
        amount=Money(row.amount_cents),
        fee=Money(row.fee_cents),
        refunded=Money(row.refunded_cents),
        lost=Money(row.lost_cents),
        corrects_id=row.corrects_id,
        drawer_id=row.drawer_id,
        tendered=None if row.tendered_cents is None else Money(row.tendered_cents),
        received_on=row.received_on,
        received_at=row.received_at,
    )
