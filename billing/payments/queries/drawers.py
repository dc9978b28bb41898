"""Reads of cash drawers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors.drawers import NoSuchDrawer
from billing.payments.models.deposits import BankDepositItemRow
from billing.payments.models.drawers import CashDrawerRow, CashFloatRow, ChangeFundRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.drawers import CashDrawer, CashFloat, CashTaken, DrawerReport
from billing.payments.states.drawers import DrawerState
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def find_drawer(read: Read, drawer_id: str, actor: Actor) -> CashDrawer:
    """Raises: NoSuchDrawer."""
    missing = NoSuchDrawer("There is no such drawer.")
    return drawer_of(seen(read.session.get(CashDrawerRow, drawer_id), actor, missing))


def list_drawers(
    read: Read,
    actor: Actor,
    *,
    site_id: str | None = None,
    state: DrawerState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[CashDrawer]:
    """Newest first, those before the cursor; who may count one again sees it without its count."""
    query = visible(CashDrawerRow, actor, cursor, limit)
    if site_id is not None:
        query = query.where(CashDrawerRow.site_id == site_id)
    if state is not None:
        query = query.where(CashDrawerRow.state == state)
    return [_told_to(actor, drawer_of(row)) for row in read.session.scalars(query)]


def differences_lately(read: Read, cashier: str, since: datetime) -> Money:
    """What a cashier's drawers were short of, or had too much, at any site, with nobody else counting."""
    found = select(func.coalesce(func.sum(func.abs(CashDrawerRow.difference_cents)), 0)).where(
        CashDrawerRow.cashier == cashier,
        CashDrawerRow.confirmed_cents.is_(None),
        CashDrawerRow.closed_at >= since,
    )
    return Money(int(read.session.scalar(found) or 0))


def list_floats(
    read: Read, actor: Actor, *, site_id: str | None = None, cursor: str | None = None, limit: int
) -> Sequence[CashFloat]:
    """Newest first, those before the cursor."""
    query = visible(CashFloatRow, actor, cursor, limit)
    if site_id is not None:
        query = query.where(CashFloatRow.site_id == site_id)
    return [float_of(row) for row in read.session.scalars(query)]


def free_change(read: Read, actor: Actor) -> dict[str, Money]:
    """What each site holds of change in no drawer; a site that never had any is not there."""
    query = select(ChangeFundRow).where(*within_reach(actor, ChangeFundRow))
    return {row.site_id: Money(row.free_cents) for row in read.session.scalars(query)}


def report_of(read: Read, drawer_id: str, actor: Actor) -> DrawerReport:
    """Who may count a drawer again sees it without its count. Raises: NoSuchDrawer."""
    drawer = _told_to(actor, find_drawer(read, drawer_id, actor))
    payments = None if drawer.taken is None else _taken_in(read, drawer_id)
    return DrawerReport(drawer=drawer, payments=payments)


def _told_to(actor: Actor, drawer: CashDrawer) -> CashDrawer:
    """The second count is blind as the first one: only who has nothing to count any more sees either."""
    if drawer.state is not DrawerState.COUNTED or actor.person in (drawer.cashier, drawer.counted_by):
        return drawer
    return replace(drawer, taken=None, banked=None, expected=None, counted=None)


def taken_in(read: Read, drawer_id: str) -> Money:
    """All cash that fell into a drawer."""
    query = select(func.sum(PaymentRow.amount_cents)).where(
        PaymentRow.drawer_id == drawer_id, PaymentRow.state != PaymentState.MOVED
    )
    return Money(int(read.session.scalar(query) or 0))


def banked_from(read: Read, drawer_id: str) -> Money:
    """What deposits took out of a drawer while it was open."""
    query = (
        select(func.sum(PaymentRow.amount_cents))
        .join(BankDepositItemRow, BankDepositItemRow.payment_id == PaymentRow.id)
        .where(BankDepositItemRow.from_drawer_id == drawer_id, PaymentRow.state != PaymentState.MOVED)
    )
    return Money(int(read.session.scalar(query) or 0))


def _taken_in(read: Read, drawer_id: str) -> tuple[CashTaken, ...]:
    query = (
        select(PaymentRow, ReceiptRow.number, BankDepositItemRow.deposit_id)
        .join(ReceiptRow, ReceiptRow.payment_id == PaymentRow.id)
        .outerjoin(
            BankDepositItemRow,
            (BankDepositItemRow.payment_id == PaymentRow.id)
            & (BankDepositItemRow.from_drawer_id == drawer_id),
        )
        .where(PaymentRow.drawer_id == drawer_id, PaymentRow.state != PaymentState.MOVED)
        .order_by(PaymentRow.received_at, PaymentRow.id)
    )
    return tuple(
        CashTaken(
            payment_id=payment.id,
            receipt_number=number,
            amount=Money(payment.amount_cents),
            received_at=payment.received_at,
            deposit_id=deposit_id,
        )
        for payment, number, deposit_id in read.session.execute(query)
    )


def drawer_of(row: CashDrawerRow) -> CashDrawer:
    return CashDrawer(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        state=DrawerState(row.state),
        cashier=row.cashier,
        float=Money(row.float_cents),
        opened_on=row.opened_on,
        opened_at=row.opened_at,
        taken=_money(row.taken_cents),
        banked=_money(row.banked_cents),
        expected=_money(row.expected_cents),
        counted=_money(row.counted_cents),
        counted_by=row.counted_by,
        counted_at=row.counted_at,
        confirmed=_money(row.confirmed_cents),
        confirmed_by=row.confirmed_by,
        difference=_money(row.difference_cents),
        closed_on=row.closed_on,
        closed_at=row.closed_at,
    )


def float_of(row: CashFloatRow) -> CashFloat:
    return CashFloat(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        amount=Money(row.amount_cents),
        brought_on=row.brought_on,
        brought_by=row.brought_by,
        brought_at=row.brought_at,
    )


def _money(cents: int | None) -> Money | None:
    return None if cents is None else Money(cents)
