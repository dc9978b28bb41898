"""Reads of deposits that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import find_site
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.payments.errors.deposit_requests import NoSuchDepositRequest
from billing.payments.models.deposit_requests import DepositRequestRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import Depositor
from billing.payments.states.deposit_requests import DepositRequestState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


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
