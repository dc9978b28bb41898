"""How an amount goes back to a patient over several payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.kernel.money import Money
from billing.payments.records.refunds import Refund, RefundMethod


@dataclass(frozen=True, kw_only=True)
class PaymentLeft:
    """A payment, what can go back of it, and how: by check also where the card that paid is gone."""

    payment_id: str
    payer_id: str | None
    method: RefundMethod
    received_at: datetime
    refundable: Money
    is_disputed: bool


@dataclass(frozen=True, kw_only=True)
class RefundPart:
    payment_id: str
    method: RefundMethod
    amount: Money


@dataclass(frozen=True, kw_only=True)
class RefundPlan:
    """The parts of an amount in their order; `refundable` is the most that it could have been."""

    refundable: Money
    parts: tuple[RefundPart, ...]
    disputed_payment_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlacedRefunds:
    refunds: tuple[Refund, ...]
