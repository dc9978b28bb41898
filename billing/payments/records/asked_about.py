"""What people are asked about, by what tells two of a kind apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.kernel.money import ZERO, Money
from billing.payments.records.saved_methods import CardFacts


@dataclass(frozen=True, kw_only=True)
class AskedAbout:
    """`on` is a day or a moment; of a lost dispute what the clinic paid twice, and what insurers gave."""

    amount: Money | None = None
    on: date
    patient_id: str | None = None
    card: CardFacts | None = None
    paid_twice: Money = ZERO
    reimbursed: Money = ZERO
