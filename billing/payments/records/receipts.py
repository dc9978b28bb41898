"""Receipts, as the room hands them to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from billing.kernel.money import Money


class Fell(StrEnum):
    """Why a receipt does not stand any more."""

    BOUNCED = "bounced"
    MOVED = "moved"
    FAILED = "failed"


WHY_FELL = {
    Fell.BOUNCED: "the check did not pay",
    Fell.MOVED: "the clinic has booked this payment otherwise",
    Fell.FAILED: "this refund did not go through",
}
"""The same as one tells who has it in hand; never whose the money was."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A receipt of a payment or of a refund. `body` is what it says, as it was frozen.

    `fell` is set once the payment bounced or was booked for somebody else, or the refund came back.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    number: str
    payment_id: str | None
    refund_id: str | None
    refers_to_id: str | None
    amount: Money
    document_id: str
    sha256: str
    issued_on: date
    fell: Fell | None
    body: Mapping[str, Any]

    @property
    def stands(self) -> bool:
        return self.fell is None

    @property
    def why_fell(self) -> str | None:
        return WHY_FELL[self.fell] if self.fell else None


@dataclass(frozen=True, kw_only=True)
class PaidService:
    """What money went to, in words that a health account's administrator understands.

    `provider` is who gives it, and `is_given` whether that has happened by the time of the receipt; a visit
    that was missed is not to come either.
    """

    description: str
    service_on: date | None
    is_given: bool
    provider: str | None
    amount: Money
