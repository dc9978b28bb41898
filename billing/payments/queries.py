"""Reads; money of other sites does not exist for the actor."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from billing.care.queries import coverage_of
from billing.invoices.queries import find_invoice
from billing.kernel.errors import NotFound
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import (
    CheckoutStands,
    NoSuchCheckout,
    NoSuchCredit,
    NoSuchPayLink,
    NoSuchPayment,
    NoSuchRefund,
)
from billing.payments.models import (
    CheckoutRow,
    CreditApplicationRow,
    CreditLotRow,
    PayLinkRow,
    PaymentRow,
    RefundRow,
)
from billing.payments.records import (
    AppliedCredits,
    Checkout,
    CreditApplication,
    CreditLot,
    CreditSource,
    Election,
    Paid,
    PayLink,
    Payment,
    Refund,
    RefundMethod,
    Tender,
)
from billing.payments.states import STANDING, CheckoutState, RefundState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach

PAYMENT, CREDIT, REIMBURSEMENT = "payment", "credit", "reimbursement"
"""Kinds of what covers a session."""


def find_payment(read: Read, payment_id: str, actor: Actor) -> Payment:
    """Raises: NoSuchPayment."""
    row = _seen(read.session.get(PaymentRow, payment_id), actor, NoSuchPayment("There is no such payment."))
    return payment_of(row)


def list_payments(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    invoice_id: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Payment]:
    """Newest first, those before the cursor."""
    query = _visible(PaymentRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(PaymentRow.patient_id == patient_id)
    if invoice_id is not None:
        query = query.where(PaymentRow.invoice_id == invoice_id)
    return [payment_of(row) for row in read.session.scalars(query)]


def find_checkout(read: Read, checkout_id: str, actor: Actor) -> Checkout:
    """Raises: NoSuchCheckout."""
    row = read.session.get(CheckoutRow, checkout_id)
    try:
        if row is not None:
            find_invoice(read, row.invoice_id, actor)
            return checkout_of(row)
    except NotFound:
        pass
    raise NoSuchCheckout(f"There is no checkout {checkout_id}.")


def checkout_by_reference(read: Read, reference: str) -> Checkout | None:
    row = read.session.scalar(select(CheckoutRow).where(CheckoutRow.reference == reference))
    return checkout_of(row) if row else None


def standing_checkout(read: Read, invoice_id: str) -> Checkout | None:
    """The checkout of an invoice that may still take money, if any."""
    row = read.session.scalar(
        select(CheckoutRow).where(CheckoutRow.invoice_id == invoice_id, CheckoutRow.state.in_(STANDING))
    )
    return checkout_of(row) if row else None


def refuse_while_standing(read: Read, invoice_id: str) -> None:
    """Nothing else settles or voids an invoice while a card page may still take its money.

    Raises: CheckoutStands.
    """
    if standing := standing_checkout(read, invoice_id):
        raise CheckoutStands(
            "A card page of this invoice stands open. Cancel it first, or wait until it was used.",
            checkout_id=standing.id,
        )


def unresolved_checkouts(read: Read, *, before: datetime, now: datetime) -> Sequence[Checkout]:
    """Those whose opening was not confirmed since `before`, and those open past their end."""
    late = (CheckoutRow.state == CheckoutState.CREATED) & (CheckoutRow.opened_at < before)
    over = CheckoutRow.state.in_(STANDING) & (CheckoutRow.expires_at <= now)
    return [checkout_of(row) for row in read.session.scalars(select(CheckoutRow).where(late | over))]


def find_credit(read: Read, lot_id: str, actor: Actor) -> CreditLot:
    """Raises: NoSuchCredit."""
    row = _seen(read.session.get(CreditLotRow, lot_id), actor, NoSuchCredit("There is no such credit."))
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
        if lot.available and lot.election is Election.CREDIT
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


def find_refund(read: Read, refund_id: str, actor: Actor) -> Refund:
    """Raises: NoSuchRefund."""
    row = _seen(read.session.get(RefundRow, refund_id), actor, NoSuchRefund("There is no such refund."))
    return refund_of(row)


def refund_by_reference(read: Read, reference: str) -> Refund | None:
    """By the processor's id."""
    row = read.session.scalar(
        select(RefundRow).where(RefundRow.reference == reference, RefundRow.method == RefundMethod.CARD)
    )
    return refund_of(row) if row else None


def list_refunds(
    read: Read,
    actor: Actor,
    *,
    state: RefundState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Refund]:
    """Newest first, those before the cursor."""
    query = _visible(RefundRow, actor, cursor, limit)
    if state is not None:
        query = query.where(RefundRow.state == state)
    return [refund_of(row) for row in read.session.scalars(query)]


