"""A patient's money as it should be: what the books are held against, whatever order things come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import func, select

from billing.invoices.models import ReturnRow, TenderReversalRow, TenderRow
from billing.ledger.models import LineRow
from billing.platform.data.database import Read

MOST = 13
"""The largest number that chooses; it alone chooses among all."""

T = TypeVar("T")


@dataclass(eq=False)
class Visit:
    """`net` is None while it stands on no bill; `covered` is by what the money was, or by the credit."""

    net: int | None = None
    covered: Counter[str | Lot] = field(default_factory=Counter)
    state: str = "planned"

    def leave_the_bill(self) -> None:
        self.net, self.covered = None, Counter()

    def is_billable(self) -> bool:
        return self.net is None and self.state != "cancelled"

    @property
    def owed(self) -> int:
        return (self.net or 0) - self.covered.total()


@dataclass(eq=False)
class Bill:
    visits: list[Visit]
    is_package: bool = False
    open: int = 0
    state: str = "open"
    tendered: int = 0

    @property
    def has_tender(self) -> bool:
        return self.tendered != 0

    def standing(self) -> list[Visit]:
        return [] if self.state == "void" else self.visits


@dataclass(eq=False)
class Lot:
    available: int
    election: str | None
    of: Visit | None = None
    source: str = ""
    amount: int = 0
    is_chosen: bool = False


@dataclass(eq=False)
class Page:
    """A checkout; it may take money while it is open, whatever becomes of its bill.

    `lent` is what credit came off for it, by the credit and the visit; `came_back` what it gave back.
    """

    bill: Bill
    cents: int
    state: str = "open"
    lent: list[tuple[Lot, Visit, int]] = field(default_factory=list)
    came_back: int = 0


@dataclass(eq=False)
class Card:
    amount: int
    refunded: int = 0


@dataclass(eq=False)
class Refund:
    lot: Lot
    amount: int
    card: Card | None
    state: str = "requested"
    was_sent: bool = False
    approved_itself: bool = False

    def end(self, state: str) -> None:
        """The money is the patient's credit again."""
        self.state = state
        self.lot.available += self.amount
        if self.card:
            self.card.refunded -= self.amount


