"""Checks that a bank did not pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.money import Money, total


class BounceReason(StrEnum):
    """What the bank says: a word of this list, so that nothing of a patient is ever in it."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    ACCOUNT_CLOSED = "account_closed"
    PAYMENT_STOPPED = "payment_stopped"
    STALE = "stale"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """`owed` is on invoices again, the rest of `amount` was credit; `fee` is what the bank asks for it."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    payment_id: str
    reason: BounceReason
    amount: Money
    owed: Money
    fee: Money
    bounced_on: date
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class BounceEffects:
    """What recording a bounce does: invoices owe again, credit is withdrawn, deposits are asked for again,
    unless a refund stands."""

    owed_by_invoice: Mapping[str, Money]
    withdrawn: Money
    asked_again: Money
    refund_ids: Sequence[str]

    @property
    def owed(self) -> Money:
        return total(self.owed_by_invoice.values())
