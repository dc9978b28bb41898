"""Cash and checks that were taken to the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class BankDeposit:
    """`payment_ids` are those that stand: one booked for the wrong patient gives way to its correction.

    `float` is what it holds beside them of the site's change; below zero, what was missing in its drawers.
    """

    id: str
    entity_id: str
    site_id: str
    amount: Money
    float: Money
    banked_on: date
    banked_at: datetime
    payment_ids: tuple[str, ...]
