"""Planning a course of treatment."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.care.errors import InvalidPlan
from billing.care.queries import find_plan, find_session, plans_of, sessions_on
from billing.care.records import Particulars, SessionOrder
from billing.care.states import SessionState
from billing.care.use_cases import plan_sessions, reschedule_session
from billing.catalog.queries import providers, sites
from billing.kernel.errors import Conflict, Invalid, NotFound
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from tests.factories.care import give, new_plan, new_session
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient

MONDAY = date(2026, 11, 2)


@pytest.fixture
def entity(database, now):
    return seed_sample(database, now)


@pytest.fixture
def site(database, entity):
    with database.reading() as read:
        return sites(read, entity.id)[0]


@pytest.fixture
def maria(database, site):
    return new_patient(database, entity_id=site.entity_id, site_id=site.id)


@pytest.fixture
def reschedule(database, now):
    def write(session, planned_on, by=SYSTEM):
        return database.in_transaction(
            lambda tx: reschedule_session(tx, session_id=session.id, planned_on=planned_on, actor=by, now=now)
        )

    return write


def clerk(*, entity_id, site_ids=None):
    return Actor(id="usr_1", entity_id=entity_id, permissions=ROLES[Role.FRONT_DESK], site_ids=site_ids)


def ask(database, query, *args, **named):
    with database.reading() as read:
        return query(read, *args, **named)


def test_a_series_of_six_is_planned_over_two_to_three_weeks(database, maria):
    plan = new_plan(database, maria.id)
    assert [session.planned_on.day for session in plan.sessions] == [2, 5, 9, 12, 16, 19]
    assert [session.number for session in plan.sessions] == [1, 2, 3, 4, 5, 6]
    first = plan.sessions[0]
    assert (first.service, first.condition, first.planned_minutes) == ("infusion", "depression", 45)
    assert (first.planned_dose_mg, first.weight_kg) == (Decimal(40), Decimal(80))
    assert (first.state, first.due, first.covered.cents) == (SessionState.PLANNED, None, 0)


def test_five_days_in_a_row_repeat_in_the_following_week(database, maria):
    plan = new_plan(database, maria.id, condition="crps", protocol="pain_5_days_repeated")
    assert [session.planned_on.day for session in plan.sessions] == [2, 3, 4, 5, 6, 9, 10, 11, 12, 13]


def test_a_plan_reads_back_as_it_was_made(database, maria):
    plan = new_plan(database, maria.id)
    second = new_plan(database, maria.id, protocol="booster")
    assert ask(database, find_plan, plan.id, SYSTEM) == plan
    assert ask(database, plans_of, maria.id) == (second, plan)
    assert ask(database, find_session, plan.sessions[3].id, SYSTEM) == plan.sessions[3]


def test_sessions_given_one_by_one_are_numbered_by_date_weekends_included(database, maria, now):
    orders = [
        SessionOrder(
            service="infusion", planned_on=MONDAY + timedelta(days=5), minutes=240, condition="crps"
        ),
        SessionOrder(
            service="evaluation", planned_on=MONDAY, add_ons={"laboratory": 1}, weight_kg=Decimal("81.25")
        ),
    ]
    plan = database.in_transaction(
        lambda tx: plan_sessions(
            tx, patient_id=maria.id, condition="depression", orders=orders, actor=SYSTEM, now=now
        )
    )
    evaluation, infusion = plan.sessions
    assert (plan.protocol, evaluation.service, evaluation.planned_minutes) == (None, "evaluation", None)
    assert (evaluation.add_ons, evaluation.weight_kg) == ({"laboratory": 1}, Decimal("81.25"))
    assert (infusion.condition, infusion.planned_on.weekday()) == ("crps", 5)


@pytest.mark.parametrize(
    "wrong", [{"condition": "nosuch"}, {"protocol": "nosuch"}, {"particulars": Particulars(site_id="site_x")}]
)
def test_what_the_clinic_does_not_have_cannot_be_planned(database, maria, wrong):
    with pytest.raises(NotFound):
        new_plan(database, maria.id, **wrong)


def test_a_session_of_an_unknown_condition_cannot_be_planned(database, maria, now):
    order = SessionOrder(service="infusion", planned_on=MONDAY, minutes=45, condition="nosuch")
    with pytest.raises(NotFound):
        database.in_transaction(
            lambda tx: plan_sessions(
                tx, patient_id=maria.id, condition="depression", orders=[order], actor=SYSTEM, now=now
            )
        )


def test_a_plan_takes_place_at_its_own_clinic(database, maria, now):
    other = seed_sample(database, now, "a")
    elsewhere = ask(database, sites, other.id)[0]
    stranger = ask(database, providers, other.id)[0]
    for particulars in (Particulars(site_id=elsewhere.id), Particulars(provider_id=stranger.id)):
        with pytest.raises(InvalidPlan):
            new_plan(database, maria.id, particulars=particulars)


def test_a_provider_of_the_clinic_is_kept_with_each_session(database, maria, entity):
    provider = ask(database, providers, entity.id)[0]
    plan = new_plan(database, maria.id, particulars=Particulars(provider_id=provider.id))
    assert {session.provider_id for session in plan.sessions} == {provider.id}


def test_a_plan_far_from_today_is_refused(database, maria):
    for starts_on in (date(1999, 1, 1), date(2200, 12, 31)):
        with pytest.raises(Invalid):
            new_plan(database, maria.id, starts_on=starts_on)


def test_a_planned_session_moves_to_another_day(database, maria, reschedule):
    session = new_session(database, maria.id)
    assert reschedule(session, date(2026, 11, 6)).planned_on == date(2026, 11, 6)
    assert ask(database, find_session, session.id, SYSTEM).state == SessionState.PLANNED
    with pytest.raises(Invalid):
        reschedule(session, date(2031, 1, 1))


def test_a_session_that_was_given_stays_where_it_is(database, maria, reschedule):
    session = new_session(database, maria.id)
    give(database, session.id)
    with pytest.raises(Conflict):
        reschedule(session, date(2026, 11, 6))


def test_a_day_lists_the_sessions_of_the_actors_sites(database, maria, site):
    ours = new_session(database, maria.id)
    later = new_session(database, maria.id)
    new_session(database, maria.id, planned_on=date(2026, 11, 3))
    everywhere = clerk(entity_id=site.entity_id)
    page = {"site_id": None, "cursor": None, "limit": 10}
    assert [s.id for s in ask(database, sessions_on, MONDAY, actor=everywhere, **page)] == [later.id, ours.id]
    after = ask(database, sessions_on, MONDAY, actor=everywhere, **{**page, "cursor": later.id})
    assert [s.id for s in after] == [ours.id]
    for stranger in (clerk(entity_id="ent_x"), clerk(entity_id=None, site_ids=frozenset({"site_x"}))):
        assert ask(database, sessions_on, MONDAY, actor=stranger, **page) == ()
        with pytest.raises(NotFound):
            ask(database, find_session, ours.id, stranger)
        with pytest.raises(NotFound):
            ask(database, find_plan, ours.plan_id, stranger)


def test_a_stranger_neither_plans_nor_moves_anything(database, maria, reschedule):
    session = new_session(database, maria.id)
    stranger = clerk(entity_id="ent_x")
    with pytest.raises(NotFound):
        reschedule(session, date(2026, 11, 6), by=stranger)
    with pytest.raises(NotFound):
        database.in_transaction(
            lambda tx: plan_sessions(
                tx,
                patient_id=maria.id,
                condition="depression",
                orders=[SessionOrder(service="evaluation", planned_on=MONDAY)],
                actor=stranger,
                now=maria.added_at,
            )
        )
