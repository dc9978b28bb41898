"""What patients owe, over all their open invoices."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from billing.invoices.models import InvoiceRow
from billing.invoices.states import InvoiceState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


@dataclass(frozen=True, kw_only=True)
class Owed:
    """How many invoices are open, and what all of them together owe."""

    invoices: int
    amount: Money


def owed_in_all(read: Read, actor: Actor) -> Owed:
    query = select(func.count(), func.coalesce(func.sum(InvoiceRow.open_cents), 0)).where(
        InvoiceRow.state == InvoiceState.OPEN, *within_reach(actor, InvoiceRow)
    )
    count, cents = read.session.execute(query).one()
    return Owed(invoices=count, amount=Money(int(cents)))
