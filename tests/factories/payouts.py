"""What the processor paid out to the bank, and of what, for tests of the pages and registers about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import charge_of_payment
from billing.payments.records.payments import Payment
from billing.payments.records.payouts import Payout, PayoutFacts, PayoutLineFacts
from billing.payments.records.reconciliation import MovementFacts
from billing.payments.states.payouts import PayoutEvent
from billing.payments.use_cases.payouts import record_payout
from billing.payments.use_cases.reconciliation import keep_movements
from billing.platform.data.database import Database


def a_line(category: str, cents: int, source: str, reference: str = "") -> PayoutLineFacts:
    """A movement of the balance, net of its fee."""
    named = reference or f"txn_{category}_{source}"
    return PayoutLineFacts(reference=named, source=source, reporting_category=category, net=Money(cents))


def line_of_payment(database: Database, payment: Payment) -> PayoutLineFacts:
    """What a card payment brought, less its fee."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    return a_line("charge", (payment.amount - payment.fee).cents, charge)


def paid_out(
    database: Database,
    now: datetime,
    lines: Sequence[PayoutLineFacts] | None,
    *,
    amount: Money | None = None,
    name: str = "po_1",
    told: PayoutEvent | None = PayoutEvent.ARRIVE,
    arrives_on: date | None = None,
) -> Payout:
    """As the processor tells of it; without lines, and with an amount, one that was made by hand."""
    facts = PayoutFacts(
        reference=name,
        told=told,
        amount=total(line.net for line in lines or ()) if amount is None else amount,
        arrives_on=arrives_on or now.date(),
        is_automatic=lines is not None,
        lines=None if lines is None else tuple(lines),
    )
    kept = database.in_transaction(lambda tx: record_payout(tx, facts=facts, actor=SYSTEM, now=now))
    assert kept is not None
    return kept


def listed(database: Database, line: PayoutLineFacts, fee: Money, now: datetime) -> None:
    """The daily reading of the processor's lists came to the movement of a line."""
    moved = MovementFacts(
        reference=line.reference,
        source=line.source,
        reporting_category=line.reporting_category,
        amount=line.net + fee,
        fee=fee,
        charge=None,
        operation=None,
        moved_at=now,
    )
    database.in_transaction(lambda tx: keep_movements(tx, movements=[moved], actor=SYSTEM, now=now))
