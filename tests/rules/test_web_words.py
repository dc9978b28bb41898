"""What people are told of money that goes back."""

from datetime import date

import pytest

from billing.kernel.money import Money
from billing.payments.records.refunds import RefundableKind, RefundableSource
from billing.web.words import ending_in, shown_between, taken_from


@pytest.mark.parametrize(
    ("sent_on", "shown"),
    [
        (date(2026, 11, 2), (date(2026, 11, 9), date(2026, 11, 16))),
        (date(2026, 11, 6), (date(2026, 11, 13), date(2026, 11, 20))),
        (date(2026, 11, 7), (date(2026, 11, 13), date(2026, 11, 20))),
    ],
)
def test_banks_take_five_to_ten_business_days_and_rest_at_weekends(sent_on, shown):
    assert shown_between(sent_on) == shown


def test_an_instrument_is_shown_by_its_last_digits():
    assert ending_in("visa 4242") == ", visa **** 4242"
    assert ending_in("American Express 0005") == ", American Express **** 0005"
    assert ending_in(None) == ""
    assert ending_in("") == ""


def test_sources_are_added_up_by_kind_and_said_in_one_sentence():
    def source(kind, cents):
        return RefundableSource(kind=kind, id="x", amount=Money(cents))

    credit, given, ahead = RefundableKind.CREDIT, RefundableKind.GIVEN, RefundableKind.TO_COME
    assert taken_from([]) == ""
    assert taken_from([source(ahead, 100), source(ahead, 50)]) == "$1.50 paid for sessions to come"
    assert taken_from([source(credit, 100), source(ahead, 50), source(given, 1)]) == (
        "$1.00 held as credit, $0.50 paid for sessions to come and $0.01 paid for sessions given or missed"
    )
