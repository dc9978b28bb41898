"""A deposit that was asked for by link or reader, and is handed over at the desk instead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import CheckoutStands
from billing.payments.errors.deposit_requests import DepositNotAsked
from billing.payments.queries.bounces import what_a_bounce_does
from billing.payments.queries.checkouts import find_pay_link
from billing.payments.queries.deposit_requests import (
    asked_of,
    find_deposit_request,
    list_deposit_requests,
)
from billing.payments.records.bounces import BounceReason
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.deposit_requests import DepositRequestState as State
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.checkouts import await_debit, begin_deposit, close_checkout, pay_checkout
from billing.payments.use_cases.deposit_requests import ask_for_deposit, withdraw_deposit_request
from billing.payments.use_cases.links import make_deposit_link
from billing.payments.use_cases.patient_deposits import take_deposit
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.invoices import a_patient
from tests.factories.world import a_charge


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=now))

    return run


@pytest.fixture
def ask(do, patient):
    def run(cents=10_000, **when):
        return do(ask_for_deposit, patient_id=patient.id, amount=Money(cents), site_id=None, **when)

    return run


@pytest.fixture
def hand_over(do, patient):
    def run(cents):
        handed = Handed(tender=Tender.CASH, amount=Money(cents))
        return do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)

    return run


@pytest.fixture
def open_page(do):
    def run(asked):
        rest = Rest(way=Way.PAGE, return_url="http://localhost/")
        return do(
            begin_deposit, deposit_request_id=asked.id, asked=rest, is_health_account=False, request=None
        )

    return run


@pytest.fixture
def stands(database):
    def read_again(asked):
        with database.reading() as read:
            found = find_deposit_request(read, asked.id, SYSTEM)
        return found.state, found.open_balance

    return read_again


def test_cash_pays_what_was_asked_for_and_no_page_takes_it_again(ask, hand_over, open_page, stands):
    asked = ask()
    hand_over(10_000)
    assert stands(asked) == (State.PAID, ZERO)
    with pytest.raises(DepositNotAsked):
        open_page(asked)


def test_a_part_leaves_the_rest_to_the_link(database, do, ask, hand_over, open_page, stands):
    asked = ask()
    _, secret = do(make_deposit_link, deposit_request_id=asked.id)
    hand_over(6_000)
    assert stands(asked) == (State.ASKED, Money(4_000))
    with database.reading() as read:
        assert find_pay_link(read, secret, NOW).amount == Money(4_000)
    assert open_page(asked).amount == Money(4_000)


def test_a_rest_that_no_card_takes_is_not_asked_for(ask, hand_over, stands):
    asked = ask()
    hand_over(9_951)
    assert stands(asked) == (State.PAID, ZERO)


def test_the_oldest_is_paid_first_and_what_exceeds_all_is_a_deposit_too(database, ask, hand_over, stands):
    older, newer = ask(), ask(5_000, now=NOW + timedelta(minutes=1))
    hand_over(12_000)
    assert (stands(older), stands(newer)) == ((State.PAID, ZERO), (State.ASKED, Money(3_000)))
    assert hand_over(9_000).amount == Money(9_000)
    with database.reading() as read:
        assert list_deposit_requests(read, SYSTEM, state=State.ASKED, limit=9) == []


def test_a_page_that_stands_open_is_closed_first(ask, hand_over, open_page, stands):
    asked = ask()
    standing = open_page(asked)
    with pytest.raises(CheckoutStands) as refused:
        hand_over(10_000)
    assert refused.value.more["checkout_id"] == standing.id
    assert stands(asked) == (State.ASKED, Money(10_000))


def test_money_on_its_way_from_a_bank_account_pays_its_own(do, ask, hand_over, open_page, stands):
    """Cash meanwhile is for something else, and need not wait for days."""
    asked = ask()
    do(await_debit, checkout_id=open_page(asked).id, reference="cs_1")
    hand_over(10_000)
    assert stands(asked) == (State.ASKED, Money(10_000))


@pytest.fixture
def found(database):
    def look():
        with database.reading() as read:
            checks = verify(read, now=NOW, refund_limit=LIMIT).checks
        return {check.number for check in checks if check.found}

    return look


@pytest.fixture
def pay(do):
    def run(checkout):
        charge = a_charge(checkout.id, checkout.amount, NOW)
        return do(pay_checkout, checkout_id=checkout.id, reference=f"cs_{checkout.id}", charge=charge)

    return run


def test_a_deposit_paid_late_after_the_rest_was_handed_over_is_as_it_was_meant(
    do, ask, hand_over, open_page, pay, stands, found
):
    """The page of 100 had closed, 40 came by hand, and then the processor tells that the page was paid."""
    asked = ask()
    late = open_page(asked)
    do(close_checkout, checkout_id=late.id)
    hand_over(4_000)
    pay(late)
    assert stands(asked)[0] is State.PAID
    assert found() == set()


@pytest.mark.parametrize("by_hand", [0, 4_000])
@pytest.mark.parametrize(
    ("number", "attack"),
    [
        (8, "UPDATE deposit_request SET amount_cents = 99900"),
        (8, "UPDATE deposit_request SET amount_cents = 5000, handed_cents = 5000"),
        (8, "UPDATE deposit_payment SET amount_cents = amount_cents - 1"),
        (8, "DELETE FROM deposit_payment"),
        (8, "UPDATE payment SET state = 'bounced'"),
        (8, "UPDATE payment SET checkout_id = NULL"),
        (8, "UPDATE checkout SET amount_cents = amount_cents + 1"),
        (8, "UPDATE checkout SET patient_id = (SELECT MAX(id) FROM patient)"),
        (11, "UPDATE deposit_request SET state = 'asked'"),
    ],
)
def test_a_deposit_that_was_paid_and_is_not_what_was_asked_is_found(
    database, ask, hand_over, open_page, pay, found, by_hand, number, attack
):
    asked = ask()
    if by_hand:
        hand_over(by_hand)
    pay(open_page(asked))
    a_patient(database)
    assert found() == set()
    behind_the_back(database, attack)
    assert number in found()


def test_a_deposit_said_to_be_paid_that_was_only_asked_for_is_found(database, ask, hand_over, found):
    ask()
    hand_over(9_960)  # a card takes no 0.40: it is not asked for any more
    assert found() == set()
    behind_the_back(database, "UPDATE deposit_request SET handed_cents = 4000")
    assert found() == {8}


@pytest.fixture
def hand_over_check(do, patient):
    def run(cents, number="77"):
        handed = Handed(tender=Tender.CHECK, amount=Money(cents), number=number, dated_on=NOW.date())
        return do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)

    return run


@pytest.fixture
def bounce(do):
    def run(payment):
        return do(
            bounce_check,
            payment_id=payment.id,
            reason=BounceReason.INSUFFICIENT_FUNDS,
            bounced_on=NOW.date(),
            fee=ZERO,
        )

    return run


def test_a_check_that_bounces_is_asked_for_again_by_the_same_link(
    database, do, ask, hand_over_check, bounce, open_page, pay, stands, found, patient
):
    asked = ask()
    _, secret = do(make_deposit_link, deposit_request_id=asked.id)
    check = hand_over_check(10_000)
    assert stands(asked) == (State.PAID, ZERO)
    with database.reading() as read:
        assert what_a_bounce_does(read, check.id, SYSTEM).asked_again == Money(10_000)
    bounce(check)
    assert (stands(asked), found()) == ((State.ASKED, Money(10_000)), set())
    with database.reading() as read:
        assert find_pay_link(read, secret, NOW).amount == Money(10_000)
        assert [each.id for each in asked_of(read, patient.id, SYSTEM)] == [asked.id]
    pay(open_page(asked))
    assert (stands(asked), found()) == ((State.PAID, ZERO), set())


def test_one_check_for_two_requests_is_asked_for_by_both_as_far_as_it_paid_them(
    ask, hand_over, hand_over_check, bounce, stands, found
):
    older, newer = ask(), ask(5_000, now=NOW + timedelta(minutes=1))
    hand_over(4_000)
    check = hand_over_check(8_000)
    assert (stands(older), stands(newer)) == ((State.PAID, ZERO), (State.ASKED, Money(3_000)))
    bounce(check)
    assert (stands(older), stands(newer)) == ((State.ASKED, Money(6_000)), (State.ASKED, Money(5_000)))
    assert found() == set()


def test_what_a_card_paid_of_it_is_not_asked_for_again(
    ask, hand_over_check, bounce, open_page, pay, stands, found
):
    asked = ask()
    check = hand_over_check(4_000)
    pay(open_page(asked))
    bounce(check)
    assert (stands(asked), found()) == ((State.ASKED, Money(4_000)), set())


def test_a_page_of_the_rest_pays_the_rest_when_the_check_bounced_meanwhile(
    ask, hand_over_check, bounce, open_page, pay, stands, found
):
    asked = ask()
    check = hand_over_check(4_000)
    page = open_page(asked)
    bounce(check)
    with pytest.raises(CheckoutStands):
        open_page(asked)
    pay(page)
    assert (stands(asked), found()) == ((State.ASKED, Money(4_000)), set())
    assert open_page(asked).amount == Money(4_000)


def test_what_was_paid_in_full_by_card_nevertheless_is_not_asked_for_again(
    do, ask, hand_over_check, bounce, open_page, pay, stands, found
):
    asked = ask()
    late = open_page(asked)
    do(close_checkout, checkout_id=late.id)
    check = hand_over_check(4_000)
    pay(late)
    bounce(check)
    assert (stands(asked), found()) == ((State.PAID, ZERO), set())


def test_what_was_withdrawn_is_not_asked_for_again(do, ask, hand_over_check, bounce, stands, found):
    asked = ask()
    check = hand_over_check(4_000)
    do(withdraw_deposit_request, request_id=asked.id)
    bounce(check)
    assert (stands(asked), found()) == ((State.WITHDRAWN, ZERO), set())


def test_what_was_withdrawn_and_paid_late_by_card_is_withdrawn_again_when_its_check_bounces(
    database, do, ask, hand_over_check, bounce, open_page, pay, stands, found
):
    """40 by check, its page for the rest closed, withdrawn; then the page is told as paid."""
    asked = ask()
    _, secret = do(make_deposit_link, deposit_request_id=asked.id)
    check = hand_over_check(4_000)
    late = open_page(asked)
    do(close_checkout, checkout_id=late.id)
    do(withdraw_deposit_request, request_id=asked.id)
    pay(late)
    assert stands(asked) == (State.PAID, ZERO)
    with database.reading() as read:
        assert what_a_bounce_does(read, check.id, SYSTEM).asked_again == ZERO
    bounce(check)
    assert (stands(asked), found()) == ((State.WITHDRAWN, ZERO), set())
    with database.reading() as read:
        assert find_pay_link(read, secret, NOW).amount == ZERO


def test_a_rest_that_no_card_takes_is_not_asked_for_after_a_bounce_either(
    ask, hand_over, hand_over_check, bounce, stands, found
):
    asked = ask()
    check = hand_over_check(49)
    hand_over(9_951)
    bounce(check)
    assert (stands(asked), found()) == ((State.PAID, ZERO), set())


def test_a_bounced_check_that_another_paid_after_is_asked_for_once(
    ask, hand_over_check, bounce, stands, found
):
    asked = ask()
    bounce(hand_over_check(10_000))
    hand_over_check(10_000, "78")
    assert (stands(asked), found()) == ((State.PAID, ZERO), set())
