"""Any order of bills, payments, credits, refunds and visits: the books say what a small model says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.accounting.queries.verify import verify
from billing.care.queries import find_session
from billing.care.use_cases import cancel_session, turn_away
from billing.invoices.queries import find_invoice
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.errors import Conflict, Denied
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.patients.records import Patient
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import find_refund
from billing.payments.records.credits import Election
from billing.payments.records.payments import Payment
from billing.payments.use_cases.checkouts import (
    begin_checkout,
    close_checkout,
    pay_checkout,
)
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import (
    approve_refund,
    fail_refund,
    keep_sent,
    reject_refund,
    request_refund,
    succeed_refund,
)
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.database import Database
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient
from tests.factories.money_model import (
    MOST,
    Bill,
    Card,
    Lot,
    Model,
    Page,
    Refund,
    Visit,
    booked,
    pick,
    tendered,
)
from tests.factories.patient_statements import assert_both_years_agree, assert_it_is_in_the_books
from tests.factories.world import RETURN_URL, a_charge

CLERK, ACCOUNTANT = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "books")
)
EXAMPLES, STEPS = 20, 40
LIMIT, FEE = 20_000, 30
WHICH = st.integers(0, MOST)
CENTS = st.integers(1, 900).map(lambda n: n * 50 + n % 7)
NAMES = count(1)


class MoneyMachine(RuleBasedStateMachine):
    """Staff, patients, processor and insurers in any order, each deed also told to the model."""

    database: ClassVar[Database]
    patient: Patient

    @initialize(is_veteran=st.booleans())
    def a_patient_with_a_history(self, is_veteran: bool) -> None:
        """Three visits on a bill that is paid by card: one given, one called off, one to come."""
        self.patient = a_patient(self.database, is_veteran=is_veteran)
        self.model = Model()
        self.quotes: dict[str, list[str]] = {}
        self.claims: dict[str, str] = {}
        self.another_plan()
        self.bill(which=0, chosen={0, 1, 2})
        self.open_page(which=0)
        self.pay_page(which=0)
        self.visit(which=0)
        self.call_off(which=1, how=cancel_session)

    # --- care and bills ---------------------------------------------------------------------------------

    @precondition(lambda self: len(self.quotes) < 3)
    @rule()
    def another_plan(self) -> None:
        plan = new_plan(self.database, self.patient.id)
        quote = self.do(quote_plan, plan_id=plan.id)
        ids = [session.id for session in plan.sessions]
        self.quotes[quote.id] = ids
        self.model.visits.update({session_id: Visit() for session_id in ids})

    @rule(which=WHICH, chosen=st.none() | st.sets(st.integers(0, 5), min_size=1, max_size=4))
    def bill(self, which: int, chosen: set[int] | None) -> None:
        quote_id, ids = pick(self.quotes, which, self.has_billable)
        if chosen and which < MOST:
            ids = [key for key in ids if self.model.visits[key].is_billable()] or ids
            chosen = {place % len(ids) for place in chosen}
        named = None if chosen is None else [ids[place] for place in sorted(chosen)]
        visits = [self.model.visits[session_id] for session_id in named or ids]
        allowed = all(visit.is_billable() for visit in visits)
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
        invoice_id, bill = pick(self.model.bills, which, lambda bill: bill.open and not bill.has_tender)
        given = any(visit.state == "given" for visit in bill.visits)
        allowed = bill.state == "open" and not bill.has_tender and not given and not self.model.page_of(bill)
        if self.attempt(void_invoice, allowed, invoice_id=invoice_id, reason="typo"):
            bill.state, bill.open = "void", 0
            for visit in bill.visits:
                visit.leave_the_bill()

    @precondition(lambda self: self.model.called_off() < 4)
    @rule(which=WHICH, how=st.sampled_from((cancel_session, turn_away)))
    def call_off(self, which: int, how: Callable[..., object]) -> None:
        session_id, visit = pick(self.model.visits, which, lambda visit: visit.state == "planned")
        bill = self.model.bill_of(visit)
        allowed = visit.state == "planned" and not (bill and bill.is_package)
        if self.attempt(how, allowed, session_id=session_id):
            visit.state = "cancelled"
            if bill:
                bill.visits.remove(visit)
                bill.open -= visit.owed
                self.model.give_back(visit)
                visit.leave_the_bill()
                self.model.close_if_settled(bill)

    @rule(which=WHICH)
    def visit(self, which: int) -> None:
        session_id, visit = pick(
            self.model.visits, which, lambda visit: visit.state == "planned" and visit.net
        )
        if visit.state == "planned":
            give(self.database, session_id)
            visit.state = "given"

    # --- money in ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH, cents=CENTS, is_all=st.booleans())
    def cash(self, which: int, cents: int, is_all: bool) -> None:
        invoice_id, bill = pick(self.model.bills, which, lambda bill: bill.open)
        cents = bill.open if is_all and bill.open else cents
        allowed = cents <= bill.open and not self.model.page_of(bill)
        if self.attempt(take_cash, allowed, invoice_id=invoice_id, amount=Money(cents)):
            self.model.received["cash"] += cents
            self.model.settle(bill, cents, "payment")

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH)
    def open_page(self, which: int) -> None:
        invoice_id, bill = pick(self.model.bills, which, lambda bill: bill.open)
        standing = self.model.page_of(bill)
        coming_off = min(self.model.credit(), bill.open)
        left = bill.open - coming_off
        fits = not coming_off and self.model.pages[standing].cents == left if standing else bill.open > 0
        allowed = fits and (left >= 50 or (not left and coming_off > 0))
        page = self.attempt(
            begin_checkout, allowed, invoice_id=invoice_id, return_url=RETURN_URL, request=None
        )
        if page:
            assert (page.amount.cents, standing or page.id) == (left, page.id)
            if page.id not in self.model.pages:
                lent = self.model.apply_credits(bill)
                self.model.pages[page.id] = Page(bill, left, "open" if left else "paid", lent)

    @precondition(lambda self: self.model.pages)
    @rule(which=WHICH)
    def pay_page(self, which: int) -> None:
        """Also one that was paid before, or closed: money that came is booked, once."""
        page_id, page = pick(self.model.pages, which, lambda page: page.state == "open")
        charge = a_charge(page_id, Money(page.cents), NOW, Money(FEE))
        facts = {"checkout_id": page_id, "reference": f"cs_{page_id}", "charge": charge}
        self.do(pay_checkout, **facts)
        if page.state != "paid":
            page.state = "paid"
            applied = min(page.cents, page.bill.open)
            self.model.received["card"] += page.cents
            self.model.settle(page.bill, applied, "payment")
            self.model.hold(page.cents - applied, "overpayment")
            (new,) = (
                each for each in self.payments() if each.tender == "card" and each.id not in self.model.cards
            )
            self.model.cards[new.id] = Card(page.cents)
            self.model.lend_again(page)

    @precondition(lambda self: self.model.pages)
    @rule(which=WHICH)
    def close_page(self, which: int) -> None:
        page_id, page = pick(self.model.pages, which)
        self.do(close_checkout, checkout_id=page_id)
        if page.state == "open":
            self.model.close_page(page)

    # --- credit -----------------------------------------------------------------------------------------

    @rule(which=WHICH, cents=CENTS, is_told_again=st.integers(0, 5).map(lambda n: n == 0))
    def reimburse(self, which: int, cents: int, is_told_again: bool) -> None:
        session_id, visit = pick(self.model.visits, which, lambda visit: visit.covered)
        claim = f"rmc_{next(NAMES)}"
        is_told_again = is_told_again and bool(self.claims)
        if is_told_again:
            claim, session_id = pick(self.claims, which)
        held = self.attempt(
            hold_reimbursement,
            not is_told_again,
            session_id=session_id,
            amount=Money(cents),
            source_id=claim,
            received_on=NOW.date(),
        )
        if held:
            self.claims[claim] = session_id
            settled = min(cents, visit.owed)
            paid = visit.covered.total() - visit.covered["reimbursement"]
            before = sum(lot.amount for lot in self.model.lots if lot.of is visit)
            theirs = max(0, min(cents - settled, paid - before))
            if bill := self.model.bill_of(visit):
                self.model.settle(bill, settled, "reimbursement", only=visit)
            self.model.hold(theirs, "reimbursement", visit)
            self.model.received["insurer"] += cents
            self.model.to_payers += cents - settled - theirs

    @precondition(lambda self: self.model.lots)
    @rule(which=WHICH, election=st.sampled_from(Election))
    def choose(self, which: int, election: Election) -> None:
        lot_id, lot = pick(self.lots(), which, lambda lot: lot.available)
        if self.attempt(elect, lot.available > 0, lot_id=lot_id, election=election):
            lot.election, lot.is_chosen = str(election), True

    @precondition(lambda self: self.model.bills)
    @rule(which=WHICH)
    def use_credit(self, which: int) -> None:
        invoice_id, bill = pick(self.model.bills, which, lambda bill: bill.open)
        allowed = bill.open > 0 and self.model.credit() > 0 and not self.model.page_of(bill)
        if self.attempt(apply_credits_now, allowed, invoice_id=invoice_id):
            self.model.apply_credits(bill)

    # --- money back -------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.lots)
    @rule(which=WHICH, cents=CENTS, is_all=st.booleans(), to_card=WHICH)
    def ask_back(self, which: int, cents: int, is_all: bool, to_card: int) -> None:
        lot_id, lot = pick(self.lots(), which, lambda lot: lot.available)
        cents = lot.available if is_all and lot.available else cents
        cards = [(None, None), *self.model.cards.items()]
        payment_id, card = cards[to_card % len(cards)]
        fits = cents <= lot.available and (card is None or cents <= card.amount - card.refunded)
        allowed = fits and not (lot.is_chosen and lot.election == "credit")
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
            by_itself = self.model.approved_itself() + cents <= LIMIT
            state = "approved" if by_itself else "requested"
            self.model.refunds[asked.id] = Refund(lot, cents, card, state, approved_itself=by_itself)

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH, is_own=st.booleans())
    def approve(self, which: int, is_own: bool) -> None:
        refund_id, refund = pick(self.model.refunds, which, lambda refund: refund.state == "requested")
        allowed = refund.state == "requested" and not is_own
        actor = CLERK if is_own else ACCOUNTANT
        if self.attempt(approve_refund, allowed, refund_id=refund_id, by=actor):
            refund.state = "approved"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def reject(self, which: int) -> None:
        refund_id, refund = pick(self.model.refunds, which, lambda refund: refund.state == "requested")
        if self.attempt(reject_refund, refund.state == "requested", refund_id=refund_id):
            refund.end("rejected")

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def send(self, which: int) -> None:
        refund_id, refund = pick(self.model.refunds, which, lambda refund: refund.state == "approved")
        known = ("approved", "sent", "succeeded")
        if refund.card:
            allowed = refund.state in known or (refund.state == "failed" and refund.was_sent)
            if self.attempt(keep_sent, allowed, refund_id=refund_id, reference=f"re_{refund_id}"):
                refund.was_sent = True
                refund.state = "sent" if refund.state == "approved" else refund.state
        elif self.attempt(
            send_check, refund.state in known, refund_id=refund_id, check_number=refund_id[-12:]
        ):
            refund.state = "succeeded"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def arrive(self, which: int) -> None:
        refund_id, refund = pick(self.model.refunds, which, lambda refund: refund.state == "sent")
        if self.attempt(succeed_refund, refund.state in ("sent", "succeeded"), refund_id=refund_id):
            refund.state = "succeeded"

    @precondition(lambda self: self.model.refunds)
    @rule(which=WHICH)
    def come_back(self, which: int) -> None:
        refund_id, refund = pick(self.model.refunds, which, lambda refund: refund.was_sent)
        allowed = refund.state not in ("requested", "rejected")
        if self.attempt(fail_refund, allowed, refund_id=refund_id) and refund.state != "failed":
            refund.end("failed")

    # --- what must hold ---------------------------------------------------------------------------------

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        with self.database.reading() as read:
            assert sum(trial_balance(read).values()) == 0
            assert booked(read, self.patient.id) == self.model.balances()
            for invoice_id, bill in self.model.bills.items():
                invoice = find_invoice(read, invoice_id, SYSTEM)
                assert (invoice.open_balance.cents, invoice.state) == (bill.open, bill.state)
                assert bill.open == sum(visit.owed for visit in bill.standing())
                assert sum(visit.covered.total() for visit in bill.standing()) == tendered(read, invoice_id)
            for session_id, visit in self.model.visits.items():
                session = find_session(read, session_id, SYSTEM)
                assert session.covered.cents == visit.covered.total()
                assert (session.due and session.due.cents) == visit.net
            for refund_id, refund in self.model.refunds.items():
                assert find_refund(read, refund_id, SYSTEM).state == refund.state

    @invariant()
    def the_patients_statement_is_in_the_books(self) -> None:
        with self.database.reading() as read:
            assert_both_years_agree(assert_it_is_in_the_books(read, self.patient.id))

    @invariant()
    def credits_and_cards_are_as_the_model_has_them(self) -> None:
        with self.database.reading() as read:
            held = credits_of_patient(read, self.patient.id, SYSTEM)
        expected = [(lot.available, lot.election, lot.amount) for lot in self.model.lots]
        assert [(lot.available.cents, lot.election, lot.amount.cents) for lot in held] == expected
        refunded = {payment.id: payment.refunded.cents for payment in self.payments()}
        assert {key: refunded[key] for key in self.model.cards} == {
            key: card.refunded for key, card in self.model.cards.items()
        }

    def teardown(self) -> None:
        with self.database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=Money(LIMIT))
        assert verdict.ok, [check for check in verdict.checks if check.found]

    # --- helpers ----------------------------------------------------------------------------------------

    def do(self, use_case: Callable[..., Any], *, by: Actor = CLERK, **arguments: Any) -> Any:
        return self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=by, now=NOW))

    def attempt(self, use_case: Callable[..., Any], allowed: bool, **arguments: Any) -> Any:
        """The answer when it is allowed; otherwise the refusal has to come, and None."""
        if allowed:
            return self.do(use_case, **arguments)
        with pytest.raises((Conflict, Denied)):
            self.do(use_case, **arguments)
        return None

    def has_billable(self, ids: list[str]) -> bool:
        return any(self.model.visits[key].is_billable() for key in ids)

    def lots(self) -> dict[str, Lot]:
        """The model's credits by their ids: both are in the order in which they came."""
        with self.database.reading() as read:
            held = credits_of_patient(read, self.patient.id, SYSTEM)
        return {lot.id: mine for lot, mine in zip(held, self.model.lots, strict=True)}

    def payments(self) -> Sequence[Payment]:
        with self.database.reading() as read:
            return list_payments(read, SYSTEM, patient_id=self.patient.id, limit=999)


def test_in_any_order_no_money_is_lost_doubled_or_made_up(database):
    machine = type("Machine", (MoneyMachine,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # a failure prints its steps; shrinking them takes minutes
        ),
    )
