"""Receipts, as the room hands them to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A receipt of a payment or of a refund. `body` is what it says, as it was frozen.

    `stands` is false once the payment bounced or was booked for somebody else, or the refund came back.
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
    stands: bool
    body: Mapping[str, Any]


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
