"""Any order of bills, payments, credits, refunds and visits: the books say what a small model says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from billing.accounting.queries.verify import verify
from billing.care.queries import find_session
from billing.care.use_cases import cancel_session
from billing.invoices.models import InvoiceLineRow, ReturnRow, TenderRow
from billing.invoices.queries import find_invoice
from billing.invoices.use_cases import issue_invoice, void_invoice
from billing.kernel.errors import Conflict, Denied
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.models import LineRow
from billing.ledger.queries import trial_balance
from billing.patients.records import Patient
from billing.payments.queries import credits_of_patient, find_refund, list_payments
from billing.payments.records import Election
from billing.payments.use_cases.checkouts import begin_checkout, close_checkout, pay_checkout
from billing.payments.use_cases.credits import apply_credits_now, elect, hold_reimbursement
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import (
    approve_refund,
    fail_refund,
    keep_sent,
    reject_refund,
    request_refund,
    send_check,
    succeed_refund,
)
from billing.platform.data.database import Database
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient
from tests.factories.world import RETURN_URL, a_charge

CLERK, ACCOUNTANT = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "books")
)
LIMIT = 20_000
FEE = 30
WHICH = st.integers(0, 7)
CENTS = st.integers(1, 60_000)
NAMES = count(1)


@dataclass
class Visit:
    """`net` is None while it stands on no bill; `covered` is by what the money was."""

    net: int | None = None
    covered: Counter[str] = field(default_factory=Counter)
    state: str = "planned"

    @property
    def owed(self) -> int:
        return (self.net or 0) - self.covered.total()


@dataclass
class Bill:
    visits: list[Visit]
    is_package: bool
    open: int = 0
    state: str = "open"
    has_tender: bool = False
    page: str | None = None


@dataclass
class Lot:
    available: int
    election: str | None
    of: Visit | None = None
    source: str = ""
    amount: int = 0


@dataclass
class Card:
    amount: int
    refunded: int = 0


@dataclass
class Refund:
    lot: Lot
    amount: int
    card: Card | None
    state: str = "requested"


@dataclass
class Model:
    """One patient's money as it should be."""

    visits: dict[str, Visit] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    refunds: dict[str, Refund] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    to_payers: int = 0

    def hold(self, cents: int, source: str, of: Visit | None = None) -> None:
        if cents:
            election = None if source == "reimbursement" else "credit"
            self.lots.append(Lot(cents, election, of, source, cents))

    def settle(self, bill: Bill, cents: int, source: str, only: Visit | None = None) -> None:
        if cents:
            bill.open, bill.has_tender = bill.open - cents, True
        for visit in [only] if only else bill.visits:
            part = min(cents, visit.owed)
            visit.covered[source] += part
            cents -= part
        self.close_if_settled(bill)

    def close_if_settled(self, bill: Bill) -> None:
        if bill.state == "open" and not bill.open:
            bill.state = "paid"

    def apply_credits(self, bill: Bill) -> int:
        taken = 0
        for lot in self.lots:
            part = min(lot.available, bill.open) if lot.election == "credit" else 0
            lot.available -= part
            self.settle(bill, part, "credit")
            taken += part
        return taken

    def credit(self) -> int:
        return sum(lot.available for lot in self.lots if lot.election == "credit")

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


