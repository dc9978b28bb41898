"""Reads of refund checks that went out and were not cashed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import aliased

from billing.catalog.queries import site_date
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import VoidedCheckPaid
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.refunds import RefundRow
from billing.payments.records.refund_checks import OutstandingCheck
from billing.payments.records.refunds import RefundMethod
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.tasks import stands_open

VOIDED_CHECK_PAID = "voided-check-paid"
"""The task of a person who finds out why the bank paid a check that was voided."""

IS_OUT: Any = and_(
    RefundRow.method == RefundMethod.CHECK,
    RefundRow.state.in_((RefundState.SENT, RefundState.SUCCEEDED)),
    RefundRow.cashed_on.is_(None),
)


def outstanding_checks(
    read: Read, actor: Actor, now: datetime, *, cursor: str | None = None, limit: int
) -> Sequence[OutstandingCheck]:
    """Checks that went out and that nobody cashed: the longest out first, those after the cursor.

    The cursor is the id of a refund that went out by check, cashed meanwhile or not.
    """
    query = (
        select(RefundRow)
        .where(IS_OUT, *within_reach(actor, RefundRow))
        .order_by(RefundRow.refunded_on, RefundRow.id)
        .limit(limit)
    )
    if cursor is not None:
        query = query.where(_after(cursor))
    return _checks(read, read.session.scalars(query).all(), now)


def outstanding_total(read: Read, actor: Actor) -> Money:
    """What all of them come to."""
    cents = func.coalesce(func.sum(RefundRow.amount_cents), 0)
    return Money(int(read.session.scalar(select(cents).where(IS_OUT, *within_reach(actor, RefundRow))) or 0))


def uncashed_for(read: Read, time: timedelta, now: datetime) -> Sequence[OutstandingCheck]:
    """Checks that have been out for so long, of everybody."""
    tomorrow_somewhere = (now - time).date() + timedelta(days=1)
    query = (
        select(RefundRow).where(IS_OUT, RefundRow.refunded_on <= tomorrow_somewhere).order_by(RefundRow.id)
    )
    return [each for each in _checks(read, read.session.scalars(query).all(), now) if each.days >= time.days]


def voided_checks_of(read: Read, lot_id: str) -> Sequence[RefundRow]:
    """The checks that carried money of a credit and were voided, oldest first.

    By the money and not by the refund: what was called off meanwhile and asked for anew is the same, also as
    another credit of the payment that brought it.
    """
    found = read.session.execute(_voided_of([lot_id]).order_by(RefundRow.id)).all()
    return [row for row, _ in found]


def paid_though_voided(read: Read, lot_id: str) -> Sequence[RefundRow]:
    """Those of them that the bank paid, while a person is asked about it."""
    return [row for row in voided_checks_of(read, lot_id) if _is_looked_at(read, row)]


def paid_twice_among(read: Read, lot_ids: Collection[str]) -> frozenset[str]:
    """Those credits among them of which the bank paid a voided check, while a person is asked about it."""
    found = read.session.execute(_voided_of(lot_ids)).all()
    return frozenset(lot_id for row, lot_id in found if _is_looked_at(read, row))


def refuse_while_paid_twice(read: Read, lot_id: str) -> None:
    """Raises: VoidedCheckPaid while a person looks at a voided check of this money that the bank paid."""
    for voided in paid_though_voided(read, lot_id):
        raise VoidedCheckPaid(f"The bank paid {voided.reference} though it was voided. A person has to look.")


def _voided_of(lot_ids: Collection[str]) -> Select[RefundRow, str]:
    """Each voided check with each of the credits that hold, or held, the same money."""
    asked, carried = aliased(CreditLotRow), aliased(CreditLotRow)
    of_one_payment = (
        select(asked.id, carried.id)
        .join(carried, carried.origin_payment_id == asked.origin_payment_id)
        .where(asked.id.in_(lot_ids))
    )
    itself = select(asked.id.label("asked"), asked.id.label("carried")).where(asked.id.in_(lot_ids))
    same = union(itself, of_one_payment).subquery()
    return (
        select(RefundRow, same.c.asked)
        .join(same, same.c.carried == RefundRow.lot_id)
        .where(RefundRow.voided_by_person.is_not(None))
    )


def _is_looked_at(read: Read, voided: RefundRow) -> bool:
    return stands_open(read, kind=VOIDED_CHECK_PAID, subject_id=voided.id)


def _after(cursor: str) -> ColumnElement[bool]:
    day = select(RefundRow.refunded_on).where(RefundRow.id == cursor).scalar_subquery()
    return or_(RefundRow.refunded_on > day, and_(RefundRow.refunded_on == day, RefundRow.id > cursor))


def _checks(read: Read, rows: Sequence[RefundRow], now: datetime) -> list[OutstandingCheck]:
    today = {site_id: site_date(read, site_id, now) for site_id in _sites(rows)}
    return [
        OutstandingCheck(
            id=row.id,
            entity_id=row.entity_id,
            site_id=row.site_id,
            patient_id=row.patient_id,
            payer_id=row.payer_id,
            number=row.reference.removeprefix("check "),
            amount=Money(row.amount_cents),
            written_on=row.refunded_on,
            days=(today[row.site_id] - row.refunded_on).days,
        )
        for row in rows
        if row.reference is not None and row.refunded_on is not None
    ]


def _sites(rows: Iterable[RefundRow]) -> set[str]:
    return {row.site_id for row in rows}
