"""What the books must say after any order of deeds: some fifty lines beside the whole product.

A bill is one session of $450. Amounts are cents; balances are debit positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PRICE = 45_000
DISPUTE_FEE = 1_500


def fee(cents: int) -> int:
    """2.9% + 30 cents, half up."""
    return (cents * 290 + 5_000) // 10_000 + 30


@dataclass(eq=False)
class Bill:
    invoice_id: str
    session_id: str
    covered: int = 0
    state: str = "planned"

    @property
    def owed(self) -> int:
        return PRICE - self.covered if self.state != "cancelled" else 0


@dataclass(eq=False)
class Card:
    """A charge that was booked. `lost` went in a dispute, `disputed` waits for one."""

    payment_id: str
    charge: str
    bill: Bill
    cents: int
    refunded: int = 0
    disputed: int = 0

    @property
    def left(self) -> int:
        return self.cents - self.refunded - self.disputed


@dataclass
class Model:
    bills: list[Bill] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    credit: int = 0
    clearing: int = 0
    cash: int = 0
    fees: int = 0
    disputed: int = 0
    dispute_fees: int = 0
    refunded_income: int = 0
    lost: int = 0
    events_are_held: bool = False

    def take_credit(self, bill: Bill) -> None:
        taken = min(self.credit, bill.owed)
        self.credit, bill.covered = self.credit - taken, bill.covered + taken

    def charge(self, bill: Bill, payment_id: str, charge: str) -> None:
        cents = bill.owed
        self.cards.append(Card(payment_id, charge, bill, cents))
        self.clearing, self.fees = self.clearing + cents - fee(cents), self.fees + fee(cents)
        bill.covered += cents

    def cancel(self, bill: Bill) -> None:
        self.credit += bill.covered
        bill.covered, bill.state = 0, "cancelled"

    def balances(self) -> dict[str, int]:
        given = [bill for bill in self.bills if bill.state == "given"]
        planned = [bill for bill in self.bills if bill.state == "planned"]
        found = {
            "1050": self.clearing,
            "1060": self.cash,
            "1070": self.disputed,
            "1100": sum(bill.owed for bill in given),
            "2100": -sum(bill.covered for bill in planned),
            "2200": -self.credit,
            "4000": -PRICE * len(given),
            "4930": self.refunded_income,
            "6100": self.fees,
            "6110": self.dispute_fees,
            "6210": self.lost,
        }
        return {account: cents for account, cents in found.items() if cents}