class MoneyMachine(RuleBasedStateMachine):
    """Staff, patients, processor and insurers in any order, each deed also told to the model."""

    database: ClassVar[Database]
    patient: Patient

    @initialize(is_veteran=st.booleans())
    def a_new_patient(self, is_veteran: bool) -> None:
        self.patient = a_patient(self.database, is_veteran=is_veteran)
        self.model = Model()
        self.quotes: list[tuple[str, list[str]]] = []
        self.pages: dict[str, tuple[str, int]] = {}
        self.claims: list[tuple[str, str]] = []
        self.another_plan()

    # --- care and bills ---------------------------------------------------------------------------------

    @precondition(lambda self: len(self.quotes) < 3)
    @rule()
    def another_plan(self) -> None:
        plan = new_plan(self.database, self.patient.id)
        quote = self.do(quote_plan, plan_id=plan.id)
        ids = [session.id for session in plan.sessions]
        self.quotes.append((quote.id, ids))
        self.model.visits.update({session_id: Visit() for session_id in ids})

    @rule(which=WHICH, chosen=st.none() | st.sets(st.integers(0, 5), min_size=1, max_size=4))
    def bill(self, which: int, chosen: set[int] | None) -> None:
        quote_id, ids = self.pick(self.quotes, which)
        named = None if chosen is None else [ids[place] for place in sorted(chosen)]
        visits = [self.model.visits[session_id] for session_id in named or ids]
        allowed = all(visit.net is None and visit.state != "cancelled" for visit in visits)
        invoice = self.attempt(issue_invoice, allowed, quote_id=quote_id, session_ids=named)
        if invoice:
            for line in invoice.lines:
                self.model.visits[line.session_id].net = line.net.cents
            bill = Bill(visits, is_package=named is None, open=invoice.total.cents)
            self.model.bills[invoice.id] = bill
            self.model.apply_credits(bill)

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH)
    def void(self, which: int) -> None:
        invoice_id, bill = self.pick(list(self.model.bills.items()), which)
        given = any(visit.state == "given" for visit in bill.visits)
        allowed = bill.state == "open" and not bill.has_tender and not given
        if self.attempt(void_invoice, allowed, invoice_id=invoice_id, reason="typo"):
            bill.state, bill.open = "void", 0
            for visit in bill.visits:
                visit.net = None

    @rule(which=st.integers(0, 17))
    def cancel(self, which: int) -> None:
        session_id, visit = self.pick(list(self.model.visits.items()), which)
        bill = self.bill_of(visit)
        allowed = visit.state == "planned" and not (bill and bill.is_package)
        if self.attempt(cancel_session, allowed, session_id=session_id):
            visit.state = "cancelled"
            if bill:
                bill.visits.remove(visit)
                bill.open -= visit.owed
                self.model.hold(visit.covered.total(), "return")
                visit.net, visit.covered = None, Counter()
                self.model.close_if_settled(bill)

    @rule(which=st.integers(0, 17))
    def visit(self, which: int) -> None:
        session_id, visit = self.pick(list(self.model.visits.items()), which)
        if visit.state == "planned":
            give(self.database, session_id)
            visit.state = "given"

    # --- money in ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH, cents=CENTS, is_all=st.booleans())
    def cash(self, which: int, cents: int, is_all: bool) -> None:
        invoice_id, bill = self.pick(list(self.model.bills.items()), which)
        cents = bill.open if is_all and bill.open else cents
        if self.attempt(take_cash, cents <= bill.open, invoice_id=invoice_id, amount=Money(cents)):
            self.model.received["cash"] += cents
            self.model.settle(bill, cents, "payment")

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH)
    def open_page(self, which: int) -> None:
        invoice_id, bill = self.pick(list(self.model.bills.items()), which)
        left = max(0, bill.open - self.model.credit())
        stands = bill.page is not None and self.pages[bill.page][1] != left
        page = self.attempt(
            begin_checkout,
            left >= 50 and not stands,
            invoice_id=invoice_id,
            return_url=RETURN_URL,
            request=None,
        )
        if page:
            self.model.apply_credits(bill)
            assert (page.amount.cents, bill.page or page.id) == (bill.open, page.id)
            bill.page = page.id
            self.pages[page.id] = (invoice_id, page.amount.cents)

    @precondition(lambda self: self.pages)
    @rule(which=WHICH)
    def pay_page(self, which: int) -> None:
        """Also one that was paid or closed before."""
        page_id, (invoice_id, cents) = self.pick(list(self.pages.items()), which)
        bill, is_new = self.model.bills[invoice_id], self.model.bills[invoice_id].page == page_id
        charge, reference = a_charge(page_id, Money(cents), NOW, Money(FEE)), f"cs_{page_id}"
        was_paid = page_id in self.paid_pages()
        paid = self.attempt(
            pay_checkout, is_new or was_paid, checkout_id=page_id, reference=reference, charge=charge
        )
        if paid and is_new:
            bill.page = None
            applied = min(cents, bill.open)
            self.model.received["card"] += cents
            self.model.settle(bill, applied, "payment")
            self.model.hold(cents - applied, "overpayment")
            with self.database.reading() as read:
                (payment,) = (
                    each
                    for each in list_payments(read, SYSTEM, invoice_id=invoice_id, limit=99)
                    if each.tender == "card" and each.id not in self.model.cards
                )
            self.model.cards[payment.id] = Card(cents)
            self.pages[page_id] = (invoice_id, cents)

    @precondition(lambda self: self.pages)
    @rule(which=WHICH)
    def close_page(self, which: int) -> None:
        page_id, (invoice_id, _) = self.pick(list(self.pages.items()), which)
        self.do(close_checkout, checkout_id=page_id)
        if self.model.bills[invoice_id].page == page_id:
            self.model.bills[invoice_id].page = None

    # --- credit -----------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 17), cents=CENTS, is_told_again=st.booleans())
    def reimburse(self, which: int, cents: int, is_told_again: bool) -> None:
        session_id, visit = self.pick(list(self.model.visits.items()), which)
        is_told_again = is_told_again and bool(self.claims)
        if is_told_again:
            session_id, claim = self.claims[-1]
        else:
            claim = f"rmc_{next(NAMES)}"
        held = self.attempt(
            hold_reimbursement,
            not is_told_again,
            session_id=session_id,
            amount=Money(cents),
            source_id=claim,
            received_on=NOW.date(),
        )
        if held:
            self.claims.append((session_id, claim))
            settled = min(cents, visit.owed)
            paid = visit.covered["payment"] + visit.covered["credit"]
            before = sum(lot.amount for lot in self.model.lots if lot.of is visit)
            theirs = max(0, min(cents - settled, paid - before))
            if bill := self.bill_of(visit):
                self.model.settle(bill, settled, "reimbursement", only=visit)
            self.model.hold(theirs, "reimbursement", visit)
            self.model.received["insurer"] += cents
            self.model.to_payers += cents - settled - theirs

    @precondition(lambda self: self.model.lots)
    @rule(which=WHICH, election=st.sampled_from(Election))
    def choose(self, which: int, election: Election) -> None:
        lot_id, lot = self.pick(self.lots(), which)
        if self.attempt(elect, lot.available > 0, lot_id=lot_id, election=election):
            lot.election = str(election)

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH)
    def use_credit(self, which: int) -> None:
        invoice_id, bill = self.pick(list(self.model.bills.items()), which)
        allowed = bill.open > 0 and self.model.credit() > 0
        if self.attempt(apply_credits_now, allowed, invoice_id=invoice_id):
            self.model.apply_credits(bill)

    # --- money back -------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.lots)
    @rule(which=WHICH, cents=CENTS, is_all=st.booleans(), to_card=WHICH)
    def ask_back(self, which: int, cents: int, is_all: bool, to_card: int) -> None:
        lot_id, lot = self.pick(self.lots(), which)
        cents = lot.available if is_all and lot.available else cents
        cards = [(None, None), *self.model.cards.items()]
        payment_id, card = cards[to_card % len(cards)]
        allowed = cents <= lot.available and (card is None or cents <= card.amount - card.refunded)
        asked = self.attempt(
            request_refund,
            allowed,
            lot_id=lot_id,
            amount=Money(cents),
            payment_id=payment_id,
            limit=Money(LIMIT),
        )
        if asked:
            lot.available -= cents
            if card:
                card.refunded += cents
            state = "approved" if cents <= LIMIT else "requested"
            self.model.refunds[asked.id] = Refund(lot, cents, card, state)

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH, is_own=st.booleans())
    def approve(self, which: int, is_own: bool) -> None:
        refund_id, refund = self.pick(list(self.model.refunds.items()), which)
        allowed = refund.state == "requested" and not is_own
        actor = CLERK if is_own else ACCOUNTANT
        if self.attempt(approve_refund, allowed, refund_id=refund_id, by=actor):
            refund.state = "approved"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def reject(self, which: int) -> None:
        refund_id, refund = self.pick(list(self.model.refunds.items()), which)
        if self.attempt(reject_refund, refund.state == "requested", refund_id=refund_id):
            self.put_back(refund, "rejected")

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def send(self, which: int) -> None:
        refund_id, refund = self.pick(list(self.model.refunds.items()), which)
        known = ("approved", "sent", "succeeded")
        if refund.card:
            told_before = refund.state in ("sent", "succeeded", "failed") and refund_id in self.sent
            allowed = refund.state == "approved" or told_before
            if self.attempt(keep_sent, allowed, refund_id=refund_id, reference=f"re_{refund_id}"):
                self.sent.add(refund_id)
                refund.state = "sent" if refund.state == "approved" else refund.state
        elif self.attempt(
            send_check, refund.state in known, refund_id=refund_id, check_number=refund_id[-12:]
        ):
            refund.state = "succeeded"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def arrive(self, which: int) -> None:
        refund_id, refund = self.pick(list(self.model.refunds.items()), which)
        if self.attempt(succeed_refund, refund.state in ("sent", "succeeded"), refund_id=refund_id):
            refund.state = "succeeded"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def come_back(self, which: int) -> None:
        refund_id, refund = self.pick(list(self.model.refunds.items()), which)
        allowed = refund.state not in ("requested", "rejected")
        if self.attempt(fail_refund, allowed, refund_id=refund_id) and refund.state != "failed":
            self.put_back(refund, "failed")

    # --- what must hold ---------------------------------------------------------------------------------

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.database.reading() as read:
            assert sum(trial_balance(read).values()) == 0
            assert self.booked(read) == self.model.balances()
            for invoice_id, bill in self.model.bills.items():
                invoice = find_invoice(read, invoice_id, SYSTEM)
                assert (invoice.open_balance.cents, invoice.state) == (bill.open, bill.state)
                assert bill.open == sum(visit.owed for visit in bill.visits if bill.state != "void")
                covered = sum(v.covered.total() for v in bill.visits if bill.state != "void")
                assert covered == self.tendered(read, invoice_id)
            for session_id, visit in self.model.visits.items():
                session = find_session(read, session_id, SYSTEM)
                assert session.covered.cents == visit.covered.total()
                assert (session.due and session.due.cents) == visit.net
            for lot in self.model.lots:
                assert lot.available >= 0
            for refund_id, refund in self.model.refunds.items():
                assert find_refund(read, refund_id, SYSTEM).state == refund.state
            refunded = {p.id: p.refunded.cents for p in list_payments(read, SYSTEM, patient_id=self.patient.id, limit=999)}
            assert all(refunded[payment_id] == card.refunded for payment_id, card in self.model.cards.items())
        self.lots()

    def teardown(self) -> None:
        with self.database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=Money(LIMIT))
        assert verdict.ok, [check for check in verdict.checks if check.status == "failed"]

    # --- helpers ----------------------------------------------------------------------------------------
