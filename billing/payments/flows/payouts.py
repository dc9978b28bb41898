"""A payout, around the calls to the processor."""

from __future__ import annotations

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.room import Payments, write_now
from billing.payments.records.payouts import Payout
from billing.payments.use_cases.payouts import record_payout


def follow_payout(room: Payments, *, reference: str) -> Payout | None:
    """Read a payout and what it is made of at the processor, and record what became of it.

    Raises: UnexplainedMoney, so that its job waits for a person.
    """
    facts = room.gateway.read_payout(reference)
    return write_now(room, lambda tx, now: record_payout(tx, facts=facts, actor=SYSTEM, now=now))
