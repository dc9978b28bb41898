"""Money given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.payments.states.refunds import RefundState


class RefundMethod(StrEnum):
    CARD = "card"
    CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Refund:
    id: str
    entity_id: str
    site_id: str
    patient_id: str
    lot_id: str
    payment_id: str | None
    method: RefundMethod
    amount: Money
    state: RefundState
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    refunded_on: date | None
    reference: str | None
