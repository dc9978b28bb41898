"""A payer wants its money back: what is left goes to it, what was spent waits for a person."""

from __future__ import annotations

from datetime import date

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.errors import (
    CheckoutStands,
    MoreThanAvailable,
    NoSuchReimbursement,
    NothingToForgive,
    OwnRefund,
    OwnWriteOff,
    TakebackKnown,
)
from billing.payments.errors.days import BadDay
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.credits import Election
from billing.payments.use_cases.checkouts import begin_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import (
    bill_takeback,
    demand_takeback,
    forgive_takeback,
    repay_takeback,
)
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.withheld import hold_what_was_withheld_from
from tests.factories.world import RETURN_URL

BOOKS = Actor(id="usr_books", entity_id=None, permissions=frozenset(Permission))
ON = date(2026, 11, 2)


@pytest.fixture
def demand(do):
    def run(cents, *, claim="rmc_1", number="L-1"):
        amount = Money(cents)
        return do(demand_takeback, reimbursement_id=claim, demand=number, amount=amount, demanded_on=ON)

    return run


@pytest.fixture
def paid(database, do):
    """A patient who paid a visit of 450 that was given."""
    bill = billed(database, a_patient(database), only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    give(database, bill.session_ids[0])
    return bill


@pytest.fixture
def reimbursed(do, paid):
    """To whom the insurer then gave 180 back."""
    hold(do, paid, 18_000, "rmc_1")
    return paid


def hold(do, bill, cents, claim):
    named = {"session_id": bill.session_ids[0], "source_id": claim, "received_on": ON}
    return do(hold_reimbursement, amount=Money(cents), **named)


def lot_of(database, bill):
    with database.reading() as read:
        return credits_of_patient(read, bill.patient.id, SYSTEM)[0]


def owed(database, bill):
    with database.reading() as read:
        return find_invoice(read, bill.invoice.id, SYSTEM).open_balance


def spend_on_a_bill(database, do, bill):
    do(elect, lot_id=lot_of(database, bill).id, election=Election.CREDIT)
    return billed(database, bill.patient, only_first=1)


def spend_on_a_check(database, do, bill, cents):
    lot = lot_of(database, bill)
    refund = do(request_refund, lot_id=lot.id, amount=Money(cents), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")


def kinds(database):
    with database.reading() as read:
        return [task.kind for task in list_tasks(read, SYSTEM, limit=9)]


def states(database):
    with database.reading() as read:
        return [str(task.state) for task in list_tasks(read, SYSTEM, limit=9)]


def test_unspent_credit_goes_to_the_payer_and_nobody_has_to_look(database, reimbursed, demand, books, found):
    taken = demand(18_000)
    assert (taken.state, taken.unspent, taken.owed) == ("covered", Money(18_000), Money(0))
    assert lot_of(database, reimbursed).available == Money(0)
    assert books() == {"1000": 18_000, "1060": 45_000, "2220": -18_000, "4000": -45_000}
    assert kinds(database) == []
    assert found() == set()


def test_spent_credit_is_a_receivable_and_a_person_looks(database, do, reimbursed, demand, books, found):
    spend_on_a_check(database, do, reimbursed, 10_000)
    taken = demand(18_000)
    assert (taken.state, taken.unspent, taken.owed) == ("demanded", Money(8_000), Money(10_000))
    assert books() == {"1000": 8_000, "1060": 45_000, "1100": 10_000, "2220": -18_000, "4000": -45_000}
    assert kinds(database) == ["takeback-review"]
    assert found() == set()


def test_nobody_has_to_look_any_more_once_invoices_owe_all_of_it_again(database, do, reimbursed, demand):
    spend_on_a_bill(database, do, reimbursed)
    taken = demand(18_000)
    assert states(database) == ["open"]
    do(bill_takeback, takeback_id=taken.id)
    assert states(database) == ["done"]


def test_billing_makes_the_invoice_that_the_credit_paid_owe_again(
    database, do, reimbursed, demand, books, found
):
    second = spend_on_a_bill(database, do, reimbursed)
    assert owed(database, second) == Money(27_000)
    taken = demand(18_000)
    assert owed(database, second) == Money(27_000)
    taken = do(bill_takeback, takeback_id=taken.id)
    assert (taken.state, taken.billed, taken.owed) == ("billed", Money(18_000), Money(0))
    assert owed(database, second) == Money(45_000)
    assert lot_of(database, reimbursed).available == Money(0)
    assert books() == {"1000": 18_000, "1060": 45_000, "2220": -18_000, "4000": -45_000}
    assert found() == set()
    with pytest.raises(NothingToForgive):
        do(forgive_takeback, takeback_id=taken.id, limit=LIMIT)


def test_what_the_insurer_had_settled_at_once_is_billed_too(database, do, demand, books, found):
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    hold(do, bill, 18_000, "rmc_2")
    taken = do(bill_takeback, takeback_id=demand(5_000, claim="rmc_2").id)
    assert (taken.billed, owed(database, bill)) == (Money(5_000), Money(32_000))
    assert books() == {"1000": 18_000, "1100": 32_000, "2220": -5_000, "4000": -45_000}
    assert found() == set()


def test_nobody_is_billed_while_a_card_page_stands(database, do, reimbursed, demand):
    second = spend_on_a_bill(database, do, reimbursed)
    do(begin_checkout, invoice_id=second.invoice.id, return_url=RETURN_URL, request=None)
    with pytest.raises(CheckoutStands):
        do(bill_takeback, takeback_id=demand(18_000).id)


def test_the_clinic_may_bear_it(database, do, reimbursed, demand, books, found):
    spend_on_a_check(database, do, reimbursed, 18_000)
    taken = do(forgive_takeback, takeback_id=demand(18_000).id, limit=LIMIT)
    assert (taken.state, taken.forgiven, taken.owed) == ("forgiven", Money(18_000), Money(0))
    assert books() == {"1060": 45_000, "2220": -18_000, "4000": -45_000, "4920": 18_000}
    with pytest.raises(IllegalMove):
        do(bill_takeback, takeback_id=taken.id)
    assert found() == set()


def test_what_no_invoice_took_may_be_forgiven_after_the_bill(database, do, reimbursed, demand, found):
    spend_on_a_check(database, do, reimbursed, 10_000)
    spend_on_a_bill(database, do, reimbursed)
    taken = do(bill_takeback, takeback_id=demand(18_000).id)
    assert (taken.billed, taken.owed) == (Money(8_000), Money(10_000))
    assert do(forgive_takeback, takeback_id=taken.id, limit=LIMIT).forgiven == Money(10_000)
    assert found() == set()


def test_above_the_limit_somebody_else_forgives(database, do, paid, demand, found):
    hold(do, paid, 30_000, "rmc_1")
    spend_on_a_check_of_all(database, do, paid)
    taken = demand(30_000)
    with pytest.raises(OwnWriteOff):
        do(forgive_takeback, takeback_id=taken.id, limit=LIMIT)
    do(forgive_takeback, takeback_id=taken.id, limit=LIMIT, by=BOOKS)
    assert found() == set()
    behind_the_back(database, "UPDATE takeback SET forgiven_by_person = demanded_by_person")
    assert found() == {21}


def spend_on_a_check_of_all(database, do, bill):
    lot, amount = lot_of(database, bill), Money(30_000)
    refund = do(request_refund, lot_id=lot.id, amount=amount, payment_id=None, limit=Money(30_000))
    do(send_check, refund_id=refund.id, check_number="1001")
    behind_the_back(database, "UPDATE refund SET approved_by = 'usr_x', approved_by_person = 'usr_x'")


def test_the_payer_is_repaid_no_more_than_it_demanded(do, reimbursed, demand, books, found):
    taken = demand(18_000)
    paid_on = {"takeback_id": taken.id, "repaid_on": ON, "limit": LIMIT}
    do(repay_takeback, amount=Money(10_000), **paid_on)
    with pytest.raises(MoreThanAvailable) as refused:
        do(repay_takeback, amount=Money(8_001), **paid_on)
    assert refused.value.more == {"available_cents": 8_000}
    assert do(repay_takeback, amount=Money(8_000), **paid_on).returned == Money(18_000)
    assert books() == {"1060": 45_000, "4000": -45_000}
    assert found() == set()


def test_what_is_withheld_from_another_patients_money_is_that_patients_all_the_same(
    database, do, reimbursed, demand, books, found
):
    """1000 120 + 2220 180 / 2200 300."""
    other = billed(database, a_patient(database), only_first=1)
    do(take_cash, invoice_id=other.invoice.id, amount=Money(45_000))
    give(database, other.session_ids[0])
    taken = demand(18_000)
    before = books()
    held = do(
        hold_what_was_withheld_from,
        session_id=other.session_ids[0],
        amount=Money(30_000),
        source_id="rmc_9",
        received_on=ON,
        takeback_id=taken.id,
        withheld=Money(18_000),
    )
    assert held.credit == Money(30_000)
    moved = {account: books().get(account, 0) - before.get(account, 0) for account in books() | before}
    assert {account: cents for account, cents in moved.items() if cents} == {
        "1000": 12_000,
        "2220": 18_000,
        "2200": -30_000,
    }
    assert found() == set()
    behind_the_back(database, "UPDATE takeback_return SET amount_cents = amount_cents - 1")
    assert found() == {4}


def test_a_demand_is_recorded_once_and_never_above_what_the_patient_had(reimbursed, demand):
    demand(10_000)
    with pytest.raises(TakebackKnown):
        demand(1_000)
    with pytest.raises(MoreThanAvailable):
        demand(8_001, number="L-2")
    with pytest.raises(NoSuchReimbursement):
        demand(1, claim="rmc_none", number="L-3")


def test_a_corrected_claim_is_the_patients_again(do, reimbursed, demand):
    demand(18_000)
    assert hold(do, reimbursed, 40_000, "rmc_2").credit == Money(40_000)


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({4}, "UPDATE takeback SET unspent_cents = unspent_cents - 1"),
        ({4}, "UPDATE takeback SET returned_cents = 1"),
        ({8}, "UPDATE ledger_entry SET purpose = 'owed' WHERE source_kind = 'takeback'"),
        ({11, 4}, "UPDATE takeback SET state = 'covered'"),
        ({19}, "DELETE FROM audit_row WHERE action = 'takeback.demand'"),
    ],
)
def test_a_takeback_that_was_changed_is_found(database, do, reimbursed, demand, found, numbers, attack):
    spend_on_a_check(database, do, reimbursed, 10_000)
    demand(18_000)
    behind_the_back(database, attack)
    assert numbers <= found()


