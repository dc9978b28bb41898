"""Reads of deposits that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import find_site
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.payments.errors.deposit_requests import DepositNotAsked, NoSuchDepositRequest
from billing.payments.models.deposit_requests import DepositPaymentRow, DepositRequestRow
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import Depositor
from billing.payments.rules.tenders import SMALLEST_CARD_PAYMENT
from billing.payments.states.deposit_requests import DepositRequestState
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.states import StateChange


def find_deposit_request(read: Read, request_id: str, actor: Actor) -> DepositRequest:
    """Raises: NoSuchDepositRequest."""
    missing = NoSuchDepositRequest("No such deposit was asked for.")
    return request_of(seen(read.session.get(DepositRequestRow, request_id), actor, missing))


def list_deposit_requests(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: DepositRequestState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[DepositRequest]:
    """Newest first, those before the cursor."""
    query = visible(DepositRequestRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(DepositRequestRow.patient_id == patient_id)
    if state is not None:
        query = query.where(DepositRequestRow.state == state)
    return [request_of(row) for row in read.session.scalars(query)]


def asked_of(read: Read, patient_id: str, actor: Actor) -> Sequence[DepositRequest]:
    """What is asked of a patient and not paid yet, the oldest first."""
    query = (
        select(DepositRequestRow)
        .where(
            *within_reach(actor, DepositRequestRow),
            DepositRequestRow.patient_id == patient_id,
            DepositRequestRow.state == DepositRequestState.ASKED,
        )
        .order_by(DepositRequestRow.asked_at, DepositRequestRow.id)
    )
    return [request_of(row) for row in read.session.scalars(query)]


def deposits_paid_by(read: Read, payment_id: str) -> Sequence[tuple[DepositRequest, Money]]:
    """The deposits that were asked for and a payment was for, and how much of it, the oldest first."""
    query = (
        select(DepositRequestRow, DepositPaymentRow.amount_cents)
        .join(DepositPaymentRow, DepositPaymentRow.deposit_request_id == DepositRequestRow.id)
        .where(DepositPaymentRow.payment_id == payment_id)
        .order_by(DepositRequestRow.asked_at, DepositRequestRow.id)
    )
    return [(request_of(row), Money(cents)) for row, cents in read.session.execute(query)]


def came_for(read: Read, asked: DepositRequest, *, but_for: str | None = None) -> Money:
    """What of a deposit came and stands, at most all of it; without one payment, were it to bounce."""
    stands = PaymentRow.state == PaymentState.RECEIVED
    if but_for is not None:
        stands &= PaymentRow.id != but_for
    came = read.session.scalar(
        select(func.sum(DepositPaymentRow.amount_cents))
        .join(PaymentRow, PaymentRow.id == DepositPaymentRow.payment_id, isouter=True)
        .where(
            DepositPaymentRow.deposit_request_id == asked.id,
            or_(DepositPaymentRow.payment_id.is_(None), stands),
        )
    )
    return min(asked.amount, Money(int(came or 0)))


def was_withdrawn(read: Read, request_id: str) -> bool:
    """Whether staff ever withdrew it, also when its money came nevertheless."""
    withdrawn = select(StateChange.id).where(
        StateChange.subject_id == request_id, StateChange.after == DepositRequestState.WITHDRAWN
    )
    return read.session.scalar(withdrawn.limit(1)) is not None


def asked_again_without(read: Read, payment_id: str, owed: Money) -> Money:
    """What would be asked of the patient again for deposits if a check bounced, and invoices owed so much."""
    again = ZERO
    for asked, part in deposits_paid_by(read, payment_id):
        on_invoices = min(owed, part)
        owed -= on_invoices
        left = asked.amount - min(asked.amount, came_for(read, asked, but_for=payment_id) + on_invoices)
        if left >= SMALLEST_CARD_PAYMENT and not was_withdrawn(read, asked.id):
            again += left - asked.open_balance
    return again


def refuse_unless_asked(deposit: DepositRequest) -> None:
    """Raises: DepositNotAsked."""
    if deposit.state is not DepositRequestState.ASKED:
        raise DepositNotAsked(
            f"This deposit was {deposit.state} already: nothing is asked for any more.",
            state=str(deposit.state),
        )


def depositor_of(read: Read, patient_id: str, site_id: str | None, actor: Actor) -> Depositor:
    """Who pays ahead, and where. Raises: NoSuchSite, also for one of another legal entity or out of reach."""
    patient = find_patient(read, patient_id, actor)
    site = find_site(read, site_id or patient.site_id)
    if site.entity_id != patient.entity_id or not actor.sees(entity_id=site.entity_id, site_id=site.id):
        raise NoSuchSite(f"There is no site {site.id}.")
    return Depositor(entity_id=patient.entity_id, site_id=site.id, patient_id=patient.id)


def request_of(row: DepositRequestRow) -> DepositRequest:
    return DepositRequest(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        amount=Money(row.amount_cents),
        handed=Money(row.handed_cents),
        state=DepositRequestState(row.state),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
    )
