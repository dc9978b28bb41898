"""Reads of credits, and of refunds that nobody takes, whose owners show no sign."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, select

from billing.catalog.queries import find_site
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import us_states_of
from billing.payments.errors import NoSuchDormantCredit
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit, lot_of
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.queries.reach import seen, visible
from billing.payments.queries.refunds import refund_of
from billing.payments.queries.signs import last_signs
from billing.payments.records.credits import CreditLot
from billing.payments.records.dormant import DormantCredit, StillOwed
from billing.payments.records.refunds import Refund, RefundMethod
from billing.payments.states.dormant import DormantState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches


def find_dormant(read: Read, dormant_id: str, actor: Actor) -> DormantCredit:
    """Raises: NoSuchDormantCredit."""
    missing = NoSuchDormantCredit("There is no such dormant credit.")
    return dormant_of(read, seen(read.session.get(DormantCreditRow, dormant_id), actor, missing))


def list_dormant(
    read: Read,
    actor: Actor,
    *,
    us_state: str | None = None,
    state: DormantState | None = None,
    patient_id: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[DormantCredit]:
    """What a report to a state is made of: newest first, those before the cursor."""
    query = visible(DormantCreditRow, actor, cursor, limit)
    if us_state is not None:
        query = query.where(DormantCreditRow.us_state == us_state)
    if state is not None:
        query = query.where(DormantCreditRow.state == state)
    if patient_id is not None:
        query = query.where(DormantCreditRow.patient_id == patient_id)
    return _with_owners(read, query)


def dormant_among(read: Read, dormant_ids: Collection[str], actor: Actor) -> Sequence[DormantCredit]:
    """Those that are the actor's to see."""
    reach = within_reach(actor, DormantCreditRow)
    return _with_owners(read, select(DormantCreditRow).where(DormantCreditRow.id.in_(dormant_ids), *reach))


def credit_of_the_state(read: Read, payment_id: str) -> Sequence[DormantCredit]:
    """What of the credit that a payment brought is set aside for a state, or went there."""
    return _with_owners(
        read,
        select(DormantCreditRow)
        .where(
            DormantCreditRow.lot_id.in_(credits_brought_by(read, payment_id)),
            DormantCreditRow.refund_id.is_(None),
            DormantCreditRow.state.in_((DormantState.SET_ASIDE, DormantState.REMITTED)),
        )
        .order_by(DormantCreditRow.id),
    )


def undecided_dormant(read: Read) -> Sequence[DormantCredit]:
    """Those that were listed and are neither set aside nor claimed, whoever looks."""
    undecided = DormantCreditRow.state.in_((DormantState.LISTED, DormantState.WRITTEN))
    return _with_owners(read, select(DormantCreditRow).where(undecided).order_by(DormantCreditRow.id))


def still_owed(read: Read, dormant: DormantCredit) -> StillOwed:
    """What of it is left to set aside; nothing of a refund that went out or was called off."""
    return still_owed_of(read, [dormant])[dormant.id]


def still_owed_of(read: Read, dormant: Sequence[DormantCredit]) -> Mapping[str, StillOwed]:
    """What of each is left to set aside, by its id."""
    held: list[CreditLot | Refund] = []
    for batch in batches(each.lot_id for each in dormant if each.refund_id is None):
        lots = select(CreditLotRow).where(CreditLotRow.id.in_(batch))
        held += [lot_of(row) for row in read.session.scalars(lots)]
    for batch in batches(each.refund_id for each in dormant if each.refund_id is not None):
        refunds = select(RefundRow).where(RefundRow.id.in_(batch))
        held += [refund_of(row) for row in read.session.scalars(refunds)]
    owed = owed_to(read, held)
    return {each.id: owed[each.subject_id] for each in dormant}


def owed_to(read: Read, held: Sequence[CreditLot | Refund]) -> Mapping[str, StillOwed]:
    """What is left of each, and when its owner last gave a sign, by its id."""
    signs = last_signs(read, held)
    return {of.id: StillOwed(amount=_left(of), last_sign=signs[of.id]) for of in held}


def held_until(read: Read, until: date, actor: Actor) -> Sequence[CreditLot | Refund]:
    """Credits of which something is left, and refunds that wait for a check, that old or older.

    Other payers' are among them. Credits are put in order here: asked to, SQLite reads all in that order.
    """
    lots = select(CreditLotRow).where(
        CreditLotRow.available_cents > 0,
        CreditLotRow.held_on <= until,
        *within_reach(actor, CreditLotRow),
    )
    tomorrow = datetime.combine(until + timedelta(days=1), time(), UTC)
    refunds = (
        select(RefundRow)
        .where(
            RefundRow.state == RefundState.APPROVED,
            RefundRow.method == RefundMethod.CHECK,
            RefundRow.requested_at < tomorrow,
            *within_reach(actor, RefundRow),
        )
        .order_by(RefundRow.id)
    )
    return [
        *sorted((lot_of(row) for row in read.session.scalars(lots)), key=lambda lot: lot.id),
        *(refund_of(row) for row in read.session.scalars(refunds)),
    ]


def states_of_owners(read: Read, held: Sequence[CreditLot | Refund]) -> Mapping[str, str]:
    """By id, the state of the owner's last known address; the holder's where none is kept, as of payers.

    Source: docs/sources.md (Texas v. New Jersey).
    """
    patients = us_states_of(read, {of.patient_id for of in held if of.payer_id is None})
    sites = {site_id: find_site(read, site_id).address.state for site_id in {of.site_id for of in held}}
    return {of.id: patients[of.patient_id] if of.payer_id is None else sites[of.site_id] for of in held}


def _left(of: CreditLot | Refund) -> Money:
    if isinstance(of, CreditLot):
        return of.available
    return of.amount if of.state is RefundState.APPROVED else ZERO


def _with_owners(read: Read, query: Select[Any]) -> list[DormantCredit]:
    owned = query.join(CreditLotRow, CreditLotRow.id == DormantCreditRow.lot_id).add_columns(
        CreditLotRow.payer_id
    )
    return [_dormant(row, payer_id) for row, payer_id in read.session.execute(owned)]


def dormant_of(read: Read, row: DormantCreditRow) -> DormantCredit:
    return _dormant(row, find_credit(read, row.lot_id, SYSTEM).payer_id)


def _dormant(row: DormantCreditRow, payer_id: str | None) -> DormantCredit:
    return DormantCredit(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        lot_id=row.lot_id,
        refund_id=row.refund_id,
        payer_id=payer_id,
        us_state=row.us_state,
        dormant_on=row.dormant_on,
        state=DormantState(row.state),
        listed_at=row.listed_at,
        letter_on=row.letter_on,
        amount=None if row.amount_cents is None else Money(row.amount_cents),
        set_aside_on=row.set_aside_on,
        remitted_on=row.remitted_on,
        reference=row.reference,
        claimed_on=row.claimed_on,
    )
