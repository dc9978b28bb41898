"""Cash drawers, as the room hands them to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.money import Money
from billing.payments.states.drawers import DrawerState

DENOMINATIONS = (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 25, 10, 5, 1)
"""US notes and coins, in cents, as they are counted."""


@dataclass(frozen=True, kw_only=True)
class CashFloat:
    """Change that was brought from the bank to a site."""

    id: str
    entity_id: str
    site_id: str
    amount: Money
    brought_on: date
    brought_by: str
    brought_at: datetime


@dataclass(frozen=True, kw_only=True)
class CashDrawer:
    """One shift of one person. What was taken and expected is None until the drawer was counted, and all of
    the first count for whoever may count it again.

    `difference` is what was found beyond what was expected, below zero when it was short; None until closed.
    """

    id: str
    entity_id: str
    site_id: str
    state: DrawerState
    cashier: str
    float: Money
    opened_on: date
    opened_at: datetime
    taken: Money | None
    banked: Money | None
    expected: Money | None
    counted: Money | None
    counted_by: str | None
    counted_at: datetime | None
    confirmed: Money | None
    confirmed_by: str | None
    difference: Money | None
    closed_on: date | None
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CashTaken:
    """One payment that fell into a drawer. `deposit_id` is the deposit that took it out before the count."""

    payment_id: str
    receipt_number: str
    amount: Money
    received_at: datetime
    deposit_id: str | None


@dataclass(frozen=True, kw_only=True)
class DrawerReport:
    """A shift on one page; `payments` is None until the drawer was counted, so that nobody counts by it."""

    drawer: CashDrawer
    payments: tuple[CashTaken, ...] | None
