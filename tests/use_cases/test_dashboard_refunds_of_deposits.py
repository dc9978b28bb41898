"""A deposit that paid a visit left in the dashboard: what an insurer pays is not the patient's as well."""

from __future__ import annotations

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import MoreThanAvailable
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.differences import differences
from billing.payments.queries.reconciliation import exceptions_of, gone_among
from billing.payments.records.checkouts import Way
from billing.payments.records.reconciliation import MovementFacts
from billing.payments.records.refunds import RefundReason
from billing.payments.records.tenders import Rest
from billing.payments.use_cases.checkouts import begin_deposit, pay_checkout
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.foreign_refunds import ask_to_book_foreign_refund
from billing.payments.use_cases.reconciliation import end_exceptions, keep_movements, name_exceptions
from billing.payments.use_cases.refunds import approve_refund, keep_sent
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.unapply import unapply
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, SUPERVISOR
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.world import RETURN_URL, a_charge

REFUND = "re_1"


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def charge(do, patient):
    """A deposit of 450 by card."""
    asked = do(ask_for_deposit, patient_id=patient.id, amount=Money(45_000), site_id=None)
    how = {"asked": Rest(way=Way.PAGE, return_url=RETURN_URL), "is_health_account": False, "request": None}
    page = do(begin_deposit, deposit_request_id=asked.id, **how)
    charge = a_charge(page.id, page.amount, NOW, fee=ZERO)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    return charge.reference


@pytest.fixture
def visit(database, patient, charge):
    """Of 450, paid by the deposit as its invoice was issued."""
    bill = billed(database, patient, only_first=1)
    give(database, bill.session_ids[0])
    return bill


@pytest.fixture
def listed(database, do, charge):
    """The processor lists what moved; what the books do not know is named, and ends when it is gone."""

    def run(category, cents):
        moved = MovementFacts(
            reference=f"txn_{category}",
            source=REFUND,
            reporting_category=category,
            amount=Money(cents),
            fee=ZERO,
            charge=charge,
            operation=None,
            moved_at=NOW,
        )
        do(keep_movements, movements=[moved])
        hold_against(database, do)

    return run


def hold_against(database, do):
    with database.reading() as read:
        found = differences(read, among=[REFUND])
        gone = gone_among(read, exceptions_of(read, REFUND, is_open=True))
    do(name_exceptions, found=found)
    do(end_exceptions, gone=gone)


@pytest.fixture
def paid_by_insurer(do, visit, listed):
    """All of it, while the deposit is gone in the dashboard."""
    listed("refund", -45_000)
    return do(
        hold_reimbursement,
        session_id=visit.session_ids[0],
        amount=Money(45_000),
        source_id="rmc_a",
        received_on=NOW.date(),
    )


@pytest.fixture
def theirs(database, books, visit):
    """What is the patient's, what is the payer's, and what the visit owes."""

    def run():
        told = books()
        with database.reading() as read:
            owed = find_invoice(read, visit.invoice.id, SYSTEM).open_balance.cents
        return -told.get("2200", 0), -told.get("2220", 0), owed

    return run


def test_while_a_deposit_is_gone_what_an_insurer_pays_for_its_visit_is_held_for_the_payer(
    paid_by_insurer, theirs, found
):
    assert theirs() == (0, 45_000, 0)
    assert found() == set()


def test_once_it_is_back_the_insurers_money_is_the_patients(paid_by_insurer, listed, theirs, found):
    listed("refund_failure", 45_000)
    assert theirs() == (45_000, 0, 0)
    assert found() == set()


def test_booked_off_the_visit_it_leaves_what_the_insurer_pays_instead(
    database, do, patient, paid_by_insurer, theirs, found
):
    with database.reading() as read:
        (named,) = exceptions_of(read, REFUND, is_open=True)
        (used,) = credit_balance(read, patient.id, SYSTEM).applications
    ask = {"exception_id": named.id, "reason": RefundReason.OTHER, "limit": LIMIT}
    with pytest.raises(MoreThanAvailable):
        do(ask_to_book_foreign_refund, **ask)
    do(unapply, application_id=used.id)
    asked = do(ask_to_book_foreign_refund, **ask)
    do(approve_refund, refund_id=asked.id, by=SUPERVISOR)
    do(keep_sent, refund_id=asked.id, reference=REFUND)
    hold_against(database, do)
    assert theirs() == (0, 0, 0)
    assert found() == set()
