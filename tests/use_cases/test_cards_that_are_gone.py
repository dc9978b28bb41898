"""Whether a card or account is gone, by when refunds left and came back, not by when they were asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.refunds import cards_gone, refundable_of
from billing.payments.records.refunds import RefundReason, Rejection
from billing.payments.use_cases.reconciliation import keep_movements
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, fail_refund, keep_sent, reject_refund
from tests.conftest import NOW
from tests.factories.accounting import SUPERVISOR
from tests.factories.dashboard import a_movement, gone_by_hand
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card

FATES = (["left"], ["left", "failed"])
"""What becomes of a refund to a card."""


def orders_of(first, second):
    """Each way in which what becomes of two refunds follows one another."""
    if not first or not second:
        return [first + second]
    return [first[:1] + rest for rest in orders_of(first[1:], second)] + [
        second[:1] + rest for rest in orders_of(first, second[1:])
    ]


ORDERS = [
    order
    for of_first in FATES
    for of_second in FATES
    for order in orders_of([(0, each) for each in of_first], [(1, each) for each in of_second])
]


def hour(number):
    return NOW + timedelta(hours=number)


@pytest.fixture
def card(database):
    return paid_by_card(database, billed(database, a_patient(database), only_first=1).invoice, NOW)


@pytest.fixture
def is_gone(database, card):
    def look():
        with database.reading() as read:
            return card.id in cards_gone(read, [card.id])

    return look


@pytest.fixture
def asked(do, database, card):
    """$10.00 asked for, and approved by itself."""

    def work():
        with database.reading() as read:
            left = refundable_of(read, card.id, SYSTEM).amount
        order = {"amount": Money(1_000), "reason": RefundReason.OTHER, "method": None, "limit": Money(50_000)}
        return do(refund_payment, payment_id=card.id, refundable=left, **order).id

    return work


@pytest.fixture
def listed(do, database, card):
    """The processor's list has what it sent, or got back, of a refund."""

    def work(reference, cents, hours):
        with database.reading() as read:
            charge = charge_of_payment(read, card.id)
        moved = a_movement("refund", Money(cents), hour(hours), source=reference, charge=charge)
        do(keep_movements, movements=[replace(moved, reference=f"txn_{reference}_{cents}")])

    return work


@pytest.mark.parametrize(
    "order", ORDERS, ids=lambda order: " ".join(f"{which}-{what}" for which, what in order)
)
def test_it_is_gone_when_one_came_back_since_the_last_one_left(do, asked, is_gone, order):
    refunds = [asked(), asked()]
    for number, (which, what) in enumerate(order, 1):
        if what == "left":
            do(keep_sent, refund_id=refunds[which], reference=f"re_{which}", at=hour(number))
        else:
            do(fail_refund, refund_id=refunds[which], at=hour(number))
    assert is_gone() == (order[-1][1] == "failed")


def test_one_that_was_booked_late_left_when_the_processor_says(do, asked, is_gone, listed):
    ours, by_hand = asked(), asked()
    do(keep_sent, refund_id=ours, reference="re_ours", at=hour(1))
    listed("re_by_hand", -1_000, 2)
    do(fail_refund, refund_id=ours, at=hour(3))
    do(keep_sent, refund_id=by_hand, reference="re_by_hand", at=hour(4))
    assert is_gone()


def test_one_that_failed_unseen_came_back_when_the_processor_says(do, asked, is_gone, listed):
    second, first = asked(), asked()
    do(keep_sent, refund_id=first, reference="re_first", at=hour(1))
    do(keep_sent, refund_id=second, reference="re_second", at=hour(3))
    listed("re_first", 1_000, 2)
    do(fail_refund, refund_id=first, at=hour(4))
    assert not is_gone()


def test_what_left_in_the_dashboard_counts_before_it_is_booked_and_once_it_was_refused(
    do, database, asked, is_gone, card
):
    ours = asked()
    do(keep_sent, refund_id=ours, reference="re_ours", at=hour(1))
    do(fail_refund, refund_id=ours, at=hour(2))
    by_hand = gone_by_hand(database, card, Money(2_000), hour(3))
    assert not is_gone(), "it waits for a person"
    do(reject_refund, refund_id=by_hand.id, reason=Rejection.NOT_DUE, by=SUPERVISOR, at=hour(4))
    assert not is_gone(), "it has left all the same"


def test_what_came_back_before_anybody_approved_it_has_come_back(do, database, is_gone, card):
    by_hand = gone_by_hand(database, card, Money(2_000), hour(1))
    do(reject_refund, refund_id=by_hand.id, reason=Rejection.CAME_BACK, by=SYSTEM, at=hour(2))
    assert is_gone()


def test_what_was_approved_and_then_came_back_has_come_back(do, database, is_gone, card):
    by_hand = gone_by_hand(database, card, Money(2_000), hour(1))
    do(approve_refund, refund_id=by_hand.id, by=SUPERVISOR, at=hour(2))
    do(keep_sent, refund_id=by_hand.id, reference="re_by_hand", at=hour(3))
    assert not is_gone()
    do(fail_refund, refund_id=by_hand.id, at=hour(4))
    assert is_gone()
