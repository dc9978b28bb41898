"""Reads of deposits that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors.deposit_requests import NoSuchDepositRequest
from billing.payments.models.deposit_requests import DepositRequestRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.states.deposit_requests import DepositRequestState
from billing.platform.data.database import Read


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


def request_of(row: DepositRequestRow) -> DepositRequest:
    return DepositRequest(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        amount=Money(row.amount_cents),
        state=DepositRequestState(row.state),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
    )
