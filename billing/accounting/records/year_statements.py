"""A patient's year: the money of each day, and what each visit cost in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.accounting.records.statements import About
from billing.kernel.money import ZERO, Money, total


@dataclass(frozen=True, kw_only=True)
class YearPayment:
    """One day's money: `paid` by the patient, or `back` to them, from whom `told` says."""

    on: date
    told: str
    paid: Money = ZERO
    back: Money = ZERO


@dataclass(frozen=True, kw_only=True)
class YearVisit:
    """cost = paid - back - reimbursed: what the visit cost the patient in the end."""

    on: date
    description: str
    net: Money
    paid: Money
    back: Money
    reimbursed: Money

    @property
    def cost(self) -> Money:
        return self.paid - self.back - self.reimbursed


@dataclass(frozen=True, kw_only=True)
class YearEnd:
    """A year twice: by the day on which money moved, and by the day of the visit."""

    about: About
    year: int
    payments: tuple[YearPayment, ...]
    visits: tuple[YearVisit, ...]
    has_health_account: bool = False

    @property
    def paid(self) -> Money:
        return total(each.paid for each in self.payments)

    @property
    def back(self) -> Money:
        return total(each.back for each in self.payments)

    @property
    def net(self) -> Money:
        return self.paid - self.back

    @property
    def cost(self) -> Money:
        return total(each.cost for each in self.visits)