@dataclass(eq=False)
class Model:
    """One patient's money as it should be."""

    visits: dict[str, Visit] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    refunds: dict[str, Refund] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    pages: dict[str, Page] = field(default_factory=dict)
    to_payers: int = 0

    def bill_of(self, visit: Visit) -> Bill | None:
        """The bill that the visit stands on now."""
        return next((bill for bill in self.bills.values() if visit in bill.standing()), None)

    def page_of(self, bill: Bill) -> str | None:
        """The checkout of the bill that may still take money."""
        return next(
            (key for key, page in self.pages.items() if page.bill is bill and page.state == "open"), None
        )

    def hold(self, cents: int, source: str, of: Visit | None = None) -> None:
        if cents:
            election = None if source == "reimbursement" else "credit"
            self.lots.append(Lot(cents, election, of, source, cents))

    def settle(
        self, bill: Bill, cents: int, source: str | Lot, only: Visit | None = None
    ) -> list[tuple[Visit, int]]:
        """What each visit took of it."""
        if cents:
            bill.open, bill.tendered = bill.open - cents, bill.tendered + cents
        taken = []
        for visit in [only] if only else bill.visits:
            part = min(cents, visit.owed)
            visit.covered[source] += part
            cents -= part
            taken.append((visit, part))
        self.close_if_settled(bill)
        return taken

    def close_if_settled(self, bill: Bill) -> None:
        if bill.state == "open" and not bill.open:
            bill.state = "paid"

    def apply_credits(self, bill: Bill, at_most: int | None = None) -> list[tuple[Lot, Visit, int]]:
        """What each visit took of each credit."""
        taken = []
        left = bill.open if at_most is None else min(at_most, bill.open)
        for lot in self.lots:
            part = min(lot.available, left) if lot.election == "credit" else 0
            lot.available, left = lot.available - part, left - part
            taken += [(lot, visit, cents) for visit, cents in self.settle(bill, part, lot)]
        return taken

    def close_page(self, page: Page) -> None:
        """It took nothing: what credit was lent to it, and its bill still has, is credit again."""
        page.state = "closed"
        for lot, visit, cents in page.lent:
            if cents and visit in page.bill.visits:
                visit.covered[lot] -= cents
                lot.available += cents
                page.bill.open, page.bill.tendered = page.bill.open + cents, page.bill.tendered - cents
                page.bill.state = "open"
                page.came_back += cents
        page.lent = []

    def lend_again(self, page: Page) -> None:
        """It took its money after all."""
        if page.came_back and self.page_of(page.bill) is None:
            self.apply_credits(page.bill, page.came_back)

    def give_back(self, visit: Visit) -> None:
        """What a visit that is called off had of a credit is that credit again; the rest becomes one."""
        for lot in [each for each in visit.covered if isinstance(each, Lot)]:
            lot.available += visit.covered.pop(lot)
        self.hold(visit.covered.total(), "return")

    def called_off(self) -> int:
        return sum(visit.state == "cancelled" for visit in self.visits.values())

    def credit(self) -> int:
        return sum(lot.available for lot in self.lots if lot.election == "credit")

    def approved_itself(self) -> int:
        """What counts against the limit of refunds; the machine's clock stands still."""
        refunds = self.refunds.values()
        return sum(one.amount for one in refunds if one.approved_itself and one.state != "failed")

    def balances(self) -> dict[str, int]:
        """By account, debits positive, in the words of the postings."""
        billed = [visit for visit in self.visits.values() if visit.net is not None]
        given = [visit for visit in billed if visit.state == "given"]
        waiting = Counter[str]()
        sent = Counter[str]()
        for refund in self.refunds.values():
            waiting[refund.state] += refund.amount
            if refund.state in ("sent", "succeeded"):
                sent["1050" if refund.card else "1000"] += refund.amount
        found = {
            "1000": self.received["insurer"] - sent["1000"],
            "1050": self.received["card"] - sent["1050"],
            "1060": self.received["cash"],
            "1100": sum(visit.owed for visit in given),
            "2100": -sum(visit.covered.total() for visit in billed if visit.state != "given"),
            "2200": -sum(lot.available for lot in self.lots) - waiting["requested"],
            "2210": -waiting["approved"],
            "2220": -self.to_payers,
            "income": -sum(visit.net or 0 for visit in given),
        }
        return {account: cents for account, cents in found.items() if cents}


def pick(things: Mapping[str, T], which: int, likely: Callable[[T], object] = bool) -> tuple[str, T]:
    """Mostly one with which the deed will succeed, where there is one."""
    hopeful = {key: thing for key, thing in things.items() if likely(thing)} if which < MOST else {}
    found = list((hopeful or things).items())
    return found[which % len(found)]


def booked(read: Read, patient_id: str) -> dict[str, int]:
    """What the ledger holds of one patient, income and discounts together."""
    query = (
        select(LineRow.account, func.sum(LineRow.cents))
        .where(LineRow.patient_id == patient_id)
        .group_by(LineRow.account)
    )
    found = Counter[str]()
    for account, cents in read.session.execute(query):
        found["income" if account.startswith("4") else account] += int(cents)
    return {account: cents for account, cents in found.items() if cents}


def tendered(read: Read, invoice_id: str) -> int:
    """What came for an invoice and was not undone, less what its cancelled sessions gave free."""
    came, undone, freed = (
        read.session.scalar(select(func.sum(cents)).where(of == invoice_id)) or 0
        for cents, of in (
            (TenderRow.cents, TenderRow.invoice_id),
            (TenderReversalRow.cents, TenderReversalRow.invoice_id),
            (ReturnRow.freed_cents, ReturnRow.invoice_id),
        )
    )
    return int(came) - int(undone) - int(freed)
