"""What the books must say after any order of deeds: some fifty lines beside the whole product.

A bill is one session of $450. Amounts are cents; balances are debit positive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

PRICE = 45_000
DISPUTE_FEE = 1_500


def fee(cents: int) -> int:
    """2.9% + 30 cents, half up."""
    return (cents * 290 + 5_000) // 10_000 + 30


@dataclass(eq=False)
class Bill:
    """`gone` is what went back of its cover: it stays settled, and brings that much less.

    `deposit` is what of its cover was paid ahead.
    """

    invoice_id: str
    session_id: str
    covered: int = 0
    gone: int = 0
    deposit: int = 0
    state: str = "planned"

    @property
    def owed(self) -> int:
        return PRICE - self.covered if self.state != "cancelled" else 0


@dataclass(eq=False)
class Card:
    """A card payment. `held` is the patient's to choose: a refund of it that failed."""

    bill: Bill
    charge: str
    paid: int
    given_back: int = 0
    disputed: int = 0
    lost: int = 0
    held: int = 0
    payment_id: str = ""
    dispute: str = ""

    @property
    def left(self) -> int:
        return self.paid - self.given_back - self.disputed - self.lost

    def take(self, cents: int) -> int:
        """What goes away of a payment is taken of what is held; how much its bill has to bring."""
        held = min(self.held, cents)
        self.held -= held
        return cents - held


@dataclass
class Model:
    """`credit` and `deposit` are of the patient who is there, `others` by account of those who were.

    `drawer` is what fell into the open one, `short` what was missing at all counts.
    """

    bills: list[Bill] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    credit: int = 0
    deposit: int = 0
    others: Counter[str] = field(default_factory=Counter)
    cash: int = 0
    drawer: int | None = None
    short: int = 0
    disputes: int = 0
    chargeback_loss: int = 0

    @property
    def available(self) -> int:
        return self.deposit + self.credit

    def another_patient_comes(self) -> None:
        """What earlier ones hold is theirs, and comes off no bill of this one."""
        self.others.update({"2100": self.deposit, "2200": self.credit})
        self.deposit = self.credit = 0

    def leave_a_deposit(self, cents: int) -> None:
        self.deposit += cents
        self._take_cash(cents)

    def pay_in_cash(self, bill: Bill, cents: int) -> None:
        bill.covered += cents
        self._take_cash(cents)

    def _take_cash(self, cents: int) -> None:
        self.cash += cents
        self.drawer = None if self.drawer is None else self.drawer + cents

    def pay_by_check(self, bill: Bill, cents: int) -> None:
        """It lies where cash does, though not in the drawer; less than 0 when it bounces."""
        bill.covered, self.cash = bill.covered + cents, self.cash + cents

    def count(self, found: int) -> None:
        missing = (self.drawer or 0) - found
        self.cash, self.short, self.drawer = self.cash - missing, self.short + missing, None

    def take_credit(self, bill: Bill) -> None:
        """The deposit first, which is the oldest."""
        ahead = min(self.deposit, bill.owed)
        taken = min(self.credit, bill.owed - ahead)
        self.deposit, self.credit = self.deposit - ahead, self.credit - taken
        bill.covered, bill.deposit = bill.covered + ahead + taken, bill.deposit + ahead

    def move_credit(self, bill: Bill, to: Bill, cents: int, *, is_deposit: bool) -> None:
        bill.covered, to.covered = bill.covered - cents, to.covered + cents
        if is_deposit:
            bill.deposit, to.deposit = bill.deposit - cents, to.deposit + cents

    def charge(self, bill: Bill, charge: str) -> Card:
        card = Card(bill, charge, bill.owed)
        self.cards.append(card)
        bill.covered += card.paid
        return card

    def refund(self, card: Card, cents: int) -> None:
        card.bill.gone += card.take(cents)
        card.given_back += cents

    def refund_fails(self, card: Card, cents: int) -> None:
        card.given_back, card.held = card.given_back - cents, card.held + cents

    def dispute(self, card: Card) -> None:
        card.disputed, self.disputes = card.left, self.disputes + 1

    def decide(self, card: Card, lost: int) -> None:
        """What is given is a loss; what is not given is called off, unless some of its money stayed."""
        card.disputed, card.lost, taken = 0, card.lost + lost, card.take(lost)
        if card.bill.state == "given":
            self.chargeback_loss += taken
        elif taken:
            card.bill.gone += taken
            card.bill.state = "cancelled" if card.bill.gone == card.bill.covered else "planned"

    def cancel(self, bill: Bill) -> None:
        self.credit += bill.covered - bill.gone - bill.deposit
        self.deposit, bill.state = self.deposit + bill.deposit, "cancelled"

    def at_the_processor(self) -> dict[str, int]:
        captured = sum(card.paid for card in self.cards)
        refunded = sum(card.given_back for card in self.cards)
        disputed = sum(card.disputed + card.lost for card in self.cards)
        fees = sum(fee(card.paid) for card in self.cards) + DISPUTE_FEE * self.disputes
        moved = {"captured": captured, "refunded": refunded, "disputed": disputed, "fees": fees}
        return {**moved, "left": captured - refunded - disputed - fees}

    def balances(self) -> dict[str, int]:
        """Clearing and bank are one: the processor pays out by itself."""
        given = [bill for bill in self.bills if bill.state == "given"]
        planned = [bill for bill in self.bills if bill.state == "planned"]
        held = sum(card.held for card in self.cards)
        found = {
            "1050": self.at_the_processor()["left"],
            "1060": self.cash,
            "1070": sum(card.disputed for card in self.cards),
            "1100": sum(bill.owed for bill in given),
            "2100": -sum(bill.covered - bill.gone for bill in planned) - self.deposit - self.others["2100"],
            "2200": -self.credit - self.others["2200"] - held,
            "4000": -PRICE * len(given),
            "4930": sum(bill.gone for bill in given),
            "6100": sum(fee(card.paid) for card in self.cards),
            "6110": DISPUTE_FEE * self.disputes,
            "6140": self.short,
            "6210": self.chargeback_loss,
        }
        return {account: cents for account, cents in found.items() if cents}
