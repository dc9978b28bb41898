"""Credit applied, taken off, moved, refunded and demanded back in any order: each patient's money adds up.

The model is one number a patient: what came for them less what left. It stays what the books say, wherever
the money lies; a refused deed changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, ClassVar

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
from billing.care.states import SessionState
from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.kernel.errors import Conflict
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.credits import CreditApplication, CreditLot, Election
from billing.payments.records.takebacks import Takeback
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import (
    bill_takeback,
    demand_takeback,
    forgive_takeback,
    hold_what_was_withheld_from,
    repay_takeback,
)
from billing.payments.use_cases.unapply import move_credit, unapply
from billing.platform.data.database import Database
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.invoices import Billed, a_patient, billed

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
EXAMPLES, STEPS = 40, 40
LIMIT = Money(1_000_000)
WHICH = st.integers(0, 99)
CENTS = st.integers(1, 450).map(lambda n: n * 100 + n % 7)
NAMES = count(1)


class CreditMachine(RuleBasedStateMachine):
    """Two patients, and money that is put on the wrong one now and then."""

    database: ClassVar[Database]
    done: ClassVar[Counter[str]] = Counter()

    @initialize()
    def two_patients_with_a_bill_each(self) -> None:
        self.patients = [a_patient(self.database) for _ in range(2)]
        with self.database.reading() as read:
            self.before = trial_balance(read)
        self.theirs = {patient.id: 0 for patient in self.patients}
        self.at_bank = self.in_drawer = self.to_payers = self.forgiven = 0
        self.bills: list[Billed] = []
        for which in range(2):
            self.bill(which)
            self.pay(which, cents=0)
            self.reimburse(which, cents=20_000)
            self.choose(which, Election.CREDIT)
            self.bill(which)

    @precondition(lambda self: len(self.bills) < 10)
    @rule(which=WHICH)
    def bill(self, which: int) -> None:
        self.bills.append(billed(self.database, self.patients[which % 2], only_first=1))

    @rule(which=WHICH)
    def visit(self, which: int) -> None:
        session_id = self.bill_of(which).session_ids[0]
        with self.database.reading() as read:
            planned = find_session(read, session_id, SYSTEM).state is SessionState.PLANNED
        if planned:
            give(self.database, session_id)

    @rule(which=WHICH)
    def call_off(self, which: int) -> None:
        self.attempt(cancel_session, session_id=self.bill_of(which).session_ids[0])

    @rule(which=WHICH, cents=CENTS)
    def pay(self, which: int, cents: int) -> None:
        bill = self.bill_of(which)
        amount = Money(cents) if cents else bill.invoice.total
        if paid := self.attempt(take_cash, invoice_id=bill.invoice.id, amount=amount):
            self.theirs[paid.patient_id] += amount.cents
            self.in_drawer += amount.cents

    @rule(which=WHICH, cents=CENTS)
    def reimburse(self, which: int, cents: int) -> None:
        bill = self.bill_of(which)
        if held := self.attempt(hold_reimbursement, **self.claim(bill, cents)):
            self.theirs[bill.patient.id] += (held.settled + held.credit).cents
            self.to_payers += held.excess.cents
            self.at_bank += cents

    # --- credit -----------------------------------------------------------------------------------------

    @rule(which=WHICH, election=st.sampled_from([Election.CREDIT, Election.CREDIT, Election.REFUND]))
    def choose(self, which: int, election: Election) -> None:
        if lot := one_of(self.lots(), which, lambda lot: lot.available):
            self.attempt(elect, lot_id=lot.id, election=election)

    @rule(which=WHICH)
    def apply(self, which: int) -> None:
        bill = self.bill_of(which, lambda bill: owes(self.database, bill))
        self.attempt(apply_credits_now, invoice_id=bill.invoice.id)

    @rule(which=WHICH)
    def take_off(self, which: int) -> None:
        if application := one_of(self.applications(), which, stands):
            self.attempt(unapply, application_id=application.id)

    @rule(which=WHICH, to=WHICH)
    def move(self, which: int, to: int) -> None:
        if application := one_of(self.applications(), which, stands):
            invoice_id = self.bill_of(to, lambda bill: owes(self.database, bill)).invoice.id
            self.attempt(move_credit, application_id=application.id, invoice_id=invoice_id)

    @rule(which=WHICH, cents=CENTS, is_all=st.booleans())
    def refund(self, which: int, cents: int, is_all: bool) -> None:
        if not (lot := one_of(self.lots(), which, lambda lot: lot.available)):
            return
        amount = lot.available if is_all and lot.available else Money(cents)
        asked = self.attempt(request_refund, lot_id=lot.id, amount=amount, payment_id=None, limit=LIMIT)
        if asked:
            self.attempt(send_check, refund_id=asked.id, check_number=str(next(NAMES)))
            self.theirs[lot.patient_id] -= amount.cents
            self.at_bank -= amount.cents

    @rule(which=WHICH, is_to_a_bill=st.booleans(), to=WHICH)
    def put_right(self, which: int, is_to_a_bill: bool, to: int) -> None:
        with self.database.reading() as read:
            payments = [
                each for each in list_payments(read, SYSTEM, limit=999) if each.patient_id in self.theirs
            ]
            payment = one_of(payments, which, lambda each: each.state == "received")
        if not payment:
            return
        bill, amount = self.bill_of(to), payment.amount.cents
        invoice_id = bill.invoice.id if is_to_a_bill else None
        named = {"payment_id": payment.id, "patient_id": bill.patient.id, "invoice_id": invoice_id}
        if self.attempt(move_payment, **named):
            self.theirs[payment.patient_id] -= amount
            self.theirs[bill.patient.id] += amount

    # --- takebacks --------------------------------------------------------------------------------------

    @rule(which=WHICH, cents=CENTS)
    def demand(self, which: int, cents: int) -> None:
        lot = one_of([lot for lot in self.lots() if lot.source == "reimbursement"], which)
        if not lot:
            return
        cents = cents // 4 + 1
        taken = self.attempt(
            demand_takeback,
            reimbursement_id=lot.source_id,
            demand=f"L-{next(NAMES)}",
            amount=Money(cents),
            demanded_on=NOW.date(),
        )
        if taken:
            self.theirs[lot.patient_id] -= cents
            self.to_payers += cents

    @rule(which=WHICH)
    def bill_it(self, which: int) -> None:
        if takeback := one_of(self.takebacks(), which, lambda each: each.owed):
            self.attempt(bill_takeback, takeback_id=takeback.id)

    @rule(which=WHICH)
    def forgive(self, which: int) -> None:
        takeback = one_of(self.takebacks(), which, lambda each: each.owed)
        if takeback and self.attempt(forgive_takeback, takeback_id=takeback.id, limit=LIMIT):
            self.theirs[takeback.patient_id] += takeback.owed.cents
            self.forgiven += takeback.owed.cents

    @rule(which=WHICH, cents=CENTS)
    def repay(self, which: int, cents: int) -> None:
        if not (takeback := one_of(self.takebacks(), which, left_of)):
            return
        cents = min(cents, left_of(takeback) or cents) if which % 5 else cents
        if self.attempt(repay_takeback, takeback_id=takeback.id, amount=Money(cents), repaid_on=NOW.date()):
            self.to_payers -= cents
            self.at_bank -= cents

    @rule(which=WHICH, of=WHICH, cents=CENTS, part=CENTS)
    def withhold(self, which: int, of: int, cents: int, part: int) -> None:
        takeback, bill = one_of(self.takebacks(), which, left_of), self.bill_of(of)
        if not takeback:
            return
        part = min(part, cents, left_of(takeback) or part) if which % 5 else part
        named = {"takeback_id": takeback.id, "withheld": Money(part), **self.claim(bill, cents)}
        if held := self.attempt(hold_what_was_withheld_from, **named):
            self.theirs[bill.patient.id] += (held.settled + held.credit).cents
            self.to_payers += held.excess.cents - part
            self.at_bank += cents - part

    # --- what must hold ---------------------------------------------------------------------------------

    @invariant()
    def each_patients_money_is_what_came_less_what_left(self) -> None:
        with self.database.reading() as read:
            for patient_id, cents in self.theirs.items():
                covered = sum(
                    find_session(read, session_id, SYSTEM).covered.cents
                    for bill in self.bills
                    if bill.patient.id == patient_id
                    for session_id in bill.session_ids
                )
                available = credit_balance(read, patient_id, SYSTEM).available.cents
                demands = list_takebacks(read, SYSTEM, patient_id=patient_id, limit=99)
                assert covered + available - sum(each.owed.cents for each in demands) == cents

    @invariant()
    def the_books_say_the_same(self) -> None:
        with self.database.reading() as read:
            told = trial_balance(read)
        expected = {"1000": self.at_bank, "1060": self.in_drawer, "2220": -self.to_payers}
        expected["4920"] = self.forgiven
        moved = {account: told.get(account, 0) - self.before.get(account, 0) for account in expected}
        assert moved == expected

    def teardown(self) -> None:
        with self.database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=LIMIT)
        assert [check for check in verdict.checks if check.found] == []

    # --- helpers ----------------------------------------------------------------------------------------

    def attempt(self, use_case: Callable[..., Any], **arguments: Any) -> Any:
        """None for a deed that was refused."""
        try:
            answer = self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=CLERK, now=NOW))
        except Conflict:
            return None
        self.done[use_case.__name__] += 1
        return answer

    def claim(self, bill: Billed, cents: int) -> dict[str, Any]:
        return {
            "session_id": bill.session_ids[0],
            "amount": Money(cents),
            "source_id": f"rmc_{next(NAMES)}",
            "received_on": NOW.date(),
        }

    def bill_of(self, which: int, likely: Callable[[Billed], object] = bool) -> Billed:
        found: Billed = one_of(self.bills, which, likely)
        return found

    def lots(self) -> list[CreditLot]:
        return [lot for each in self.balances() for lot in each.items]

    def applications(self) -> list[CreditApplication]:
        return [application for each in self.balances() for application in each.applications]

    def balances(self) -> list[Any]:
        with self.database.reading() as read:
            return [credit_balance(read, patient_id, SYSTEM) for patient_id in self.theirs]

    def takebacks(self) -> Sequence[Takeback]:
        with self.database.reading() as read:
            found = list_takebacks(read, SYSTEM, limit=999)
        return [each for each in found if each.patient_id in self.theirs]


def left_of(takeback: Takeback) -> int:
    return (takeback.amount - takeback.returned).cents


def owes(database: Database, bill: Billed) -> Money:
    with database.reading() as read:
        return find_invoice(read, bill.invoice.id, SYSTEM).open_balance


def stands(application: CreditApplication) -> bool:
    return application.undone < application.amount


def one_of(things: Sequence[Any], which: int, likely: Callable[[Any], object] = bool) -> Any:
    """Mostly one with which the deed will succeed, where there is one."""
    hopeful = [thing for thing in things if likely(thing)] if which < 85 else []
    found = hopeful or things
    return found[which % len(found)] if found else None


def test_in_any_order_each_patients_credit_adds_up(database):
    machine = type("Machine", (CreditMachine,), {"database": database, "done": Counter()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )
    # Which deeds find their moment is luck of the draw; a machine that refuses most of them proves nothing.
    never = [deed for deed in DEEDS if not machine.done[deed]]
    assert len(never) <= 2, never


DEEDS = (
    "apply_credits_now", "unapply", "move_credit", "move_payment", "send_check", "demand_takeback",
    "bill_takeback", "forgive_takeback", "repay_takeback", "hold_what_was_withheld_from", "cancel_session",
)  # fmt: skip
"""Each has to succeed in some order, or the test would say nothing of it."""
