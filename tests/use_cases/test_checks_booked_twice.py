"""One check is booked once: the same number from the same patient or payer is asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors.checks import CheckBookedBefore
from billing.payments.queries.checks import refuse_booked_before
from billing.payments.records.bounces import BounceReason
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.payer_payments import take_payers_check
from billing.payments.use_cases.receive import take_check
from billing.payments.use_cases.tenders import take_tenders
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.rivals import at_once

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
TODAY = NOW.date()
ON_PAPER = {"number": "1042", "dated_on": TODAY}
CHECK = Handed(tender=Tender.CHECK, amount=Money(10_000), **ON_PAPER)


class Desk:
    """A patient with two invoices of 450, and a clerk who takes checks."""

    def __init__(self, database):
        self.database = database
        self.patient = a_patient(database)
        self.first, self.second = (billed(database, self.patient, only_first=1).invoice for _ in range(2))

    def do(self, use_case, *, actor=CLERK, **arguments):
        return self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=NOW))

    def check(self, invoice, cents=10_000, **more):
        asked = ON_PAPER | {"is_health_account": False} | more
        return self.do(take_check, invoice_id=invoice.id, amount=Money(cents), **asked)

    def tenders(self, *tenders):
        return self.do(take_tenders, invoice_id=self.first.id, tenders=tenders, rest=None, request=None)

    def deposit(self, handed=CHECK):
        return self.do(take_deposit, patient_id=self.patient.id, handed=handed, site_id=None)

    def undeposited(self):
        """All that was booked, in cents, in books in which everything holds."""
        with self.database.reading() as read:
            assert verify(read, now=NOW, refund_limit=LIMIT).ok
            return trial_balance(read).get("1060", 0)


@pytest.fixture
def desk(database):
    return Desk(database)


def test_whichever_way_a_check_comes_again_it_is_refused_and_names_the_payment(desk):
    earlier = desk.check(desk.first)
    again = {
        "another invoice": lambda: desk.check(desk.second),
        "another amount": lambda: desk.check(desk.first, 20_000),
        "zeros before it": lambda: desk.check(desk.first, number="001042"),
        "among tenders": lambda: desk.tenders(CHECK),
        "a deposit": desk.deposit,
    }
    for way, take in again.items():
        with pytest.raises(CheckBookedBefore) as refused:
            take()
        assert refused.value.more["payment_id"] == earlier.id, way
    assert "no. 1042" in refused.value.detail
    assert "$100.00" in refused.value.detail
    assert desk.undeposited() == 10_000


def test_a_deposit_and_a_tender_count_as_earlier_too(desk):
    desk.deposit()
    with pytest.raises(CheckBookedBefore):
        desk.check(desk.first)
    desk.tenders(replace(CHECK, number="7"))
    with pytest.raises(CheckBookedBefore):
        desk.deposit(replace(CHECK, number="7"))


def test_two_that_really_exist_are_taken_on_the_word_of_the_clerk(desk):
    another = replace(CHECK, is_another=True)
    desk.check(desk.first)
    desk.check(desk.first, is_another=True)
    desk.tenders(another)
    desk.deposit(another)
    assert desk.undeposited() == 40_000


def test_of_two_checks_handed_over_at_once_the_second_needs_the_word(desk):
    with pytest.raises(CheckBookedBefore) as refused:
        desk.tenders(CHECK, replace(CHECK, number="0001042"))
    assert refused.value.more == {"number": "0001042"}
    desk.tenders(CHECK, replace(CHECK, is_another=True))
    assert desk.undeposited() == 20_000


def test_other_numbers_and_other_patients_are_other_checks(desk):
    desk.check(desk.first)
    desk.check(desk.first, number="10420")
    other = a_patient(desk.database)
    desk.check(billed(desk.database, other, only_first=1).invoice)
    assert desk.undeposited() == 30_000


def test_a_check_that_bounced_or_went_to_the_right_patient_may_come_again(desk):
    wrong = desk.check(desk.first)
    right = a_patient(desk.database)
    moved = desk.do(move_payment, payment_id=wrong.id, patient_id=right.id, invoice_id=None)
    came_back = desk.check(desk.first)
    reason = BounceReason.OTHER
    desk.do(bounce_check, payment_id=came_back.id, reason=reason, bounced_on=TODAY, fee=Money(0))
    desk.check(desk.first)
    with pytest.raises(CheckBookedBefore) as refused:
        desk.do(take_deposit, patient_id=right.id, handed=CHECK, site_id=None)
    assert refused.value.more["payment_id"] == moved.id


def test_a_payers_check_is_the_payers_whichever_patient_it_pays_for(desk):
    other = a_patient(desk.database)
    invoices = [desk.first, billed(desk.database, other, only_first=1).invoice]
    payer = a_payer(desk.database, desk.patient.site_id)
    shares = [
        desk.do(agree_share, invoice_id=invoice.id, order=a_fixed_part(payer, 30_000)) for invoice in invoices
    ]

    def take(share, **more):
        return desk.do(take_payers_check, share_id=share.id, amount=Money(10_000), **ON_PAPER, **more)

    desk.check(desk.first)
    earlier = take(shares[0])
    for share in shares:
        with pytest.raises(CheckBookedBefore, match="same payer") as refused:
            take(share)
        assert refused.value.more["payment_id"] == earlier.id
    take(shares[1], is_another=True)
    desk.do(take_deposit, patient_id=other.id, handed=CHECK, site_id=None)
    assert desk.undeposited() == 40_000


def test_a_clerk_of_another_site_is_told_that_it_was_booked_and_not_where(desk):
    desk.check(desk.first)
    elsewhere = replace(CLERK, entity_id=desk.patient.entity_id, site_ids=frozenset({"site_other"}))
    with desk.database.reading() as read, pytest.raises(CheckBookedBefore, match="another site") as refused:
        refuse_booked_before(read, desk.first, "1042", actor=elsewhere)
    assert "payment_id" not in refused.value.more


def take_one(database, invoice_id):
    asked = {**ON_PAPER, "amount": Money(10_000), "is_health_account": False}
    database.in_transaction(lambda tx: take_check(tx, invoice_id=invoice_id, **asked, actor=CLERK, now=NOW))
    return "booked"


@pytest.mark.processes
def test_of_two_clerks_at_once_one_books_it(desk, database_url):
    answers = at_once(database_url, take_one, [(desk.first.id,), (desk.second.id,)])
    assert sorted(answers) == ["booked", "check-booked-before"]
    assert desk.undeposited() == 10_000


def take_part(database, share_id):
    asked = {**ON_PAPER, "amount": Money(10_000)}
    database.in_transaction(
        lambda tx: take_payers_check(tx, share_id=share_id, **asked, actor=CLERK, now=NOW)
    )
    return "booked"


@pytest.mark.processes
def test_one_check_of_a_payer_for_several_patients_at_once_is_booked_for_one(desk, database_url):
    payer = a_payer(desk.database, desk.patient.site_id)
    invoices = [billed(desk.database, a_patient(desk.database), only_first=1).invoice for _ in range(6)]
    shares = [
        desk.do(agree_share, invoice_id=invoice.id, order=a_fixed_part(payer, 30_000)) for invoice in invoices
    ]
    answers = at_once(database_url, take_part, [(share.id,) for share in shares])
    assert sorted(answers) == ["booked", *["check-booked-before"] * 5]
    assert desk.undeposited() == 10_000
