"""A dispute, around the calls to the processor."""

from __future__ import annotations

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.room import Payments, write_now
from billing.payments.records.disputes import Dispute
from billing.payments.use_cases.disputes import record_dispute


def follow_dispute(room: Payments, *, reference: str) -> Dispute:
    """Read a dispute and its movements at the processor and record what became of it.

    Raises: UnexplainedMoney, so that its job waits for a person.
    """
    facts = room.gateway.read_dispute(reference)
    return write_now(room, lambda tx, now: record_dispute(tx, facts=facts, actor=SYSTEM, now=now))
