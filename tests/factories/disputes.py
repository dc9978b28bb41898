"""A payment that a bank took back."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import charge_of_payment
from billing.payments.records.disputes import Dispute, DisputeFacts, DisputeMovementFacts
from billing.payments.records.payments import Payment
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.disputes import record_dispute
from billing.platform.data.database import Database


def disputed(
    database: Database,
    payment: Payment,
    now: datetime,
    *,
    reason: str = "fraudulent",
    told: DisputeEvent = DisputeEvent.DISPUTE,
    amount: Money | None = None,
) -> Dispute:
    """A card payment, or an amount of it, to be answered within nine days; told again, what became of it.

    A bank that only asks has taken nothing.
    """
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    amount = amount or payment.amount
    taken = DisputeMovementFacts(
        reference=f"txn_du_{payment.id}",
        reporting_category="dispute",
        amount=-amount,
        fee=Money(1_500),
        moved_at=now,
    )
    facts = DisputeFacts(
        reference=f"du_{payment.id}",
        charge_reference=charge,
        told=told,
        reason=reason,
        amount=amount,
        due_at=now + timedelta(days=9),
        opened_at=now,
        movements=() if told is DisputeEvent.INQUIRE else (taken,),
    )
    return database.in_transaction(lambda tx: record_dispute(tx, facts=facts, actor=SYSTEM, now=now))
