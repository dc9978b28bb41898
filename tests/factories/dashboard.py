"""What somebody did in the processor's dashboard, as its lists tell of it."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.differences import differences
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.reconciliation import open_exceptions
from billing.payments.records.payments import Payment
from billing.payments.records.reconciliation import MovementFacts, NamedException
from billing.payments.records.refunds import Refund, RefundReason
from billing.payments.use_cases.foreign_refunds import ask_to_book_foreign_refund
from billing.payments.use_cases.reconciliation import keep_movements, name_exceptions
from billing.platform.data.database import Database


def a_movement(
    category: str, amount: Money, now: datetime, *, source: str | None = None, charge: str | None = None
) -> MovementFacts:
    return MovementFacts(
        reference=f"txn_{category}",
        source=source,
        reporting_category=category,
        amount=amount,
        fee=Money(0),
        charge=charge,
        operation=None,
        moved_at=now,
    )


def named_of(database: Database, moved: MovementFacts, now: datetime) -> NamedException:
    """The exception of something that moved at the processor and is not in the books."""
    database.in_transaction(lambda tx: keep_movements(tx, movements=[moved], actor=SYSTEM, now=now))
    with database.reading() as read:
        found = [each for each in differences(read) if each.is_at_processor]
    database.in_transaction(lambda tx: name_exceptions(tx, found=found, actor=SYSTEM, now=now))
    with database.reading() as read:
        return open_exceptions(read)[0]


def gone_by_hand(database: Database, payment: Payment, amount: Money, now: datetime) -> Refund:
    """A refund that left in the dashboard and is asked for here; another person has to approve it."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    named = named_of(database, a_movement("refund", -amount, now, source="re_by_hand", charge=charge), now)
    return database.in_transaction(
        lambda tx: ask_to_book_foreign_refund(
            tx,
            exception_id=named.id,
            reason=RefundReason.DUPLICATE,
            limit=Money(0),
            actor=SYSTEM,
            now=now,
        )
    )
