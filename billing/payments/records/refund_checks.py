"""Refund checks that nobody cashed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class OutstandingCheck:
    """`id` is the refund's; `payer_id` is whom it went to if not to the patient; it is out for `days`."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    payer_id: str | None
    number: str
    amount: Money
    written_on: date
    days: int
