"""Reads of takebacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.queries import entry_of
from billing.ledger.records import Account, Entry
from billing.payments.errors import NoSuchReimbursement, NoSuchTakeback
from billing.payments.models.takebacks import TakebackRow
from billing.payments.queries.payments import REIMBURSEMENT
from billing.payments.queries.reach import seen, visible
from billing.payments.records.takebacks import Takeback
from billing.payments.states.takebacks import TakebackState
from billing.platform.data.database import Read


def find_takeback(read: Read, takeback_id: str, actor: Actor) -> Takeback:
    """Raises: NoSuchTakeback."""
    missing = NoSuchTakeback("There is no such demand.")
    return takeback_of(seen(read.session.get(TakebackRow, takeback_id), actor, missing))


def list_takebacks(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: TakebackState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Takeback]:
    """Newest first, those before the cursor."""
    query = visible(TakebackRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(TakebackRow.patient_id == patient_id)
    if state is not None:
        query = query.where(TakebackRow.state == state)
    return [takeback_of(row) for row in read.session.scalars(query)]


def entry_of_reimbursement(read: Read, reimbursement_id: str, actor: Actor) -> Entry:
    """The entry with which an insurer's money came in. Raises: NoSuchReimbursement."""
    entry = entry_of(read, source_kind=REIMBURSEMENT, source_id=reimbursement_id, purpose="received")
    return seen(entry, actor, NoSuchReimbursement("No insurer's money of that id was received."))  # type: ignore[no-any-return]


def forgiven_lately(read: Read, person: str, since: datetime) -> Money:
    """What a person forgave since then of demands that they had recorded themselves, whenever that was."""
    forgiven = select(func.coalesce(func.sum(TakebackRow.forgiven_cents), 0)).where(
        TakebackRow.demanded_by_person == person,
        TakebackRow.forgiven_by_person == person,
        TakebackRow.forgiven_at > since,
    )
    return Money(int(read.session.scalar(forgiven) or 0))


def left_to_demand(read: Read, entry: Entry) -> Money:
    """What the patient had of an insurer's money, less what was demanded back before."""
    kept = sum(
        -line.cents
        for line in entry.lines
        if line.cents < 0 and line.account != Account.PAYER_MONEY_TO_RETURN
    )
    demanded = read.session.scalar(
        select(func.sum(TakebackRow.amount_cents)).where(TakebackRow.reimbursement_id == entry.source_id)
    )
    return Money(kept - int(demanded or 0))


def takeback_of(row: TakebackRow) -> Takeback:
    return Takeback(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        reimbursement_id=row.reimbursement_id,
        demand=row.demand,
        amount=Money(row.amount_cents),
        unspent=Money(row.unspent_cents),
        billed=Money(row.billed_cents),
        forgiven=Money(row.forgiven_cents),
        returned=Money(row.returned_cents),
        state=TakebackState(row.state),
        demanded_on=row.demanded_on,
        demanded_at=row.demanded_at,
    )
