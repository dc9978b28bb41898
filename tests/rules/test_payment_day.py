"""Which days of payment a person has to look at, and on which day a payment is booked."""

from datetime import date

import pytest

from billing.insurance.rules.payment_day import booking_day, unlikely_day

TODAY, VISIT = date(2026, 11, 25), date(2026, 11, 3)


@pytest.mark.parametrize("paid_on", [VISIT, TODAY, date(2026, 11, 28), date(2026, 12, 5), date(2026, 11, 4)])
def test_a_day_from_the_visit_to_some_days_ahead_is_likely(paid_on):
    assert unlikely_day(paid_on, TODAY, [VISIT]) is None


@pytest.mark.parametrize(
    ("paid_on", "words"),
    [
        (date(2026, 12, 6), "more than 10 days from now"),
        (date(2027, 12, 31), "more than 10 days from now"),
        (date(1999, 1, 1), "more than three years ago"),
        (date(2026, 11, 2), "before the visit of 2026-11-03"),
    ],
)
def test_any_other_day_is_looked_at_and_never_booked(paid_on, words):
    assert words in str(unlikely_day(paid_on, TODAY, [VISIT]))
    assert booking_day(paid_on, TODAY, [VISIT]) == TODAY


def test_what_pays_no_visit_is_not_held_against_one():
    assert unlikely_day(date(2024, 1, 5), TODAY, []) is None


@pytest.mark.parametrize(
    ("paid_on", "booked"),
    [
        (date(2026, 11, 20), date(2026, 11, 20)),
        (date(2026, 11, 27), date(2026, 11, 27)),
        (date(2026, 12, 1), TODAY),
    ],
)
def test_it_is_booked_on_the_payers_day_and_never_in_a_month_to_come(paid_on, booked):
    assert booking_day(paid_on, TODAY, [VISIT]) == booked
