"""A check or transfer comes once, though its file or its paper names it otherwise the second time."""

from datetime import timedelta

import pytest

from billing.insurance.errors import RemittancePostedBefore
from billing.insurance.use_cases.paper_remittances import key_in_eob
from billing.insurance.use_cases.remittance_decisions.payments import call_distinct
from billing.insurance.use_cases.remittances.undo import undo_remittance
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.paper import CHECK_DAY, paper_eob, typed_claim
from tests.factories.remittance_835 import Claim, remittance


@pytest.fixture
def course(database):
    return a_course(database, sessions=3)


@pytest.fixture
def bills(database, course):
    return [handed_out(database, session_id) for session_id in course.session_ids[:2]]


@pytest.fixture
def send(database, bills):
    """The insurer's file: of one claim, and a trace."""

    def work(paid=18_000, *, of=0, trace="778811", paid_on=CHECK_DAY, **more):
        claim = Claim(control_number=bills[of].control_number, charge_cents=38_250, paid_cents=paid)
        file = imported(database, remittance([claim], trace=trace, paid_on=paid_on, **more))
        (transaction,) = file.transactions
        return transaction

    return work


@pytest.fixture
def key_in(do, bills):
    def work(paid=18_000, **more):
        return do(key_in_eob, eob=paper_eob(typed_claim(bills[0].control_number, paid=paid), **more))

    return work


@pytest.mark.parametrize(
    "otherwise",
    [
        {"paid_on": CHECK_DAY + timedelta(days=1)},
        {"paid": 15_000},
        {"paid": 15_000, "of": 1},
        {"payer_id": "1999999999"},
        {"trace": "0000778811"},
        {"trace": "0000778811", "paid": 15_000, "paid_on": CHECK_DAY + timedelta(days=3)},
    ],
    ids=["dated otherwise", "less", "of another claim", "another originator", "with zeros", "all of it"],
)
def test_a_payment_that_was_posted_waits_when_it_comes_otherwise(books, do, send, otherwise):
    first = send()
    assert first.status == "posted"
    posted = books()
    again = send(**otherwise)
    assert again.status == "parked"
    assert "of $180.00 with the number 778811" in str(again.reason)
    assert books() == posted
    other = do(call_distinct, remittance_id=again.id, reason="two deposits on the statement")
    assert other.status == "posted"


def test_a_check_of_a_file_is_not_typed_in_beside_it_without_the_zeros_of_the_bank(books, send, key_in):
    send(trace="000778811")
    posted = books()
    with pytest.raises(RemittancePostedBefore):
        key_in(check_number="778811")
    assert books() == posted


def test_the_file_of_a_check_that_was_typed_in_waits_with_the_banks_zeros(books, send, key_in):
    key_in(check_number="778811")
    posted = books()
    assert send(trace="0000778811").status == "parked"
    assert books() == posted


def test_who_corrects_a_sum_that_was_typed_wrong_undoes_the_first(books, do, key_in):
    before = books()
    wrong = key_in(20_000, check_number="778811")
    with pytest.raises(RemittancePostedBefore) as refused:
        key_in(10_000, check_number="778811")
    assert refused.value.more["remittance_id"] == wrong.id
    do(undo_remittance, remittance_id=wrong.id, reason="typed wrong")
    assert key_in(10_000, check_number="778811").status == "posted"
    assert books()["1000"] - before.get("1000", 0) == 10_000


def test_two_payments_of_nothing_may_have_one_number(send):
    days = [CHECK_DAY, CHECK_DAY + timedelta(days=1)]
    assert [send(0, trace="0", paid_on=day).status for day in days] == ["posted", "posted"]
