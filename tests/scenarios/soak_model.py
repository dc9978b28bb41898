"""What the books must say after any order of deeds: a small model beside the whole product.

A bill is one session of $450. Amounts are cents; balances are debit positive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

PRICE = 45_000
DISPUTE_FEE = 1_500
FAILED_DEBIT_FEE = 400
READER, BANK = "card_present", "us_bank_account"
FEES = {"card": (290, 30, PRICE), READER: (270, 5, PRICE), BANK: (80, 0, 500)}
"""Basis points, cents, and at most."""


def fee(cents: int, by: str) -> int:
    """Half up."""
    points, more, most = FEES[by]
    return min((cents * points + 5_000) // 10_000 + more, most)


@dataclass(eq=False)
class Bill:
    """`gone` is what went back of its cover: it stays settled, and brings that much less.

    `deposit` is what of its cover was paid ahead, `part` what another payer took of it.
    """

    invoice_id: str
    session_id: str
    covered: int = 0
    gone: int = 0
    deposit: int = 0
    state: str = "planned"
    share_id: str = ""
    part: int = 0
    part_paid: int = 0

    @property
    def owed(self) -> int:
        return PRICE - self.covered - self.part if self.state != "cancelled" else 0

    @property
    def part_owed(self) -> int:
        return self.part - self.part_paid if self.state != "cancelled" else 0


@dataclass(eq=False)
class Card:
    """A payment through the processor. `held` is the patient's to choose: a refund of it that failed."""

    bill: Bill
    charge: str
    paid: int
    given_back: int = 0
    disputed: int = 0
    lost: int = 0
    held: int = 0
    payment_id: str = ""
    dispute: str = ""
    by: str = "card"
    is_payers: bool = False

    @property
    def left(self) -> int:
        return max(0, self.paid - self.given_back - self.disputed - self.lost)

    @property
    def taken_twice(self) -> int:
        """By a bank, after it had gone back."""
        return max(0, self.given_back + self.lost - self.paid)

    def take(self, cents: int) -> int:
        """What goes away of a payment is taken of what is held; how much its bill has to bring."""
        held = min(self.held, cents)
        self.held -= held
        return cents - held


@dataclass(frozen=True)
class Debit:
    """Of a bank account, under way until it ends. The processor counts it from the start."""

    bill: Bill
    charge: str
    paid: int
    ends_at: datetime
    fails: bool


@dataclass
class Model:
    """`credit` and `deposit` are of the patient who is there, `others` by account of those who were.

    `payers` is held for other payers. `drawer` is what fell into the open one, `short` what was missing at
    all counts.
    """

    bills: list[Bill] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    debits: list[Debit] = field(default_factory=list)
    lost_fees: int = 0
    credit: int = 0
    deposit: int = 0
    payers: int = 0
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

    def charge(self, bill: Bill, charge: str, *, by: str = "card") -> Card:
        card = Card(bill, charge, bill.owed, by=by)
        self.cards.append(card)
        bill.covered += card.paid
        return card

    def pay_part_in_cash(self, bill: Bill, cents: int) -> None:
        bill.part_paid += cents
        self._take_cash(cents)

    def charge_part(self, bill: Bill, charge: str) -> Card:
        card = Card(bill, charge, bill.part_owed, is_payers=True)
        self.cards.append(card)
        bill.part_paid = bill.part
        return card

    def begin_debit(self, bill: Bill, charge: str, ends_at: datetime, *, fails: bool) -> None:
        self.debits.append(Debit(bill, charge, bill.owed, ends_at, fails))

    def end_debits(self, now: datetime) -> list[Card]:
        """What failed costs all the same; what was paid is a payment like others."""
        ended = [debit for debit in self.debits if debit.ends_at <= now]
        self.debits = [debit for debit in self.debits if debit.ends_at > now]
        self.lost_fees += sum(fee(debit.paid, BANK) + FAILED_DEBIT_FEE for debit in ended if debit.fails)
        paid = [Card(debit.bill, debit.charge, debit.paid, by=BANK) for debit in ended if not debit.fails]
        for card in paid:
            card.bill.covered += card.paid
        self.cards += paid
        return paid

    @property
    def coming(self) -> int:
        """Cents that the processor counts, and the clinic not before they are paid."""
        return sum(debit.paid - fee(debit.paid, BANK) for debit in self.debits)

    def refund(self, card: Card, cents: int) -> None:
        card.given_back += cents
        if card.is_payers:
            self.payers -= cents
        else:
            card.bill.gone += card.take(cents)

    def refund_fails(self, card: Card, cents: int) -> None:
        """What a bank took as well is no loss any more, the rest is held."""
        kept = min(cents, card.taken_twice)
        card.given_back, self.chargeback_loss = card.given_back - cents, self.chargeback_loss - kept
        if card.is_payers:
            self.payers += cents
        else:
            card.held += cents - kept

    def dispute(self, card: Card, cents: int) -> None:
        card.disputed, self.disputes = cents, self.disputes + 1

    def decide(self, card: Card, lost: int) -> None:
        """What is given is a loss, and what had gone back before.

        What is not given is called off, unless some of its money stayed.
        """
        twice, card.disputed, card.lost = card.taken_twice, 0, card.lost + lost
        beyond = card.taken_twice - twice
        taken, self.chargeback_loss = card.take(lost - beyond), self.chargeback_loss + beyond
        if card.bill.state == "given":
            self.chargeback_loss += taken
        elif taken:
            card.bill.gone += taken
            card.bill.state = "cancelled" if card.bill.gone == card.bill.covered else "planned"

    def cancel(self, bill: Bill) -> None:
        self.credit += bill.covered - bill.gone - bill.deposit
        self.payers += bill.part_paid
        self.deposit, bill.state = self.deposit + bill.deposit, "cancelled"

    def at_the_processor(self) -> dict[str, int]:
        through = [
            *((card.paid, card.by) for card in self.cards),
            *((each.paid, BANK) for each in self.debits),
        ]
        captured = sum(cents for cents, _ in through)
        refunded = sum(card.given_back for card in self.cards)
        disputed = sum(card.disputed + card.lost for card in self.cards)
        fees = sum(fee(cents, by) for cents, by in through) + self.lost_fees + DISPUTE_FEE * self.disputes
        moved = {"captured": captured, "refunded": refunded, "disputed": disputed, "fees": fees}
        return {**moved, "left": captured - refunded - disputed - fees}

    def balances(self) -> dict[str, int]:
        """Clearing and bank are one: the processor pays out by itself."""
        given = [bill for bill in self.bills if bill.state == "given"]
        planned = [bill for bill in self.bills if bill.state == "planned"]
        held = sum(card.held for card in self.cards)
        found = {
            "1050": self.at_the_processor()["left"] - self.coming,
            "1060": self.cash,
            "1070": sum(card.disputed for card in self.cards),
            "1100": sum(bill.owed for bill in given),
            "1130": sum(bill.part_owed for bill in given),
            "2100": -sum(bill.covered + bill.part_paid - bill.gone for bill in planned)
            - self.deposit
            - self.others["2100"],
            "2200": -self.credit - self.others["2200"] - held,
            "2220": -self.payers,
            "4000": -PRICE * len(given),
            "4930": sum(bill.gone for bill in given),
            "6100": sum(fee(card.paid, card.by) for card in self.cards) + self.lost_fees,
            "6110": DISPUTE_FEE * self.disputes,
            "6140": self.short,
            "6210": self.chargeback_loss,
        }
        return {account: cents for account, cents in found.items() if cents}
