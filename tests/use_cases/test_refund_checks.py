"""A refund check that nobody cashes stays the patient's money: listed, asked about, voided, sent again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import (
    CheckCashed,
    CheckNumberUsed,
    CheckVoided,
    OwnRefund,
    RefundTargetMissing,
    VoidedCheckPaid,
)
from billing.payments.errors.days import BadDay
from billing.payments.queries.credits import applied_to, credit_coming_off, credits_of_patient
from billing.payments.queries.refund_checks import outstanding_checks, outstanding_total
from billing.payments.queries.refunds import find_refund, list_refunds
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import (
    ask_about_paid_check,
    ask_about_uncashed_checks,
    cash_check,
    send_check,
    settle_by_voided_check,
    take_back_cashing,
    void_check,
)
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.unapply import move_credit
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once

CLERK, ACCOUNTANT = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "books")
)
LIMIT = Money(100_000)
HALF_A_YEAR = timedelta(days=180)
TODAY = date(2026, 11, 2)


class Desk:
    """A patient in Texas whose 450 of credit go back by check."""

    def __init__(self, database):
        self.database = database
        self.patient = a_patient(database)
        bill = billed(database, self.patient, only_first=1)
        self.do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
        self.do(cancel_session, session_id=bill.session_ids[0])

    def do(self, use_case, *, actor=CLERK, at=NOW, **arguments):
        return self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=at))

    def read(self, query, *arguments, **more):
        with self.database.reading() as read:
            return query(read, *arguments, **more)

    def refund(self, cents=45_000):
        (lot,) = self.read(credits_of_patient, self.patient.id, SYSTEM)
        asked = {"lot_id": lot.id, "amount": Money(cents), "payment_id": None, "limit": LIMIT}
        return self.do(request_refund, **asked)

    def send(self, refund, number="1001", **more):
        return self.do(send_check, refund_id=refund.id, check_number=number, **more)

    def void(self, refund, **more):
        """The refund that waits for another check now."""
        self.do(void_check, refund_id=refund.id, **more)
        (owed,) = self.read(list_refunds, SYSTEM, state=RefundState.APPROVED, limit=9)
        return owed

    def cash(self, refund, on=TODAY, **more):
        return self.do(cash_check, refund_id=refund.id, cashed_on=on, **more)

    def report(self, refund):
        """As the edge does it when cashing was refused."""
        with pytest.raises(CheckVoided):
            self.cash(refund)
        self.do(ask_about_paid_check, refund_id=refund.id)

    def looked_at(self):
        """A person closes what is open."""
        for task in self.read(list_tasks, SYSTEM, state=TaskState.OPEN, limit=9):
            self.do(close_task, task_id=task.id, note="The bank gave it back.")

    def asked_about(self):
        """The refunds whose voided checks a person has to look at."""
        open_ones = self.read(list_tasks, SYSTEM, state=TaskState.OPEN, limit=50)
        return {task.subject_id for task in open_ones if task.kind == "voided-check-paid"}

    def tasks(self):
        return {(task.kind, task.subject_id) for task in self.read(list_tasks, SYSTEM, limit=50)}

    def out(self, at=NOW):
        return self.read(outstanding_checks, SYSTEM, at, limit=9)

    def books(self):
        return {account: cents for account, cents in self.read(trial_balance).items() if cents}

    def found(self, at=NOW):
        verdict = self.read(verify, now=at, refund_limit=LIMIT)
        return {check.number: check.findings for check in verdict.checks if check.found}


@pytest.fixture
def desk(database):
    return Desk(database)


def test_a_check_is_outstanding_from_the_day_it_is_written_until_the_bank_pays_it(desk):
    refund = desk.refund()
    assert desk.out() == []
    desk.send(refund)
    (check,) = desk.out(NOW + timedelta(days=3))
    assert desk.read(outstanding_total, SYSTEM) == check.amount
    told = (check.id, check.number, check.written_on, check.patient_id, check.amount, check.days)
    assert told == (refund.id, "1001", TODAY, desk.patient.id, Money(45_000), 3)
    before = desk.books()
    assert desk.cash(refund).cashed_on == TODAY
    assert desk.cash(refund).cashed_on == TODAY
    assert (desk.out(), desk.books(), desk.found()) == ([], before, {})


@pytest.mark.parametrize("days", [-1, 1])
def test_a_bank_pays_a_check_neither_before_it_is_written_nor_tomorrow(desk, days):
    refund = desk.send(desk.refund())
    with pytest.raises(BadDay):
        desk.cash(refund, TODAY + timedelta(days=days))


def test_a_check_that_was_never_written_is_not_cashed(desk):
    with pytest.raises(IllegalMove):
        desk.cash(desk.refund())


def test_after_the_time_that_was_set_a_person_is_asked_once(desk):
    refund = desk.send(desk.refund())
    asked = {"after": HALF_A_YEAR}
    assert desk.do(ask_about_uncashed_checks, **asked, at=NOW + timedelta(days=179)) == 0
    for days in (180, 181):
        assert desk.do(ask_about_uncashed_checks, **asked, at=NOW + timedelta(days=days)) == 1
    assert desk.tasks() == {("check-uncashed", refund.id)}
    desk.cash(refund)
    assert desk.do(ask_about_uncashed_checks, **asked, at=NOW + timedelta(days=400)) == 0


def test_a_voided_check_is_owed_as_before_and_goes_out_again_with_its_own_day(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first, actor=ACCOUNTANT)
    assert desk.books() == {"1060": 45_000, "2210": -45_000}
    assert (owed.replaces_id, owed.amount, owed.refunded_on) == (first.id, Money(45_000), None)
    assert (desk.tasks(), desk.out(), desk.found()) == ({("check-voided", owed.id)}, [], {})
    with pytest.raises(CheckNumberUsed):
        desk.send(owed, "1001")
    later = NOW + timedelta(days=200)
    sent = desk.send(owed, "1002", at=later)
    assert (sent.refunded_on, desk.read(find_refund, first.id, SYSTEM).refunded_on) == (later.date(), TODAY)
    assert desk.books() == {"1000": -45_000, "1060": 45_000}
    assert ([check.number for check in desk.out(later)], desk.found(later)) == (["1002"], {})


def test_what_was_voided_is_called_off_and_is_credit_again(desk):
    owed = desk.void(desk.send(desk.refund()))
    desk.do(void_check, refund_id=owed.id)
    (lot,) = desk.read(credits_of_patient, desk.patient.id, SYSTEM)
    assert (lot.available, desk.books()) == (Money(45_000), {"1060": 45_000, "2200": -45_000})
    assert desk.found() == {}


def test_who_voids_a_check_does_not_write_the_next_one(desk):
    owed = desk.void(desk.send(desk.refund()), actor=CLERK)
    with pytest.raises(OwnRefund):
        desk.send(owed, "1002", actor=CLERK)
    assert desk.send(owed, "1002", actor=ACCOUNTANT).state == "succeeded"


def test_a_check_that_is_voided_counts_against_the_days_limit_once(desk):
    desk.void(desk.send(desk.refund(20_000)))
    (lot,) = desk.read(credits_of_patient, desk.patient.id, SYSTEM)
    asked = {"lot_id": lot.id, "amount": Money(20_000), "payment_id": None, "limit": Money(40_000)}
    assert desk.do(request_refund, **asked).state == "approved"
    assert desk.found() == {}


def test_a_check_that_was_cashed_is_not_voided_unless_that_was_a_mistake(desk):
    refund = desk.send(desk.refund())
    desk.cash(refund)
    with pytest.raises(CheckCashed):
        desk.void(refund)
    with pytest.raises(CheckCashed):
        desk.cash(refund, TODAY + timedelta(days=1), at=NOW + timedelta(days=1))
    desk.do(take_back_cashing, refund_id=refund.id)
    with pytest.raises(IllegalMove):
        desk.do(take_back_cashing, refund_id=refund.id)
    assert desk.void(refund).state == "approved"
    assert desk.found() == {}


def test_while_a_person_looks_at_a_voided_check_that_was_paid_nothing_goes_out_twice(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first)
    desk.report(first)
    assert ("voided-check-paid", first.id) in desk.tasks()
    for deed in (lambda: desk.send(owed, "1002", actor=ACCOUNTANT), lambda: desk.void(owed)):
        with pytest.raises(VoidedCheckPaid, match="1001"):
            deed()
    settled = desk.do(settle_by_voided_check, refund_id=owed.id)
    assert (settled.state, settled.cashed_on) == ("succeeded", TODAY)
    assert desk.books() == {"1000": -45_000, "1060": 45_000}
    assert (desk.out(), desk.found()) == ([], {})


def test_credit_of_a_called_off_check_that_the_bank_paid_comes_off_no_invoice_before_a_person_looked(desk):
    first = desk.send(desk.refund())
    desk.do(void_check, refund_id=desk.void(first).id)
    desk.report(first)
    owing = billed(desk.database, desk.patient, only_first=1).invoice
    assert desk.read(find_invoice, owing.id, SYSTEM).open_balance == Money(45_000)
    assert desk.read(credit_coming_off, owing) == Money(0)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.do(apply_credits_now, invoice_id=owing.id)
    desk.looked_at()
    assert desk.do(apply_credits_now, invoice_id=owing.id).amount == Money(45_000)


def test_credit_that_an_invoice_has_moves_nowhere_while_a_person_looks_at_its_check(desk):
    first = desk.send(desk.refund(10_000))
    desk.do(void_check, refund_id=desk.void(first).id)
    has, owes = (billed(desk.database, desk.patient, only_first=1).invoice for _ in range(2))
    desk.report(first)
    (applied,) = desk.read(applied_to, has.id, SYSTEM).applications
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.do(move_credit, application_id=applied.id, invoice_id=owes.id)


def test_when_the_bank_gives_it_back_the_task_is_closed_and_the_money_goes_out_again(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first)
    with pytest.raises(IllegalMove):
        desk.do(settle_by_voided_check, refund_id=owed.id)
    desk.report(first)
    desk.looked_at()
    assert desk.send(owed, "1002", actor=ACCOUNTANT).state == "succeeded"


def test_a_bank_that_pays_a_voided_check_again_or_another_one_is_looked_at_again(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first)
    for _ in range(2):
        desk.report(first)
        assert desk.asked_about() == {first.id}
        with pytest.raises(VoidedCheckPaid):
            desk.send(owed, "1002", actor=ACCOUNTANT)
        desk.looked_at()
    second = desk.send(owed, "1002", actor=ACCOUNTANT)
    third = desk.void(second)
    desk.report(second)
    assert desk.asked_about() == {second.id}
    with pytest.raises(VoidedCheckPaid, match="1002"):
        desk.send(third, "1003", actor=ACCOUNTANT)
    assert desk.found() == {}


def test_what_settled_the_money_needs_nobody_to_look_any_more(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first)
    desk.report(first)
    desk.do(settle_by_voided_check, refund_id=owed.id)
    assert desk.asked_about() == set()
    with pytest.raises(CheckCashed, match="settled"):
        desk.cash(first)
    assert (desk.asked_about(), desk.found()) == (set(), {})


def test_the_longest_out_comes_first_and_a_page_goes_on_where_the_one_before_ended(desk):
    late, early, middle = (desk.refund(1_000) for _ in range(3))
    for number, (refund, days) in enumerate(((early, 0), (middle, 1), (late, 1))):
        desk.send(refund, str(number), at=NOW + timedelta(days=days))
    expected = [early.id, late.id, middle.id]
    at, cursor, seen = NOW + timedelta(days=2), None, []
    while page := desk.read(outstanding_checks, SYSTEM, at, cursor=cursor, limit=1):
        seen += [check.id for check in page]
        cursor = page[-1].id
        desk.cash(page[-1], at.date(), at=at)
    assert seen == expected
    assert desk.read(outstanding_total, SYSTEM) == Money(0)


def test_when_the_first_of_three_checks_is_paid_the_second_can_be_stopped_and_the_third_waits(desk):
    first = desk.send(desk.refund())
    second = desk.send(desk.void(first), "1002", actor=ACCOUNTANT)
    desk.report(first)
    third = desk.void(second)
    with pytest.raises(VoidedCheckPaid, match="1001"):
        desk.send(third, "1003", actor=ACCOUNTANT)
    desk.do(settle_by_voided_check, refund_id=third.id)
    assert (desk.books(), desk.found()) == ({"1000": -45_000, "1060": 45_000}, {})


def test_a_card_refund_has_no_check(desk):
    refund = desk.refund()
    behind_the_back(desk.database, "UPDATE refund SET method = 'card'")
    with pytest.raises(RefundTargetMissing):
        desk.cash(refund)


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE refund SET cashed_on = '2026-11-02' WHERE state = 'approved'",
        "UPDATE refund SET amount_cents = amount_cents - 1 WHERE state = 'approved'",
        "UPDATE refund SET voided_by_person = NULL",
        "UPDATE refund SET replaces_id = NULL",
        "DELETE FROM refund WHERE replaces_id IS NOT NULL",
    ],
)
def test_verify_sees_money_of_checks_that_went_astray(desk, deed):
    desk.void(desk.send(desk.refund()))
    assert desk.found() == {}
    behind_the_back(desk.database, deed)
    assert 3 in desk.found()


@pytest.mark.processes
def test_of_two_clerks_one_voids_and_one_cashes_and_one_is_refused(desk, database_url):
    refund = desk.send(desk.refund())
    answers = at_once(database_url, void_or_cash, [(refund.id, True), (refund.id, False)])
    assert sorted(answers) in (["check-cashed", "done"], ["check-voided", "done"])
    assert desk.found() == {}


@pytest.mark.processes
def test_two_clerks_who_void_one_check_owe_the_money_once(desk, database_url):
    refund = desk.send(desk.refund())
    assert at_once(database_url, void_or_cash, [(refund.id, True)] * 2) == ["done", "done"]
    assert (desk.books(), desk.found()) == ({"1060": 45_000, "2210": -45_000}, {})


def void_or_cash(database, refund_id: str, voids: bool) -> str:
    asked = {"refund_id": refund_id} if voids else {"refund_id": refund_id, "cashed_on": TODAY}
    use_case = void_check if voids else cash_check
    database.in_transaction(lambda tx: use_case(tx, **asked, actor=CLERK, now=NOW))
    return "done"


def test_who_voids_a_check_does_not_write_the_next_one_by_calling_it_off_first(desk):
    owed = desk.void(desk.send(desk.refund()))
    desk.do(void_check, refund_id=owed.id)
    again = desk.refund()
    with pytest.raises(OwnRefund):
        desk.send(again, "1002")
    desk.send(again, "1002", actor=ACCOUNTANT)


def test_money_of_a_voided_check_that_the_bank_paid_stays_also_when_it_was_called_off_and_asked_for_anew(
    desk,
):
    first = desk.send(desk.refund())
    desk.do(void_check, refund_id=desk.void(first).id)
    desk.report(first)
    again = desk.refund()
    with pytest.raises(VoidedCheckPaid):
        desk.send(again, "1002", actor=ACCOUNTANT)
    desk.do(settle_by_voided_check, refund_id=again.id)
    assert desk.books() == {"1000": -45_000, "1060": 45_000}
    assert not desk.found()


def test_a_voided_check_that_was_paid_settles_a_refund_of_its_own_amount_alone(desk):
    first = desk.send(desk.refund())
    desk.do(void_check, refund_id=desk.void(first).id)
    desk.report(first)
    with pytest.raises(IllegalMove, match=r"\$450.00"):
        desk.do(settle_by_voided_check, refund_id=desk.refund(20_000).id)


def test_what_a_voided_check_settled_is_not_taken_back_and_owed_once_more(desk):
    first = desk.send(desk.refund())
    owed = desk.void(first)
    desk.report(first)
    desk.do(settle_by_voided_check, refund_id=owed.id)
    with pytest.raises(IllegalMove):
        desk.do(take_back_cashing, refund_id=owed.id)
