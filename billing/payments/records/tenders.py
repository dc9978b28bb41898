"""Several tenders that pay one invoice at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.kernel.money import Money
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Payment, Tender


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What is settled by hand: credit, cash, or a check, whose number and date are on it.

    Of cash, `amount` is what is kept of what was `tendered`, when that was said. `is_another` is said of a
    check whose number is that of one which is booked.
    """

    tender: Tender
    amount: Money
    number: str | None = None
    dated_on: date | None = None
    is_health_account: bool = False
    is_another: bool = False
    tendered: Money | None = None


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Where what the tenders leave is asked for: on a card page that returns to us, or on a reader."""

    way: Way
    return_url: str = ""
    reader_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of the tenders. `checkout_id` is the attempt to take the rest, when there is one."""

    invoice_id: str
    patient_id: str
    credit: Money
    payments: tuple[Payment, ...]
    open_balance: Money
    checkout_id: str | None
