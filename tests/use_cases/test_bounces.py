"""A check that the bank does not pay: what it had paid is owed again, once, wherever its money had gone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.errors import SessionNotCovered
from billing.care.queries import find_session
from billing.care.use_cases import cancel_session, check_in
from billing.invoices.queries import find_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import entry_of, trial_balance
from billing.payments.errors import (
    CheckoutStands,
    MoreThanAvailable,
    NoSuchPayment,
    NotACheck,
    NotBankable,
    RefundStands,
)
from billing.payments.errors.checks import CheckNotBanked
from billing.payments.errors.days import BadDay
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.deposits import list_undeposited
from billing.payments.queries.payments import find_payment
from billing.payments.queries.receipts import list_receipts
from billing.payments.queries.refunds import refundable_of
from billing.payments.records.bounces import BounceReason
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundReason
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import CHECK_BOUNCED, bounce_check
from billing.payments.use_cases.checkouts import begin_checkout
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.deposits import bank_payments
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission) - {Permission.CARE_OVERRIDE})
TODAY, LATER = NOW.date(), NOW + timedelta(days=4)
THEN = LATER.date()


class Desk:
    """One infusion of 450, and what a clerk does about its check."""

    def __init__(self, database):
        self.database = database
        self.bill = billed(database, a_patient(database), only_first=1)
        self.patient_id = self.bill.patient.id

    def do(self, use_case, *, at=NOW, actor=CLERK, **arguments):
        return self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=at))

    def check(self, cents=45_000, *, invoice_id=None):
        return self.do(
            take_check,
            invoice_id=invoice_id or self.bill.invoice.id,
            amount=Money(cents),
            number="1042",
            dated_on=TODAY,
            is_health_account=False,
        )

    def bank(self, payment):
        site_id, ids = payment.site_id, [payment.id]
        return self.do(bank_payments, site_id=site_id, payment_ids=ids, banked_on=TODAY)

    def bounce(self, payment, *, fee=0, on=THEN, actor=CLERK):
        reason = BounceReason.INSUFFICIENT_FUNDS
        return self.do(
            bounce_check,
            payment_id=payment.id,
            reason=reason,
            bounced_on=on,
            fee=Money(fee),
            at=LATER,
            actor=actor,
        )

    def refund(self, payment, cents):
        with self.database.reading() as read:
            refundable = refundable_of(read, payment.id, SYSTEM).amount
        return self.do(
            refund_payment,
            payment_id=payment.id,
            amount=Money(cents),
            refundable=refundable,
            reason=RefundReason.OTHER,
            method=None,
            limit=LIMIT,
        )

    def credit(self):
        with self.database.reading() as read:
            return sum(lot.available.cents for lot in credits_of_patient(read, self.patient_id, SYSTEM))

    def owed(self, invoice_id=None):
        with self.database.reading() as read:
            invoice = find_invoice(read, invoice_id or self.bill.invoice.id, SYSTEM)
        return str(invoice.state), invoice.open_balance.cents

    def covered(self):
        with self.database.reading() as read:
            return find_session(read, self.bill.session_ids[0], SYSTEM).covered.cents

    def books(self):
        with self.database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    def found(self):
        with self.database.reading() as read:
            verdict = verify(read, now=LATER, refund_limit=LIMIT)
        return {check.number: check.findings for check in verdict.checks if check.found}


@pytest.fixture
def desk(database):
    return Desk(database)


def test_a_check_that_was_not_banked_yet_leaves_the_drawer_and_nothing_else(desk, database):
    check = desk.check()
    bounce = desk.bounce(check)
    assert (bounce.amount, bounce.owed) == (Money(45_000), Money(45_000))
    assert (desk.owed(), desk.covered(), desk.books()) == (("open", 45_000), 0, {})
    with database.reading() as read:
        assert list_undeposited(read, SYSTEM, limit=9) == []
    with pytest.raises(NotBankable):
        desk.bank(check)
    assert desk.found() == {}


def test_no_bank_asks_a_fee_for_a_check_that_it_never_had(desk):
    check = desk.check()
    before = desk.books()
    with pytest.raises(CheckNotBanked, match="bank deposit first, or take the check back"):
        desk.bounce(check, fee=1)
    assert (desk.books(), desk.owed()) == (before, ("paid", 0))
    desk.bank(check)
    desk.bounce(check, fee=1)
    assert (desk.owed(), desk.found()) == (("open", 45_000), {})


def test_a_banked_check_takes_the_money_off_the_bank_with_the_banks_fee(desk, database):
    check = desk.check()
    give(database, desk.bill.session_ids[0])
    desk.bank(check)
    bounce = desk.bounce(check, fee=1_200)
    books = desk.books()
    assert (books["1100"], books["1000"], books["6130"]) == (45_000, -1_200, 1_200)
    assert "1060" not in books
    with database.reading() as read:
        bounced = entry_of(read, source_kind="payment", source_id=check.id, purpose="bounced")
        fee = entry_of(read, source_kind="bounce", source_id=bounce.id, purpose="fee")
    assert {(line.account, line.cents) for line in bounced.lines} == {("1100", 45_000), ("1000", -45_000)}
    assert (bounced.effective_on, fee.effective_on) == (THEN, THEN)
    assert desk.found() == {}


def test_a_session_to_come_is_not_paid_any_more(desk, database):
    check = desk.check()
    desk.bounce(check)
    with pytest.raises(SessionNotCovered):
        desk.do(check_in, session_id=desk.bill.session_ids[0], at=LATER)
    with database.reading() as read:
        tasks = list_tasks(read, SYSTEM, limit=9)
    assert [(task.kind, task.subject_id) for task in tasks] == [(CHECK_BOUNCED, check.id)]


def test_what_had_become_credit_is_gone_also_where_an_invoice_had_taken_it(desk, database):
    check = desk.check(100_000)
    other = billed(database, desk.bill.patient, only_first=1)
    assert (desk.owed(other.invoice.id), desk.credit()) == (("paid", 0), 10_000)
    bounce = desk.bounce(check)
    assert (bounce.amount, bounce.owed) == (Money(100_000), Money(90_000))
    assert (desk.owed(other.invoice.id), desk.owed()) == (("open", 45_000), ("open", 45_000))
    assert (desk.credit(), desk.books(), desk.found()) == (0, {}, {})


def test_credit_of_a_day_that_was_called_off_is_gone(desk):
    check = desk.check()
    desk.do(cancel_session, session_id=desk.bill.session_ids[0])
    assert desk.credit() == 45_000
    assert desk.bounce(check).owed == Money(0)
    assert (desk.credit(), desk.books(), desk.found()) == (0, {}, {})


def test_a_check_bounces_once(desk):
    check = desk.check()
    desk.bounce(check)
    before = desk.books()
    with pytest.raises(IllegalMove):
        desk.bounce(check, fee=1_200)
    assert desk.books() == before


def bounce_it(database, payment_id):
    arguments = {"reason": BounceReason.OTHER, "bounced_on": THEN, "fee": Money(1_200)}
    return database.in_transaction(
        lambda tx: bounce_check(tx, payment_id=payment_id, **arguments, actor=CLERK, now=LATER)
    ).payment_id


def test_of_two_clerks_at_once_one_records_it(desk, database_url):
    check = desk.check()
    desk.bank(check)
    answers = at_once(database_url, bounce_it, [(check.id,), (check.id,)])
    assert sorted(answers) == sorted([check.id, "illegal-move"])
    assert (desk.books(), desk.found()) == ({"1000": -1_200, "6130": 1_200}, {})


def test_while_its_money_is_given_back_it_cannot_bounce(desk):
    check = desk.check()
    refund = desk.refund(check, 30_000)
    with pytest.raises(RefundStands, match="Reject") as refusal:
        desk.bounce(check)
    assert refusal.value.more["refund_ids"] == [refund.id]
    desk.do(reject_refund, refund_id=refund.id)
    desk.bounce(check)
    assert (desk.owed(), desk.books(), desk.found()) == (("open", 45_000), {}, {})


def test_after_the_check_of_its_refund_was_voided_it_bounces(desk):
    check = desk.check()
    refund = desk.refund(check, 10_000)
    desk.do(send_check, refund_id=refund.id, check_number="77")
    with pytest.raises(RefundStands):
        desk.bounce(check)
    desk.do(void_check, refund_id=refund.id)
    with pytest.raises(RefundStands) as refusal:
        desk.bounce(check)
    desk.do(void_check, refund_id=refusal.value.more["refund_ids"][0])
    desk.bounce(check)
    assert (desk.credit(), desk.books().get("1060"), desk.found()) == (0, None, {})


def test_nothing_of_a_bounced_check_goes_back(desk, database):
    check = desk.check()
    desk.bounce(check)
    with database.reading() as read:
        assert refundable_of(read, check.id, SYSTEM).amount == Money(0)
        assert str(find_payment(read, check.id, SYSTEM).state) == "bounced"
        receipts = list_receipts(read, SYSTEM, patient_id=desk.patient_id, limit=9)
    assert [receipt.stands for receipt in receipts] == [False]
    with pytest.raises(MoreThanAvailable):
        desk.refund(check, 1)


def test_a_check_that_was_moved_bounces_for_the_right_patient(desk, database):
    check = desk.check()
    desk.bank(check)
    right = billed(database, a_patient(database), only_first=1)
    moved = desk.do(
        move_payment, payment_id=check.id, patient_id=right.patient.id, invoice_id=right.invoice.id
    )
    with pytest.raises(IllegalMove):
        desk.bounce(check)
    desk.bounce(moved)
    assert (desk.owed(right.invoice.id), desk.books(), desk.found()) == (("open", 45_000), {}, {})


@pytest.mark.parametrize("on", [date(2026, 11, 1), THEN + timedelta(days=1)])
def test_it_bounces_after_it_came_and_not_in_the_future(desk, on):
    check = desk.check()
    with pytest.raises(BadDay):
        desk.bounce(check, on=on)


def test_cash_does_not_bounce(desk):
    cash = desk.do(take_cash, invoice_id=desk.bill.invoice.id, amount=Money(100))
    with pytest.raises(NotACheck):
        desk.bounce(cash)


def test_a_stranger_knows_of_no_such_check(desk):
    check = desk.check()
    stranger = Actor(id="usr_2", entity_id="ent_other", permissions=CLERK.permissions)
    with pytest.raises(NoSuchPayment):
        desk.bounce(check, actor=stranger)


def test_while_a_card_page_stands_on_its_invoice_it_waits(desk):
    check = desk.check(20_000)
    desk.do(begin_checkout, invoice_id=desk.bill.invoice.id, return_url=RETURN_URL, request=None)
    with pytest.raises(CheckoutStands):
        desk.bounce(check)


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE payment SET state = 'received' WHERE tender = 'check'", 7),
        ("UPDATE bounce SET fee_cents = fee_cents + 1", 8),
        ("DELETE FROM bounce", 7),
    ],
)
def test_a_bounce_that_was_changed_behind_the_back_is_found(desk, database, statement, number):
    check = desk.check()
    desk.bank(check)
    desk.bounce(check, fee=1_200)
    behind_the_back(database, statement)
    assert number in desk.found()


def reimbursed(desk, cents=18_000):
    """An insurer paid the clinic for the infusion, which was given and paid."""
    give(desk.database, desk.bill.session_ids[0])
    return desk.do(
        hold_reimbursement,
        session_id=desk.bill.session_ids[0],
        amount=Money(cents),
        source_id="rmc_1",
        received_on=TODAY,
    )


def test_an_insurers_money_that_is_still_credit_pays_what_a_bounced_check_leaves_owed(desk):
    payment = desk.check()
    assert reimbursed(desk).credit == Money(18_000)
    desk.bounce(payment)
    assert (desk.owed(), desk.credit()) == (("open", 27_000), 0)
    assert desk.books() == {"1000": 18_000, "1100": 27_000, "4000": -45_000}
    assert desk.found() == {}


def test_an_insurers_money_that_the_patient_had_stays_theirs_and_the_session_is_owed_in_full(desk):
    payment = desk.check()
    lot_id = reimbursed(desk).lot_id
    asked = {"lot_id": lot_id, "amount": Money(18_000), "payment_id": None, "limit": LIMIT}
    desk.do(send_check, refund_id=desk.do(request_refund, **asked).id, check_number="7")
    desk.bounce(payment)
    assert (desk.owed(), desk.credit()) == (("open", 45_000), 0)
    assert desk.books() == {"1100": 45_000, "4000": -45_000}
    assert desk.found() == {}


def test_a_bounced_deposit_that_had_paid_a_reimbursed_session_does_the_same(desk):
    handed = Handed(tender=Tender.CHECK, amount=Money(45_000), number="1042", dated_on=TODAY)
    payment = desk.do(take_deposit, patient_id=desk.patient_id, handed=handed, site_id=None)
    desk.do(apply_credits_now, invoice_id=desk.bill.invoice.id)
    reimbursed(desk)
    desk.bounce(payment)
    assert (desk.owed(), desk.credit()) == (("open", 27_000), 0)
    assert desk.found() == {}


def test_while_charges_are_stopped_an_insurers_money_stays_beside_what_is_owed_again(desk):
    payment = desk.check()
    reimbursed(desk)
    stopped(desk.database, desk.patient_id)
    desk.bounce(payment)
    assert (desk.owed(), desk.credit()) == (("open", 45_000), 18_000)
    assert desk.found() == {}
