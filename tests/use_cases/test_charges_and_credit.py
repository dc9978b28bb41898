"""Credit that comes off an invoice before a card is asked for, and what becomes of it."""

from __future__ import annotations

import pytest

from billing.accounting.queries.verify import verify
from billing.invoices.queries import find_invoice
from billing.invoices.states import InvoiceState
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.errors import CheckoutStands, DueChanged, TooSmallForCard
from billing.payments.queries.credits import credit_balance
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.saved_methods import Purpose
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.checkouts import CheckoutState
from billing.payments.use_cases.checkouts import (
    await_debit,
    begin_charge,
    begin_checkout,
    begin_reader_payment,
    close_checkout,
    decline_checkout,
    pay_checkout,
    refuse_checkout,
)
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.tenders import take_tenders
from billing.platform.data.idempotency import RequestKey
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.invoices import a_patient, billed
from tests.factories.saved_cards import a_saved_card
from tests.factories.world import RETURN_URL, a_charge

DECLINED = {"reference": "pi_1", "lost_fee": ZERO, "decline": "insufficient_funds"}
NOTHING_TAKEN = [(decline_checkout, DECLINED), (refuse_checkout, {}), (close_checkout, {})]


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def do(database):
    def run(use_case, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=NOW))

    return run


@pytest.fixture
def hold(do, bill):
    """Credit that comes off the next invoice."""

    def run(cents):
        handed = Handed(tender=Tender.CASH, amount=Money(cents))
        return do(take_deposit, patient_id=bill.patient.id, handed=handed, site_id=None)

    return run


@pytest.fixture
def charge(database, do, bill):
    card = a_saved_card(database, bill.patient, NOW)

    def run(due_cents, key="k1"):
        return do(
            begin_charge,
            invoice_id=bill.invoice.id,
            saved_method_id=card.id,
            due=Money(due_cents),
            purpose=Purpose.FUTURE_VISITS,
            request=RequestKey(key, "0" * 64),
        )

    return run


@pytest.fixture
def money(database, bill):
    """What the invoice owes and what credit is left, while the books hold."""

    def run():
        with database.reading() as read:
            assert [each for each in verify(read, now=NOW, refund_limit=LIMIT).checks if each.found] == []
            invoice = find_invoice(read, bill.invoice.id, SYSTEM)
            held = credit_balance(read, bill.patient.id, SYSTEM)
        return invoice.open_balance.cents, held.available.cents

    return run


@pytest.mark.parametrize(("end", "why"), NOTHING_TAKEN)
def test_a_charge_that_takes_nothing_leaves_credit_as_it_was(do, hold, charge, money, end, why):
    hold(10_000)
    begun = charge(35_000)
    assert money() == (35_000, 0)
    for _ in range(2):
        do(end, checkout_id=begun.id, **why)
    assert money() == (45_000, 10_000)
    assert charge(35_000, key="k2").state is CheckoutState.CREATED


def test_credit_that_somebody_had_taken_off_before_stays_off(do, bill, hold, charge, money):
    hold(10_000)
    do(apply_credits_now, invoice_id=bill.invoice.id)
    hold(5_000)
    do(decline_checkout, checkout_id=charge(30_000).id, **DECLINED)
    assert money() == (35_000, 5_000)


def test_credit_that_covers_all_settles_the_invoice_and_no_card_is_asked(database, bill, hold, charge, money):
    hold(50_000)
    settled = charge(0)
    assert (settled.state, settled.amount, settled.consent_id) == (CheckoutState.PAID, ZERO, None)
    assert charge(0) == settled
    assert money() == (0, 5_000)
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).state is InvoiceState.PAID
        assert trial_balance(read) == {"1060": 50_000, "2100": -50_000}


def test_who_meant_to_charge_learns_that_credit_covers_all(hold, charge, money):
    hold(45_000)
    with pytest.raises(DueChanged) as told:
        charge(45_000)
    assert told.value.more["open_cents"] == 0
    assert money() == (45_000, 45_000)


def test_credit_leaves_a_charge_what_a_card_takes(hold, charge, money):
    """Of 449.60 all but 0.10 comes off: 0.40 no card takes, and nobody is sent to the desk for it."""
    hold(44_960)
    with pytest.raises(DueChanged) as told:
        charge(40)
    assert told.value.more == {"open_cents": 50}
    assert (charge(50).amount, money()) == (Money(50), (50, 10))


