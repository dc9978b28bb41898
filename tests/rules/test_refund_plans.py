"""From which payments an amount goes back: the sum, the caps, the order, and what stays out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.kernel.money import ZERO, Money, total
from billing.payments.errors import MoreThanAvailable, NoSuchPayment, PaymentDisputed
from billing.payments.records.payments import Tender
from billing.payments.records.refund_plans import PaymentLeft
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.refunds import goes_back_by, plan_refund
from tests.conftest import NOW

ALL = (Tender.CARD, Tender.ACH, Tender.CARD_PRESENT, Tender.CASH, Tender.CHECK, Tender.BANK)


@st.composite
def some_payments(draw):
    drawn = st.builds(
        PaymentLeft,
        payment_id=st.just(""),
        payer_id=st.sampled_from([None, None, None, "payer"]),
        method=st.sampled_from(RefundMethod),
        received_at=st.integers(0, 5).map(lambda days: NOW - timedelta(days=days)),
        refundable=st.integers(0, 1_000).map(Money),
        is_disputed=st.sampled_from([False, False, False, True]),
    )
    return [replace(each, payment_id=f"p{place}") for place, each in enumerate(draw(st.lists(drawn)))]


def free(payments):
    return [each for each in payments if each.payer_id is None and not each.is_disputed and each.refundable]


def payment(name, cents=100, *, days_ago=0, **more):
    facts = {"payer_id": None, "method": RefundMethod.CARD, "is_disputed": False} | more
    at = NOW - timedelta(days=days_ago)
    return PaymentLeft(payment_id=name, refundable=Money(cents), received_at=at, **facts)


def told(plan):
    return [(part.payment_id, part.method, part.amount.cents) for part in plan.parts]


@given(some_payments(), st.data())
def test_the_parts_are_the_amount_and_none_is_more_than_its_payment_has_left(payments, data):
    left = {each.payment_id: each.refundable for each in free(payments)}
    assume(left)
    amount = Money(data.draw(st.integers(1, total(left.values()).cents)))
    plan = plan_refund(amount, payments)
    assert plan.refundable == total(left.values())
    assert total(part.amount for part in plan.parts) == amount
    assert all(ZERO < part.amount <= left[part.payment_id] for part in plan.parts)
    assert len({part.payment_id for part in plan.parts}) == len(plan.parts)


@given(some_payments(), st.data())
def test_an_earlier_payment_is_used_up_before_the_next_is_touched(payments, data):
    by_id = {each.payment_id: each for each in payments}
    assume(free(payments))
    most = total(each.refundable for each in free(payments)).cents
    plan = plan_refund(Money(data.draw(st.integers(1, most))), payments)
    used = [by_id[part.payment_id] for part in plan.parts]
    ranks = [(each.method is RefundMethod.CARD, each.received_at) for each in used]
    assert ranks == sorted(ranks, reverse=True)
    assert all(part.amount == each.refundable for part, each in zip(plan.parts[:-1], used[:-1], strict=True))
    skipped = [each for each in free(payments) if each not in used]
    assert all((each.method is RefundMethod.CARD, each.received_at) <= ranks[-1] for each in skipped)


@given(some_payments())
def test_everything_is_all_that_is_free_and_goes_back_as_it_came_or_by_check(payments):
    by_id = {each.payment_id: each for each in payments}
    disputed = {each.payment_id for each in payments if each.is_disputed and not each.payer_id}
    assume(free(payments))
    plan = plan_refund(None, payments)
    assert {part.payment_id for part in plan.parts} == {each.payment_id for each in free(payments)}
    assert all(part.method is by_id[part.payment_id].method for part in plan.parts)
    assert set(plan.disputed_payment_ids) == {name for name in disputed if by_id[name].refundable}


@given(some_payments(), st.data())
def test_only_chosen_payments_give_in_the_order_in_which_they_were_chosen(payments, data):
    chosen = data.draw(st.lists(st.sampled_from([each.payment_id for each in payments] or [""]), unique=True))
    usable = [each.payment_id for each in free(payments)]
    assume(any(name in usable for name in chosen))
    plan = plan_refund(None, payments, chosen)
    assert [part.payment_id for part in plan.parts] == [name for name in chosen if name in usable]


@given(some_payments(), st.integers(1, 100))
def test_a_cent_more_is_refused_and_the_refusal_says_what_there_is(payments, more):
    most = total(each.refundable for each in free(payments))
    with pytest.raises((MoreThanAvailable, PaymentDisputed)) as refused:
        plan_refund(most + Money(more), payments)
    if refused.type is MoreThanAvailable:
        assert refused.value.more["available_cents"] == most.cents
    else:
        assert not most


def test_the_newest_card_goes_first_and_cash_last():
    payments = [
        payment("cash", method=RefundMethod.CHECK),
        payment("old", days_ago=9),
        payment("new", days_ago=1),
        payment("hers", payer_id="employer"),
    ]
    assert told(plan_refund(Money(250), payments)) == [
        ("new", "card", 100),
        ("old", "card", 100),
        ("cash", "check", 50),
    ]


def test_disputed_money_waits_and_is_named():
    payments = [payment("held", is_disputed=True), payment("free", days_ago=1)]
    plan = plan_refund(None, payments)
    assert (told(plan), plan.disputed_payment_ids) == ([("free", "card", 100)], ("held",))
    with pytest.raises(MoreThanAvailable) as refused:
        plan_refund(Money(101), payments)
    assert refused.value.more == {"available_cents": 100, "disputed_payment_ids": ("held",)}
    with pytest.raises(PaymentDisputed) as refused:
        plan_refund(Money(1), payments[:1])
    assert refused.value.more == {"payment_ids": ("held",)}


def test_a_payment_of_somebody_else_cannot_be_chosen():
    with pytest.raises(NoSuchPayment):
        plan_refund(None, [payment("one")], ["one", "two"])


def test_only_what_the_processor_took_goes_back_the_way_it_came():
    by_card = {tender for tender in ALL if goes_back_by(tender) is RefundMethod.CARD}
    assert by_card == {Tender.CARD, Tender.ACH, Tender.CARD_PRESENT}
