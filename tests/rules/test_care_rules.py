"""Dates of protocols, orders, times at the bedside and the gate."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.care.errors import InvalidPlan, InvalidSessionRecord
from billing.care.records import Particulars, SessionOrder
from billing.care.rules import (
    check_dose_given,
    check_orders,
    check_planned_on,
    check_times,
    missing_cover,
    orders_of,
    protocol_dates,
)
from billing.catalog.records import Protocol, ProtocolSession
from billing.kernel.money import ZERO, Money

MONDAY = date(2026, 11, 2)
TWICE_A_WEEK = (0, 3, 7, 10, 14, 17)
FIVE_DAYS = (0, 1, 2, 3, 4)
THREE_DAYS_TWICE = (0, 1, 2, 7, 8, 9)
NOON = datetime(2026, 11, 2, 18, tzinfo=UTC)
INFUSION = SessionOrder(service="infusion", planned_on=MONDAY, minutes=45, dose_mg=Decimal(40))


def november(*days: int) -> tuple[date, ...]:
    return tuple(date(2026, 11, day) for day in days)


def plan_flaws(*orders: SessionOrder) -> list[str]:
    with pytest.raises(InvalidPlan) as refused:
        check_orders(orders, today=MONDAY)
    return [flaw.pointer for flaw in refused.value.flaws]


def test_six_sessions_fall_into_two_to_three_weeks():
    assert protocol_dates(TWICE_A_WEEK, MONDAY) == november(2, 5, 9, 12, 16, 19)


def test_consecutive_days_stay_consecutive():
    assert protocol_dates(FIVE_DAYS, MONDAY) == november(2, 3, 4, 5, 6)


def test_a_run_that_would_touch_a_weekend_moves_as_a_whole():
    assert protocol_dates(FIVE_DAYS, date(2026, 11, 4)) == november(9, 10, 11, 12, 13)
    assert protocol_dates((0, 1, 2), date(2026, 11, 5)) == november(9, 10, 11)


def test_the_repetition_in_the_following_week_moves_along():
    assert protocol_dates(THREE_DAYS_TWICE, date(2026, 11, 5)) == november(9, 10, 11, 16, 17, 18)


def test_a_single_session_on_a_weekend_waits_until_monday():
    assert protocol_dates(TWICE_A_WEEK, date(2026, 11, 4)) == november(4, 9, 11, 16, 18, 23)


def test_a_moved_session_does_not_take_the_day_of_the_next_one():
    assert protocol_dates((0, 3, 5), date(2026, 11, 4)) == november(4, 9, 10)


def test_more_days_in_a_row_than_a_week_has_working_days_include_the_weekend():
    assert protocol_dates(range(7), MONDAY) == november(2, 3, 4, 5, 6, 7, 8)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20).map(sorted), st.integers(0, 1000))
def test_sessions_keep_their_order_and_no_short_run_touches_a_weekend(offsets, later):
    starts_on = MONDAY + timedelta(days=later)
    days = protocol_dates(offsets, starts_on)
    assert len(days) == len(offsets)
    assert starts_on <= days[0]
    for (before, after), (offset, following) in zip(pairwise(days), pairwise(offsets), strict=True):
        if following - offset <= 1:
            assert (after - before).days == following - offset
        else:
            assert after > before
    lone = [
        day
        for place, day in enumerate(days)
        if all(abs(offsets[place] - other) > 1 for at, other in enumerate(offsets) if at != place)
    ]
    assert all(day.weekday() < 5 for day in lone)


def test_dose_and_add_ons_go_with_infusions_and_not_with_the_evaluation():
    protocol = Protocol(
        code="eval-and-one",
        name="Evaluation and one infusion",
        category="mental_health",
        sessions=(ProtocolSession(day_offset=7, service="infusion", minutes=45),
                  ProtocolSession(day_offset=0, service="evaluation", minutes=60)),
    )  # fmt: skip
    particulars = Particulars(dose_mg=Decimal("40.5"), weight_kg=Decimal(80), add_ons={"midazolam": 1})
    first, second = orders_of(protocol, MONDAY, particulars)
    assert (first.service, first.dose_mg, dict(first.add_ons)) == ("evaluation", None, {})
    assert (second.planned_on, second.dose_mg, second.add_ons) == (
        date(2026, 11, 9), Decimal("40.5"), {"midazolam": 1},
    )  # fmt: skip


def test_a_good_order_passes():
    check_orders([INFUSION, SessionOrder(service="evaluation", planned_on=MONDAY)], today=MONDAY)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"service": "no_show"}, "/sessions/0/service"),
        ({"service": "deposit"}, "/sessions/0/service"),
        ({"service": "massage"}, "/sessions/0/service"),
        ({"minutes": None}, "/sessions/0/minutes"),
        ({"minutes": 0}, "/sessions/0/minutes"),
        ({"minutes": 1441}, "/sessions/0/minutes"),
        ({"dose_mg": Decimal(0)}, "/sessions/0/dose_mg"),
        ({"dose_mg": Decimal("0.0001")}, "/sessions/0/dose_mg"),
        ({"dose_mg": Decimal("NaN")}, "/sessions/0/dose_mg"),
        ({"dose_mg": Decimal("Infinity")}, "/sessions/0/dose_mg"),
        ({"weight_kg": Decimal(701)}, "/sessions/0/weight_kg"),
        ({"add_ons": {"Bad Code": 1}}, "/sessions/0/add_ons"),
        ({"add_ons": {"midazolam": 0}}, "/sessions/0/add_ons/midazolam"),
        ({"planned_on": date(2030, 1, 1)}, "/sessions/0/planned_on"),
        ({"planned_on": date(1999, 1, 1)}, "/sessions/0/planned_on"),
    ],
)
def test_an_impossible_order_is_refused_by_name(change, pointer):
    assert plan_flaws(replace(INFUSION, **change)) == [pointer]


def test_a_plan_holds_one_to_a_hundred_sessions():
    assert plan_flaws() == ["/sessions"]
    assert plan_flaws(*[INFUSION] * 101) == ["/sessions"]


def test_a_plan_starts_within_the_years_that_the_clinic_plans_in():
    check_planned_on(MONDAY, today=MONDAY)
    with pytest.raises(InvalidPlan):
        check_planned_on(date(2200, 12, 31), today=MONDAY)


def times(*, start: timedelta, length: timedelta) -> None:
    check_times(NOON + start, NOON + start + length, checked_in_at=NOON - timedelta(hours=3), now=NOON)


def test_a_session_that_lasted_from_a_second_to_a_day_is_believed():
    times(start=timedelta(hours=-2), length=timedelta(minutes=45))
    times(start=timedelta(seconds=-1), length=timedelta(seconds=1))
    times(start=timedelta(hours=-24), length=timedelta(hours=24))


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (timedelta(hours=-2), timedelta(0)),
        (timedelta(hours=-2), timedelta(minutes=-5)),
        (timedelta(hours=-30), timedelta(hours=24, seconds=1)),
        (timedelta(hours=-1), timedelta(hours=1, seconds=1)),
        (timedelta(days=-40), timedelta(hours=1)),
    ],
)
def test_times_that_cannot_have_been_are_refused(start, length):
    with pytest.raises(InvalidSessionRecord):
        times(start=start, length=length)


def test_a_drug_needs_its_dose_and_an_evaluation_has_none():
    check_dose_given("evaluation", None)
    check_dose_given("infusion", Decimal(0))
    check_dose_given("booster", Decimal("12.125"))
    for service, dose in [("infusion", None), ("infusion", Decimal(-1)), ("booster", Decimal("0.0005"))]:
        with pytest.raises(InvalidSessionRecord):
            check_dose_given(service, dose)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_missing_and_what_is_covered_make_up_what_is_due(due, covered):
    missing = missing_cover(Money(due), Money(covered))
    assert missing >= ZERO
    assert missing == ZERO if covered >= due else missing + Money(covered) == Money(due)