@pytest.mark.processes
def test_demands_refunds_and_bills_at_one_moment_take_a_credit_once(
    database, database_url, do, reimbursed, books, found
):
    lot = lot_of(database, reimbursed)
    told = [("demand", lot.id, f"L-{n}") for n in range(3)] + [("refund", lot.id, "")] * 3
    outcomes = at_once(database_url, take, told)
    assert 1 <= outcomes[:3].count("done") <= 1
    assert set(outcomes) <= {"done", "more-than-available"}
    assert lot_of(database, reimbursed).available == Money(0)
    assert books()["2220"] == -18_000
    assert found() == set()


def take(database, how, lot_id, number):
    def work(tx):
        if how == "refund":
            amount = Money(18_000)
            named = {"lot_id": lot_id, "amount": amount, "payment_id": None, "limit": LIMIT}
            return request_refund(tx, **named, actor=CLERK, now=NOW)
        return demand_takeback(
            tx,
            reimbursement_id="rmc_1",
            demand=number,
            amount=Money(18_000),
            demanded_on=ON,
            actor=CLERK,
            now=NOW,
        )

    database.in_transaction(work)
    return "done"


def test_many_small_demands_forgiven_by_who_recorded_them_are_a_large_one(database, do, reimbursed, demand):
    spend_on_a_check(database, do, reimbursed, 18_000)
    first, second = demand(9_000, number="L-1"), demand(9_000, number="L-2")
    do(forgive_takeback, takeback_id=first.id, limit=Money(10_000))
    with pytest.raises(OwnWriteOff):
        do(forgive_takeback, takeback_id=second.id, limit=Money(10_000))
    do(forgive_takeback, takeback_id=second.id, limit=Money(10_000), by=BOOKS)


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 11, 3), date(2199, 1, 1)])
def test_nothing_is_demanded_before_it_came_or_repaid_before_it_was_demanded_or_in_days_to_come(
    do, reimbursed, demand, day
):
    taken = demand(10_000)
    with pytest.raises(BadDay):
        do(repay_takeback, takeback_id=taken.id, amount=Money(10_000), repaid_on=day, limit=LIMIT)
    claim = {"reimbursement_id": "rmc_1", "demand": "L-2", "amount": Money(8_000)}
    with pytest.raises(BadDay) as refused:
        do(demand_takeback, **claim, demanded_on=day)
    assert refused.value.flaws[0].pointer == "/demanded_on"


def test_above_the_limit_somebody_else_repays_what_a_person_recorded(database, do, reimbursed, demand, found):
    """A demand that one hand makes up and pays is money that one hand takes."""
    first, second = demand(9_000, number="L-1"), demand(9_000, number="L-2")
    named = {"repaid_on": ON, "limit": Money(10_000)}
    do(repay_takeback, takeback_id=first.id, amount=Money(9_000), **named)
    with pytest.raises(OwnRefund):
        do(repay_takeback, takeback_id=second.id, amount=Money(1_001), **named)
    do(repay_takeback, takeback_id=second.id, amount=Money(1_000), **named)
    do(repay_takeback, takeback_id=second.id, amount=Money(8_000), by=BOOKS, **named)
    assert found() == set()
    behind_the_back(
        database, "UPDATE takeback_return SET returned_by_person = 'usr_clerk', amount_cents = 9000"
    )
    assert 21 in found()
