"""What a plan costs, by the sample schedule of clinic B and by schedules that differ from it in one thing."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.catalog.records import Discount, Tier
from billing.quotes.errors import CannotPrice
from billing.quotes.records import SessionToPrice
from billing.quotes.rules import discounts_for, price
from tests.factories.catalog import sample_schedule

B = sample_schedule()
QUOTED_ON = date(2026, 11, 2)
FIRST_DAY = date(2026, 11, 3)


def visit(day=0, service="infusion", minutes=45, dose=40, weight=None, **more):
    return SessionToPrice(
        on=FIRST_DAY + timedelta(day),
        service=service,
        minutes=minutes,
        dose_mg=None if dose is None else Decimal(str(dose)),
        weight_kg=None if weight is None else Decimal(str(weight)),
        **more,
    )


def visits(count, **each):
    return [visit(day, **each) for day in range(count)]


def evaluation(day=0, **more):
    return visit(day, "evaluation", None, None, **more)


def priced(sessions, condition="depression", eligibilities=(), schedule=B):
    return price(schedule, condition, sessions, eligibilities, QUOTED_ON)


def total(*arguments, **named):
    return priced(*arguments, **named).total_cents


def rules(session):
    return [line.rule for line in session.explanation]


def flaws(*arguments, **named):
    with pytest.raises(CannotPrice) as refused:
        priced(*arguments, **named)
    return {flaw.pointer: flaw.message for flaw in refused.value.flaws}


# --- the worked examples -------------------------------------------------------------------------------


def test_seven_infusions_one_of_75_minutes_with_90_mg_cost_3225():
    assert total([*visits(6), visit(6, minutes=75, dose=90)]) == 322_500


def test_four_pain_days_of_240_minutes_and_one_of_180_cost_5750():
    assert total([*visits(4, minutes=240), visit(4, minutes=180)], "crps") == 575_000


def test_six_infusions_a_booster_and_an_evaluation_cost_a_veteran_2762_50():
    plan = [evaluation(), *visits(6), visit(6, "booster")]
    assert total(plan, eligibilities=["veteran"]) == 276_250


def test_one_visit_is_explained_line_by_line():
    session = visit(weight=80, add_ons={"anti_nausea": 1})
    plan = priced([session], eligibilities=["veteran"])
    assert [tuple(line) for line in plan.sessions[0].explanation] == [
        ("base", "Infusion, mental health, up to 60 minutes", 45_000),
        ("add_on", "anti_nausea x 1", 1_500),
        ("veteran", "15% of $465.00", -6_975),
    ]
    assert (plan.list_cents, plan.package_cents, plan.discount_cents) == (46_500, 0, 6_975)
    assert (plan.schedule, plan.total_cents) == ("b-2026-01", 39_525)


# --- steps 1 to 4 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "cents"),
    [(1, 45_000), (60, 45_000), (61, 55_000), (90, 55_000), (91, 65_000), (1440, 505_000)],
)
def test_mental_health_time_is_charged_by_each_half_hour_begun(minutes, cents):
    assert total([visit(minutes=minutes)]) == cents


@pytest.mark.parametrize(("minutes", "cents"), [(60, 45_000), (61, 70_000), (120, 70_000), (240, 120_000)])
def test_pain_time_is_charged_by_each_hour_begun(minutes, cents):
    assert total([visit(minutes=minutes)], "crps") == cents


@pytest.mark.parametrize(("dose", "cents"), [(0, 0), (80, 0), ("80.001", 15_000), (81, 15_000)])
def test_a_dose_above_80_mg_costs_more_and_80_mg_itself_does_not(dose, cents):
    assert total([visit(dose=dose)]) == 45_000 + cents


@pytest.mark.parametrize(
    ("dose", "weight", "cents"),
    [(90, 90, 0), (90, "89.999", 15_000), (60, 50, 15_000), (120, 130, 0), ("70.1", 70, 15_000)],
)
def test_where_the_weight_is_known_mg_per_kg_decide_instead(dose, weight, cents):
    assert total([visit(dose=dose, weight=weight)]) == 45_000 + cents


def test_of_several_bands_the_highest_that_is_exceeded_counts():
    schedule = sample_schedule("c")
    costs = [total([visit(dose=dose)], "crps", schedule=schedule) for dose in (100, 150, 250)]
    assert costs == [50_000, 62_000, 72_000]


def test_a_schedule_without_bands_by_weight_goes_by_mg():
    schedule = replace(B, weight_bands=())
    assert total([visit(dose=90, weight=200)], schedule=schedule) == 60_000


def test_add_ons_are_charged_by_the_unit():
    assert total([visit(add_ons={"anti_nausea": 2, "midazolam": 1, "laboratory": 1})]) == 45_000 + 13_500


def test_no_units_of_an_add_on_leave_no_line():
    assert rules(priced([visit(add_ons={"midazolam": 0})]).sessions[0]) == ["base"]


def test_a_visit_for_an_add_on_alone_goes_by_the_add_ons_code():
    session = priced([visit(service="laboratory", minutes=None, dose=None)]).sessions[0]
    assert (session.net_cents, rules(session)) == (8_500, ["add_on"])


def test_an_evaluation_needs_neither_minutes_nor_dose_and_is_not_charged_for_them():
    assert total([evaluation()]) == 25_000
    assert total([visit(service="evaluation", minutes=600, dose=500)]) == 25_000
    assert total([visit(service="evaluation", minutes=0, dose=0)]) == 25_000


def test_steps_leave_their_lines_in_their_order():
    longest = visit(minutes=75, dose=90, add_ons={"midazolam": 1})
    plan = priced([*visits(5), longest], eligibilities=["first_responder"])
    assert rules(plan.sessions[5]) == ["base", "time", "dose", "add_on", "package", "first_responder"]


# --- step 5: packages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "cents"), [(5, 225_000), (6, 255_000), (7, 297_500)])
def test_from_six_infusions_each_costs_425(count, cents):
    assert total(visits(count)) == cents


def test_five_pain_days_of_four_hours_cost_5700():
    assert total(visits(5, minutes=240), "crps") == 570_000


def test_longer_time_is_counted_from_the_minutes_of_the_tier():
    plan = priced([*visits(4, minutes=240), visit(4, minutes=300)], "crps")
    assert [session.net_cents for session in plan.sessions] == [114_000] * 4 + [139_000]


def test_dose_and_add_ons_are_added_to_the_package():
    plan = visits(6, dose=90, add_ons={"anti_nausea": 1})
    assert total(plan) == 6 * (42_500 + 15_000 + 1_500)


def test_boosters_evaluations_and_fees_never_count_and_never_change():
    others = [evaluation(), visit(1, "booster"), visit(2, "no_show", None, None)]
    assert total([*visits(5), *others]) == 5 * 45_000 + 25_000 + 45_000 + 15_000
    assert total([*visits(6), *others]) == 6 * 42_500 + 25_000 + 45_000 + 15_000


def test_a_session_counts_for_the_category_of_its_own_condition():
    five_and_one = [*visits(5), visit(5, condition="fibromyalgia")]
    assert total(five_and_one) == 6 * 45_000
    six_and_one = [*visits(6), visit(6, minutes=240, condition="fibromyalgia")]
    assert total(six_and_one) == 6 * 42_500 + 120_000


def test_packages_of_two_categories_do_not_compete():
    """A course for depression and one for pain cost together what they cost apart."""
    mood, pain = visits(6), visits(5, minutes=240, condition="crps")
    assert total([*mood, *pain]) == total(mood) + total(pain, "crps")


def test_of_the_tiers_that_are_reached_the_lowest_total_wins():
    schedule = sample_schedule("a")
    totals = [total(visits(count, minutes=60), schedule=schedule) for count in (5, 6, 9, 10)]
    assert totals == [5 * 47_500, 6 * 44_000, 9 * 44_000, 10 * 42_500]


def test_a_tier_that_matches_fewer_sessions_can_still_be_the_cheaper_one():
    """Clinic C: 940 up to 180 minutes from five, 1,120 up to 240 from ten of at least 240."""
    schedule = sample_schedule("c")
    assert total(visits(10, minutes=240), "crps", schedule=schedule) == 10 * 112_000
    assert total(visits(10, minutes=180), "crps", schedule=schedule) == 10 * 94_000
    mixed = [*visits(9, minutes=240), visit(9, minutes=180)]
    assert total(mixed, "crps", schedule=schedule) == 9 * (94_000 + 24_000) + 94_000


def test_a_tier_that_saves_nothing_is_not_taken():
    tier = Tier(
        sessions=2, service="infusion", category="mental_health", least_minutes=1, cents=46_000, minutes=60
    )
    plan = priced(visits(2), schedule=replace(B, tiers=(tier,)))
    assert (plan.package_cents, plan.total_cents) == (0, 90_000)
    assert rules(plan.sessions[0]) == ["base"]


def test_between_tiers_of_one_total_the_first_of_the_schedule_is_named():
    def tier(sessions):
        return Tier(sessions=sessions, service="infusion", category="mental_health", least_minutes=1,
                    cents=40_000, minutes=60)  # fmt: skip

    plan = priced(visits(4), schedule=replace(B, tiers=(tier(2), tier(4))))
    assert "from 2 infusions" in plan.sessions[0].explanation[-1].text


def test_a_package_can_cost_one_session_more_and_the_course_less():
    tier = Tier(
        sessions=2, service="infusion", category="mental_health", least_minutes=1, cents=42_500, minutes=45
    )
    plan = priced([*visits(5), visit(5, minutes=60)], schedule=replace(B, tiers=(tier,)))
    assert [session.package_cents for session in plan.sessions] == [2_500] * 5 + [-7_500]
    assert plan.sessions[5].net_cents == 52_500
    assert plan.total_cents == 6 * 45_000 - 5_000


def test_tiers_go_by_planned_minutes_and_time_by_the_actual_ones():
    given = visits(5, minutes=240)
    given[2] = replace(given[2], minutes=180, planned_minutes=240)
    given[4] = replace(given[4], minutes=250, planned_minutes=240, dose_mg=Decimal(90))
    plan = priced(given, "crps")
    assert [session.net_cents for session in plan.sessions] == [114_000] * 4 + [114_000 + 25_000 + 15_000]


# --- steps 6 and 7: discounts --------------------------------------------------------------------------


def test_two_eligibilities_are_not_stacked():
    plan = priced([visit()], eligibilities=["first_responder", "veteran"])
    assert plan.discount_cents == 6_750
    assert rules(plan.sessions[0]) == ["base", "veteran"]


def test_the_largest_discount_wins():
    dearer = Discount(code="first_responder", name="First responder", basis_points=2_000)
    schedule = replace(B, discounts=(B.discounts[0], dearer))
    plan = priced([visit()], eligibilities=["veteran", "first_responder"], schedule=schedule)
    assert rules(plan.sessions[0]) == ["base", "first_responder"]
    assert plan.discount_cents == 9_000


def test_discounts_stack_only_where_the_schedule_says_so():
    plan = priced(
        [visit()], eligibilities=["veteran", "first_responder"], schedule=replace(B, stack_discounts=True)
    )
    assert plan.discount_cents == 13_500
    assert rules(plan.sessions[0]) == ["base", "veteran", "first_responder"]


def test_stacked_discounts_never_take_more_than_all():
    generous = tuple(replace(discount, basis_points=7_000) for discount in B.discounts)
    schedule = replace(B, discounts=generous, stack_discounts=True)
    plan = priced([visit(), visit(1, "no_show", None, None)], eligibilities=["veteran", "first_responder"],
                  schedule=schedule)  # fmt: skip
    assert [session.net_cents for session in plan.sessions] == [0, 15_000]
    assert sum(line.cents for line in plan.sessions[0].explanation) == 0


def test_the_same_eligibility_twice_counts_once():
    assert total([visit()], eligibilities=["veteran", "veteran"]) == 38_250


def test_no_show_fees_and_deposits_are_not_discounted():
    plan = [visit(service="no_show", minutes=None, dose=None), visit(1, "deposit", None, None)]
    assert total(plan, eligibilities=["veteran"]) == 25_000


def test_add_ons_and_surcharges_are_discounted():
    session = visit(minutes=75, dose=90, add_ons={"laboratory": 1})
    assert priced([session], eligibilities=["veteran"]).discount_cents == 78_500 * 15 // 100


def test_the_discount_is_rounded_once_over_the_whole_plan():
    """Thirds of a cent in each of three sessions make one cent in the plan, not three."""
    odd = replace(B, rates=tuple(replace(rate, cents=45_003) for rate in B.rates), tiers=())
    plan = priced(visits(3), eligibilities=["veteran"], schedule=odd)
    assert plan.discount_cents == 20_251  # 20,251.35
    assert [session.discount_cents for session in plan.sessions] == [6_751, 6_750, 6_750]


def test_half_a_cent_is_rounded_up():
    odd = replace(B, rates=tuple(replace(rate, cents=45_010) for rate in B.rates))
    assert priced([visit()], eligibilities=["veteran"], schedule=odd).discount_cents == 6_752  # 6,751.5


def test_a_cent_that_is_left_goes_to_the_earlier_date_wherever_it_stands():
    odd = replace(B, rates=tuple(replace(rate, cents=45_003) for rate in B.rates), tiers=())
    plan = priced(visits(3)[::-1], eligibilities=["veteran"], schedule=odd)
    assert [session.discount_cents for session in plan.sessions] == [6_750, 6_750, 6_751]


def test_on_one_date_a_cent_that_is_left_goes_to_the_first_in_the_plan():
    odd = replace(B, rates=tuple(replace(rate, cents=45_003) for rate in B.rates), tiers=())
    plan = priced([visit(), visit(), visit()], eligibilities=["veteran"], schedule=odd)
    assert [session.discount_cents for session in plan.sessions] == [6_751, 6_750, 6_750]


def test_an_eligibility_is_sought_among_the_schedules_discounts():
    assert discounts_for(B, []) == []
    assert [discount.code for discount in discounts_for(B, ["first_responder"])] == ["first_responder"]


# --- what cannot be priced -----------------------------------------------------------------------------


def test_every_flaw_is_named_at_once_by_its_pointer():
    sessions = [
        visit(service="surgery"),
        visit(minutes=None),
        visit(dose=None),
        visit(minutes=0),
        visit(dose=-1),
        visit(weight=0),
        visit(add_ons={"massage": 1, "anti_nausea": -1, "a/b": 1}),
        visit(condition="hiccups"),
    ]
    assert set(flaws(sessions, "sadness", ["student"])) == {
        "/condition",
        "/eligibilities/0",
        "/sessions/1/minutes",
        "/sessions/2/dose_mg",
        "/sessions/3/minutes",
        "/sessions/4/dose_mg",
        "/sessions/5/weight_kg",
        "/sessions/6/add_ons/massage",
        "/sessions/6/add_ons/anti_nausea",
        "/sessions/6/add_ons/a~1b",
        "/sessions/7/condition",
    }
    assert "/sessions/0/service" in flaws(sessions)


def test_a_booster_needs_minutes_and_dose_like_an_infusion():
    assert set(flaws([visit(service="booster", minutes=None, dose=None)])) == {
        "/sessions/0/minutes",
        "/sessions/0/dose_mg",
    }


def test_a_plan_without_sessions_is_no_plan():
    assert set(flaws([])) == {"/sessions"}


def test_no_plan_has_thousands_of_sessions():
    assert set(flaws(visits(201))) == {"/sessions"}


def test_no_visit_is_longer_than_a_day():
    assert set(flaws([visit(minutes=1441)])) == {"/sessions/0/minutes"}


def test_a_schedule_prices_nothing_before_it_takes_effect():
    with pytest.raises(CannotPrice) as refused:
        price(B, "depression", [visit()], (), date(2025, 12, 31))
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/quoted_on"]


def test_messages_name_what_there_is():
    assert "first_responder, veteran" in flaws([visit()], eligibilities=["student"])["/eligibilities/0"]
    assert "booster" in flaws([visit(service="surgery")])["/sessions/0/service"]
