"""What payers got back of what they demanded: sent to them, or kept by them out of another payment."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import update

from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import MoreThanAvailable
from billing.payments.models.takebacks import TakebackReturnRow, TakebackRow
from billing.platform.data.database import Tx


def return_to_payer(
    tx: Tx, row: TakebackRow, amount: Money, on: date, source_id: str | None, actor: Actor, now: datetime
) -> TakebackReturnRow:
    """Keep that a payer got this much of its demand; the caller posts it.

    `source_id` says out of what payment the payer kept it; None when the clinic sent it.
    Raises: MoreThanAvailable.
    """
    left = tx.session.scalar(
        update(TakebackRow)
        .where(
            TakebackRow.id == row.id, TakebackRow.amount_cents - TakebackRow.returned_cents >= amount.cents
        )
        .values(returned_cents=TakebackRow.returned_cents + amount.cents)
        .returning(TakebackRow.returned_cents)
    )
    if left is None:
        available = row.amount_cents - row.returned_cents
        raise MoreThanAvailable("The payer is owed less than that.", available_cents=available)
    returned = TakebackReturnRow(
        id=new_id("tkr"),
        takeback_id=row.id,
        source_id=source_id,
        amount_cents=amount.cents,
        returned_on=on,
        returned_at=now,
        returned_by_person=actor.person,
    )
    tx.session.add(returned)
    tx.session.flush()
    return returned