@pytest.mark.parametrize(("end", "why"), NOTHING_TAKEN)
def test_a_reader_that_takes_nothing_leaves_credit_as_it_was(do, bill, hold, money, end, why):
    hold(10_000)
    request = RequestKey("k1", "0" * 64)
    begun = do(begin_reader_payment, invoice_id=bill.invoice.id, reader_id="tmr_1", request=request)
    assert (begun.amount, money()) == (Money(35_000), (35_000, 0))
    do(end, checkout_id=begun.id, **why)
    assert money() == (45_000, 10_000)


def test_credit_leaves_a_reader_what_a_card_takes(do, bill, hold, money):
    hold(44_951)
    request = RequestKey("k1", "0" * 64)
    begun = do(begin_reader_payment, invoice_id=bill.invoice.id, reader_id="tmr_1", request=request)
    assert (begun.amount, money()) == (Money(50), (50, 1))


@pytest.fixture
def open_page(do, bill):
    def run(key=None):
        request = RequestKey(key, "0" * 64) if key else None
        return do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=request)

    return run


@pytest.mark.parametrize(("end", "why"), NOTHING_TAKEN)
def test_a_page_that_takes_nothing_leaves_credit_as_it_was(do, hold, open_page, money, end, why):
    hold(10_000)
    begun = open_page()
    assert (begun.amount, money()) == (Money(35_000), (35_000, 0))
    assert open_page() == begun
    do(end, checkout_id=begun.id, **why)
    assert money() == (45_000, 10_000)


def test_a_debit_that_a_bank_refuses_days_later_gives_the_credit_back(do, hold, open_page, money):
    hold(10_000)
    begun = open_page()
    do(await_debit, checkout_id=begun.id, reference="cs_1")
    assert money() == (35_000, 0)
    do(decline_checkout, checkout_id=begun.id, reference="cs_1", lost_fee=ZERO)
    assert money() == (45_000, 10_000)


def test_credit_leaves_a_page_what_a_card_takes(do, hold, open_page, money):
    hold(44_960)
    begun = open_page()
    assert (begun.amount, money()) == (Money(50), (50, 10))
    assert open_page() == begun
    do(close_checkout, checkout_id=begun.id)
    assert money() == (45_000, 44_960)


def test_what_no_card_takes_is_refused_and_keeps_its_credit(do, bill, hold, open_page, money):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(44_960))
    hold(30)
    with pytest.raises(TooSmallForCard, match="Pay at the desk"):
        open_page()
    assert money() == (40, 30)


def test_credit_that_covers_all_settles_without_a_page(hold, open_page, money):
    hold(50_000)
    settled = open_page("k1")
    assert (settled.state, settled.amount, settled.url) == (CheckoutState.PAID, ZERO, None)
    assert open_page("k1") == settled
    assert money() == (0, 5_000)


def test_credit_that_covers_all_settles_without_a_reader(do, bill, hold, money):
    hold(45_000)
    request = RequestKey("k1", "0" * 64)
    settled = do(begin_reader_payment, invoice_id=bill.invoice.id, reader_id="tmr_1", request=request)
    assert (settled.state, settled.amount, money()) == (CheckoutState.PAID, ZERO, (0, 0))


def test_a_page_is_closed_before_credit_that_came_since_is_lent_to_another(do, hold, open_page, money):
    first = open_page()
    hold(10_000)
    with pytest.raises(CheckoutStands) as told:
        open_page()
    assert told.value.more["checkout_id"] == first.id
    assert money() == (45_000, 10_000)
    do(close_checkout, checkout_id=first.id)
    assert open_page().amount == Money(35_000)


def test_a_page_that_was_paid_after_all_takes_the_credit_that_had_come_back(do, hold, open_page, money):
    hold(10_000)
    begun = open_page()
    do(close_checkout, checkout_id=begun.id)
    charge = a_charge(begun.id, begun.amount, NOW)
    do(pay_checkout, checkout_id=begun.id, reference="cs_1", charge=charge)
    assert money() == (0, 0)


def test_credit_lent_to_what_other_tenders_leave_comes_back_too(do, bill, hold, money):
    hold(10_000)
    taken = do(
        take_tenders,
        invoice_id=bill.invoice.id,
        tenders=[Handed(tender=Tender.CASH, amount=Money(20_000))],
        rest=Rest(way=Way.PAGE, return_url=RETURN_URL),
        request=RequestKey("k1", "0" * 64),
    )
    assert (taken.open_balance, money()) == (Money(15_000), (15_000, 0))
    do(close_checkout, checkout_id=taken.checkout_id)
    assert money() == (25_000, 10_000)