def unresolved_refunds(read: Read, *, before: datetime) -> Sequence[Refund]:
    """Card refunds that were approved before, and have no outcome yet."""
    query = select(RefundRow).where(
        RefundRow.method == RefundMethod.CARD,
        RefundRow.state.in_((RefundState.APPROVED, RefundState.SENT)),
        RefundRow.approved_at < before,
    )
    return [refund_of(row) for row in read.session.scalars(query)]


def charge_of_payment(read: Read, payment_id: str) -> str:
    """The processor's id of the charge behind a card payment."""
    reference = read.session.get_one(PaymentRow, payment_id).charge_reference
    if reference is None:
        raise NoSuchPayment(f"Payment {payment_id} was not made by card.")
    return reference


def paid_for_session(read: Read, session_id: str, until: datetime) -> tuple[Paid, ...]:
    """What was paid towards one session up to an instant, credits included, oldest first."""
    paid = []
    for part in coverage_of(read, session_id):
        when = _tendered(read, part.source_kind, part.source_id)
        if when is not None and when[0] <= until:
            paid.append((when[0], Paid(amount=part.amount, paid_on=when[1], tender=when[2])))
    return tuple(each for _, each in sorted(paid, key=lambda pair: pair[0]))


def reimbursed_for_session(read: Read, session_id: str) -> Money:
    """What insurers gave back to the patient for one session so far."""
    cents = read.session.scalar(
        select(func.sum(CreditLotRow.amount_cents)).where(
            CreditLotRow.session_id == session_id, CreditLotRow.source == CreditSource.REIMBURSEMENT
        )
    )
    return Money(int(cents or 0))


def find_pay_link(read: Read, secret: str, now: datetime) -> PayLink:
    """What a pay link shows: the amount that is owed now, and nothing of the patient.

    Raises: NoSuchPayLink, for an unknown and for an expired one alike.
    """
    row = read.session.scalar(select(PayLinkRow).where(PayLinkRow.secret_sha256 == secret_hash(secret)))
    if row is None or row.expires_at <= now:
        raise NoSuchPayLink("This link is not valid any more. Ask the clinic for a new one.")
    invoice = find_invoice(read, row.invoice_id, SYSTEM)
    return PayLink(
        id=row.id,
        invoice_id=invoice.id,
        entity_id=invoice.entity_id,
        amount=invoice.open_balance,
        expires_at=row.expires_at,
    )


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _tendered(read: Read, kind: str, source_id: str) -> tuple[datetime, Any, Tender] | None:
    if kind == PAYMENT:
        payment = read.session.get_one(PaymentRow, source_id)
        return payment.received_at, payment.received_on, Tender(payment.tender)
    if kind == CREDIT:
        application = read.session.get_one(CreditApplicationRow, source_id)
        return application.applied_at, application.applied_on, Tender.CREDIT
    return None


def _seen(row: Any, actor: Actor, missing: NotFound) -> Any:
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise missing
    return row


def _visible(table: Any, actor: Actor, cursor: str | None, limit: int) -> Select[Any]:
    query = select(table).where(*within_reach(actor, table)).order_by(table.id.desc()).limit(limit)
    return query if cursor is None else query.where(table.id < cursor)


def payment_of(row: PaymentRow) -> Payment:
    return Payment(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        invoice_id=row.invoice_id,
        tender=Tender(row.tender),
        amount=Money(row.amount_cents),
        fee=Money(row.fee_cents),
        refunded=Money(row.refunded_cents),
        received_on=row.received_on,
        received_at=row.received_at,
    )


def checkout_of(row: CheckoutRow) -> Checkout:
    return Checkout(
        id=row.id,
        invoice_id=row.invoice_id,
        patient_id=row.patient_id,
        amount=Money(row.amount_cents),
        state=CheckoutState(row.state),
        reference=row.reference,
        url=row.url,
        return_url=row.return_url,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
    )


def lot_of(row: CreditLotRow) -> CreditLot:
    return CreditLot(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        source=CreditSource(row.source),
        source_id=row.source_id,
        session_id=row.session_id,
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


def refund_of(row: RefundRow) -> Refund:
    return Refund(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        lot_id=row.lot_id,
        payment_id=row.payment_id,
        method=RefundMethod(row.method),
        amount=Money(row.amount_cents),
        state=RefundState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        refunded_on=row.refunded_on,
        reference=row.reference,
    )
