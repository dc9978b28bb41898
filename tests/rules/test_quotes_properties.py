"""What holds for every plan under every one of the sample schedules."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.quotes.records import SessionToPrice
from billing.quotes.rules import price
from tests.factories.catalog import sample_schedule

QUOTED_ON = date(2026, 11, 2)
SCHEDULES = [sample_schedule(slug) for slug in "abcde"]
DOSES = st.decimals(0, 300, places=2)


def sessions_under(schedule):
    return st.builds(
        SessionToPrice,
        on=st.integers(0, 20).map(lambda days: QUOTED_ON + timedelta(days)),
        service=st.sampled_from(
            ["infusion", "infusion", "infusion", "booster", "evaluation", "no_show", "deposit"]
        ),
        minutes=st.sampled_from([45, 60, 61, 75, 120, 180, 240, 300]) | st.integers(1, 600),
        dose_mg=DOSES,
        weight_kg=st.none() | st.decimals(40, 140, places=1),
        add_ons=st.dictionaries(st.sampled_from([*schedule.add_ons_by_code]), st.integers(0, 3)),
        condition=st.none() | st.sampled_from([*schedule.categories]),
    )


@st.composite
def plans(draw):
    """Arguments of `price`; often long enough for a package."""
    schedule = replace(draw(st.sampled_from(SCHEDULES)), stack_discounts=draw(st.booleans()))
    each = sessions_under(schedule)
    alike = [draw(each)] * draw(st.integers(0, 8))
    sessions = alike + draw(st.lists(each, min_size=0 if alike else 1, max_size=8))
    eligibilities = draw(st.sets(st.sampled_from(["veteran", "first_responder"])))
    return schedule, draw(st.sampled_from([*schedule.categories])), sessions, sorted(eligibilities), QUOTED_ON


@given(plans())
def test_sessions_sum_to_the_plan_and_reductions_lead_to_the_total(plan):
    priced = price(*plan)
    for name in ("list_cents", "package_cents", "discount_cents"):
        assert sum(getattr(session, name) for session in priced.sessions) == getattr(priced, name)
    assert sum(session.net_cents for session in priced.sessions) == priced.total_cents
    assert priced.list_cents - priced.package_cents - priced.discount_cents == priced.total_cents


@given(plans())
def test_the_explanation_of_a_session_sums_to_what_it_costs(plan):
    for session in price(*plan).sessions:
        assert sum(line.cents for line in session.explanation) == session.net_cents
        assert session.list_cents - session.package_cents - session.discount_cents == session.net_cents


@given(plans())
def test_nothing_costs_less_than_nothing(plan):
    priced = price(*plan)
    assert priced.package_cents >= 0
    assert all(session.net_cents >= 0 and session.discount_cents >= 0 for session in priced.sessions)


@given(plans())
def test_the_same_input_gives_the_same_cents_and_rule_ids(plan):
    assert price(*plan) == price(*plan)


@given(plans(), st.randoms())
def test_the_order_in_which_sessions_are_listed_does_not_change_the_total(plan, random):
    schedule, condition, sessions, *others = plan
    shuffled = random.sample(sessions, len(sessions))
    one, other = price(*plan), price(schedule, condition, shuffled, *others)
    assert (one.list_cents, one.package_cents, one.discount_cents) == (
        other.list_cents,
        other.package_cents,
        other.discount_cents,
    )


@given(plans(), st.data())
def test_more_minutes_or_dose_never_cost_less_under_the_same_tier(plan, data):
    """Longer than planned: the tier is chosen by planned minutes and stays the same."""
    schedule, condition, sessions, *others = plan
    place = data.draw(st.integers(0, len(sessions) - 1))
    asked = sessions[place]
    longer = replace(
        asked,
        minutes=min(asked.minutes + data.draw(st.integers(0, 300)), 1440),
        dose_mg=asked.dose_mg + data.draw(st.decimals(0, 200, places=2)),
        planned_minutes=asked.minutes,
    )
    unlike = replace(schedule, tiers=schedule.tiers[:1])
    more = price(unlike, condition, [*sessions[:place], longer, *sessions[place + 1 :]], *others)
    less = price(unlike, condition, sessions, *others)
    if [rules(session) for session in more.sessions] == [rules(session) for session in less.sessions]:
        assert more.total_cents >= less.total_cents
    assert more.list_cents >= less.list_cents


@given(plans())
def test_packages_and_eligibilities_never_make_a_plan_dearer(plan):
    schedule, condition, sessions, _, quoted_on = plan
    plain = price(replace(schedule, tiers=()), condition, sessions, (), quoted_on)
    assert price(*plan).total_cents <= price(schedule, condition, sessions, (), quoted_on).total_cents
    assert price(schedule, condition, sessions, (), quoted_on).total_cents <= plain.total_cents


@given(plans())
def test_a_discount_is_a_share_of_what_is_left_rounded_once(plan):
    priced = price(*plan)
    schedule, _, _, eligibilities, _ = plan
    points = 1_500 * (len(eligibilities) if schedule.stack_discounts else min(len(eligibilities), 1))
    fees = sum(
        line.cents
        for session in priced.sessions
        for line in session.explanation
        if session.service in ("no_show", "deposit") and line.rule == "base"
    )
    discountable = Decimal(priced.list_cents - priced.package_cents - fees)
    assert abs(priced.discount_cents - discountable * points / 10_000) <= Decimal("0.5")


def rules(session):
    return [line.rule for line in session.explanation if line.rule == "package"]
