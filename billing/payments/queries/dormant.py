"""Reads of credits, and of refunds that nobody takes, whose owners show no sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import NoSuchDormantCredit
from billing.payments.models.credits import CreditApplicationRow, CreditLotRow, CreditReversalRow
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.credits import find_credit, lot_of
from billing.payments.queries.reach import seen, visible
from billing.payments.queries.refunds import find_refund, refund_of
from billing.payments.records.credits import CreditLot
from billing.payments.records.dormant import DormantCredit, StillOwed
from billing.payments.records.refunds import Refund, RefundMethod
from billing.payments.states.dormant import DormantState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read


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


def undecided_dormant(read: Read) -> Sequence[DormantCredit]:
    """Those that were listed and are neither set aside nor claimed, whoever looks."""
    undecided = DormantCreditRow.state.in_((DormantState.LISTED, DormantState.WRITTEN))
    return _with_owners(read, select(DormantCreditRow).where(undecided).order_by(DormantCreditRow.id))


def still_owed(read: Read, dormant: DormantCredit) -> StillOwed:
    """What of it is left to set aside; nothing of a refund that went out or was called off."""
    if dormant.refund_id is None:
        return owed_as_credit(read, find_credit(read, dormant.lot_id, SYSTEM))
    return owed_as_refund(read, find_refund(read, dormant.refund_id, SYSTEM))


def owed_as_credit(read: Read, lot: CreditLot) -> StillOwed:
    return StillOwed(amount=lot.available, last_sign=last_sign_of_owner(read, lot))


def owed_as_refund(read: Read, refund: Refund) -> StillOwed:
    waits = refund.state is RefundState.APPROVED
    return StillOwed(amount=refund.amount if waits else ZERO, last_sign=last_sign_of_refund(read, refund))


def credits_held_until(read: Read, until: date) -> Sequence[CreditLot]:
    """The credits of which something is left, held since that day or longer, other payers' among them."""
    query = (
        select(CreditLotRow)
        .where(CreditLotRow.available_cents > 0, CreditLotRow.held_on <= until)
        .order_by(CreditLotRow.id)
    )
    return [lot_of(row) for row in read.session.scalars(query)]


def refunds_owed_since(read: Read, until: date) -> Sequence[Refund]:
    """The refunds that wait for a check and were asked for on that day or before."""
    tomorrow = datetime.combine(until + timedelta(days=1), time(), UTC)
    query = (
        select(RefundRow)
        .where(
            RefundRow.state == RefundState.APPROVED,
            RefundRow.method == RefundMethod.CHECK,
            RefundRow.requested_at < tomorrow,
        )
        .order_by(RefundRow.id)
    )
    return [refund_of(row) for row in read.session.scalars(query)]


def last_sign_of_refund(read: Read, refund: Refund) -> date:
    """The last day on which the owner asked for a refund, or claimed it.

    A check that replaces a voided one was asked for when the first one was, and a claim of that one was of
    the same money.
    """
    claimed = read.session.scalar(
        select(func.max(DormantCreditRow.claimed_on)).where(
            DormantCreditRow.refund_id.in_(_with_those_it_replaces(read, refund))
        )
    )
    asked = refund.requested_at.date()
    return max(asked, claimed) if claimed else asked


def _with_those_it_replaces(read: Read, refund: Refund) -> Sequence[str]:
    one = select(RefundRow.id, RefundRow.replaces_id).where(RefundRow.id == refund.id).cte(recursive=True)
    before = select(RefundRow.id, RefundRow.replaces_id).join(one, RefundRow.id == one.c.replaces_id)
    return read.session.scalars(select(one.union_all(before).c.id)).all()


def last_sign_of_owner(read: Read, lot: CreditLot) -> date:
    """The last day on which the owner chose, used, asked for or claimed a credit, or got it.

    What was lent to a charge of a saved card and came back whole is no sign: the clinic tried, and the owner
    did nothing.
    """
    undone = (
        select(func.coalesce(func.sum(CreditReversalRow.amount_cents), 0))
        .where(CreditReversalRow.application_id == CreditApplicationRow.id)
        .scalar_subquery()
    )
    used = read.session.scalar(
        select(func.max(CreditApplicationRow.applied_on)).where(
            CreditApplicationRow.lot_id == lot.id,
            or_(CreditApplicationRow.checkout_id.is_(None), CreditApplicationRow.amount_cents > undone),
        )
    )
    claimed = read.session.scalar(
        select(func.max(DormantCreditRow.claimed_on)).where(DormantCreditRow.lot_id == lot.id)
    )
    asked = read.session.scalar(select(func.max(RefundRow.requested_at)).where(RefundRow.lot_id == lot.id))
    chosen = lot.elected_at.date() if lot.elected_at else None
    return max(day for day in (lot.held_on, used, claimed, chosen, asked and asked.date()) if day is not None)


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
