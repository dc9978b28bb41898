"""A check that had paid several visits bounces after an insurer paid for one: its money pays that one."""

from __future__ import annotations

import pytest

from billing.accounting.queries.verify import verify
from billing.care.queries import coverage_of, find_session
from billing.invoices.queries import find_invoice
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_check

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))


class Course:
    """Infusions on one invoice, all paid by one check, and what becomes of them."""

    def __init__(self, database, only_first=None):
        self.database = database
        self.bill = billed(database, a_patient(database), only_first=only_first)
        self.check = paid_by_check(database, self.bill.invoice, NOW, self.bill.invoice.total)

    def do(self, use_case, **arguments):
        def work(tx):
            done = use_case(tx, **arguments, actor=CLERK, now=NOW)
            tx.announce()
            return done

        return self.database.in_transaction(work)

    def ask(self, query, *arguments, **named):
        with self.database.reading() as read:
            return query(read, *arguments, **named)

    def insurer_pays(self, session_id, cents):
        self.do(
            hold_reimbursement,
            session_id=session_id,
            amount=Money(cents),
            source_id=f"rmc_{session_id}",
            received_on=NOW.date(),
        )

    def bounce(self):
        self.do(
            bounce_check,
            payment_id=self.check.id,
            reason=BounceReason.INSUFFICIENT_FUNDS,
            bounced_on=self.check.received_on,
            fee=ZERO,
        )

    def covered(self, session_id):
        return [part.amount.cents for part in self.ask(coverage_of, session_id)]

    def owed(self, invoice_id=None):
        return self.ask(find_invoice, invoice_id or self.bill.invoice.id, SYSTEM).open_balance.cents

    def credit(self):
        lots = self.ask(credits_of_patient, self.bill.patient.id, SYSTEM)
        return sum(lot.available.cents for lot in lots)

    def found(self):
        return [each for each in self.ask(verify, now=NOW, refund_limit=LIMIT).checks if each.found]


def test_an_insurers_money_comes_off_the_visit_that_it_was_paid_for(database):
    course = Course(database, only_first=2)
    first, second = course.bill.session_ids
    for session_id in (first, second):
        give(database, session_id)
    course.insurer_pays(second, 30_000)
    course.bounce()
    assert (course.covered(first), course.covered(second)) == ([], [30_000])
    assert (course.owed(), course.credit()) == (60_000, 0)
    assert course.found() == []


def test_insurers_money_for_two_visits_pays_each_its_own(database):
    course = Course(database, only_first=2)
    first, second = course.bill.session_ids
    for session_id in (first, second):
        give(database, session_id)
    course.insurer_pays(second, 45_000)
    course.insurer_pays(first, 10_000)
    course.bounce()
    assert (course.covered(first), course.covered(second)) == ([10_000], [45_000])
    assert (course.owed(), course.credit()) == (35_000, 0)
    assert course.found() == []


@pytest.mark.parametrize(
    ("cents", "of_package", "of_difference"), [(45_000, 0, 0), (43_000, 0, 2_000), (30_000, 12_500, 2_500)]
)
def test_a_visit_of_a_stopped_package_is_paid_on_both_of_its_invoices(
    database, cents, of_package, of_difference
):
    """The visit costs 425 on the package and 25 on the difference, which the freed money had paid."""
    course = Course(database)
    visit = course.bill.session_ids[0]
    give(database, visit)
    difference = course.do(stop_package, invoice_id=course.bill.invoice.id).invoice_id
    course.insurer_pays(visit, cents)
    course.bounce()
    assert (course.owed(), course.owed(difference)) == (of_package, of_difference)
    assert course.ask(find_session, visit, SYSTEM).covered == Money(cents)
    assert course.credit() == 0
    assert course.found() == []
