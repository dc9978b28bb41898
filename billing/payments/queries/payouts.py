"""Reads of payouts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select

from billing.catalog.queries import entities
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import NoSuchPayout
from billing.payments.models.payments import PaymentRow
from billing.payments.models.payouts import PayoutLineRow, PayoutRow
from billing.payments.queries.reach import seen
from billing.payments.records.payouts import Payout, PayoutFacts, PayoutLineFacts
from billing.payments.states.payouts import PAYOUT_MOVES, PayoutEvent, PayoutState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def find_payout(read: Read, payout_id: str, actor: Actor) -> Payout:
    """Raises: NoSuchPayout."""
    row = seen(read.session.get(PayoutRow, payout_id), actor, NoSuchPayout("There is no such payout."))
    return payout_of(row)


def list_payouts(
    read: Read, actor: Actor, *, state: PayoutState | None = None, cursor: str | None = None, limit: int
) -> Sequence[Payout]:
    """What arrives last first, those before the cursor; the processor tells of some late."""
    query = (
        select(PayoutRow)
        .where(*within_reach(actor, PayoutRow))
        .order_by(PayoutRow.arrives_on.desc(), PayoutRow.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(PayoutRow.state == state)
    if cursor is not None:
        query = query.where(_before(cursor))
    return [payout_of(row) for row in read.session.scalars(query)]


def _before(cursor: str) -> ColumnElement[bool]:
    day = select(PayoutRow.arrives_on).where(PayoutRow.id == cursor).scalar_subquery()
    return or_(PayoutRow.arrives_on < day, and_(PayoutRow.arrives_on == day, PayoutRow.id < cursor))


def went_out_with(read: Read, payout: Payout, actor: Actor) -> Payout | None:
    """The later payout that took along what came back."""
    query = select(PayoutRow).join(PayoutLineRow, PayoutLineRow.payout_id == PayoutRow.id)
    later = query.where(PayoutLineRow.source == payout.reference, *within_reach(actor, PayoutRow))
    row = read.session.scalar(later.limit(1))
    return payout_of(row) if row else None


def is_followed(read: Read, facts: PayoutFacts) -> bool:
    """Whether what the processor's list says of a payout is recorded, and what it is made of."""
    row = read.session.scalar(select(PayoutRow).where(PayoutRow.reference == facts.reference))
    if row is None or (facts.told and (PayoutState(row.state), facts.told) in PAYOUT_MOVES):
        return False
    return not facts.is_automatic or facts.told is not PayoutEvent.ARRIVE or row.matched_cents is not None


def owner_of(read: Read, lines: Sequence[PayoutLineFacts]) -> str | None:
    """The id of the legal entity whose charges a payout is made of; without charges, of the only one.

    None when that is none or several.
    """
    charges = [line.source for line in lines if line.source is not None]
    query = select(PaymentRow.entity_id).where(PaymentRow.charge_reference.in_(charges)).distinct()
    owners = read.session.scalars(query).all() or [entity.id for entity in entities(read)]
    return owners[0] if len(owners) == 1 else None


def payout_of(row: PayoutRow) -> Payout:
    return Payout(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        reference=row.reference,
        state=PayoutState(row.state),
        amount=Money(row.amount_cents),
        arrives_on=row.arrives_on,
        is_automatic=row.is_automatic,
        matched=None if row.matched_cents is None else Money(row.matched_cents),
    )
