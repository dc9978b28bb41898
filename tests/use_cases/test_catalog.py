from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from billing.catalog.errors import (
    NoScheduleInForce,
    NoSuchCondition,
    NoSuchEntity,
    NoSuchProtocol,
    ScheduleAlreadyPublished,
)
from billing.catalog.models import ConditionRow, FeeScheduleRow, SiteRow
from billing.catalog.queries import (
    altered_schedules,
    conditions,
    drugs,
    entities,
    entity_of,
    find_condition,
    find_entity_by_slug,
    find_protocol,
    find_site,
    providers,
    schedule_by_id,
    schedule_in_force,
    sites,
)
from billing.catalog.rules.schedule_body import body_of
from billing.catalog.use_cases import publish_schedule, seed_clinic
from billing.kernel.permissions import SYSTEM, Actor
from tests.factories.catalog import sample, sample_schedule, seed_sample

TODAY = date(2026, 11, 2)


def publish(database, entity, schedule, now):
    return database.in_transaction(
        lambda tx: publish_schedule(tx, entity_id=entity.id, schedule=schedule, actor=SYSTEM, now=now)
    )


def test_a_seeded_clinic_is_what_its_file_says(database, now):
    entity = seed_sample(database, now)
    clinic = sample()
    with database.reading() as read:
        assert find_entity_by_slug(read, "b") == entity
        assert [site.code for site in sites(read, entity.id)] == ["central", "west"]
        assert {provider.npi for provider in providers(read, entity.id)} == {
            provider.npi for provider in clinic.providers
        }
        assert set(conditions(read, entity.id)) == set(clinic.conditions)
        assert drugs(read, entity.id) == clinic.drugs
        assert find_protocol(read, entity.id, "series_of_six") in clinic.protocols
        published = schedule_in_force(read, entity.id, TODAY)
    assert body_of(published) == body_of(clinic.fee_schedule)
    assert published.id.startswith("fs_")


def test_a_site_keeps_its_own_time_zone(database, now):
    entity = seed_sample(database, now)
    with database.reading() as read:
        zones = {site.code: find_site(read, site.id).timezone for site in sites(read, entity.id)}
    assert zones == {"central": "America/Chicago", "west": "America/Denver"}


def test_seeding_twice_is_seeding_once(database, now):
    first, second = seed_sample(database, now), seed_sample(database, now + timedelta(days=1))
    assert first == second
    with database.reading() as read:
        assert read.session.scalar(select(func.count()).select_from(SiteRow)) == 2
        assert read.session.scalar(select(func.count()).select_from(ConditionRow)) == 20
        assert read.session.scalar(select(func.count()).select_from(FeeScheduleRow)) == 1


def test_seeding_again_brings_a_changed_name_up_to_date(database, now):
    entity = seed_sample(database, now)
    clinic = sample()
    renamed = replace(clinic, entity=replace(clinic.entity, trade_name="Sample Clinic B, renamed"))
    again = database.in_transaction(lambda tx: seed_clinic(tx, clinic=renamed, actor=SYSTEM, now=now))
    assert (again.id, again.trade_name) == (entity.id, "Sample Clinic B, renamed")


def test_a_published_schedule_is_not_replaced_under_its_code(database, now):
    entity = seed_sample(database, now)
    dearer = replace(sample_schedule(), stack_discounts=True)
    with pytest.raises(ScheduleAlreadyPublished) as refused:
        publish(database, entity, dearer, now)
    assert refused.value.more["schedule"] == "b-2026-01"


def test_a_refused_schedule_leaves_the_whole_clinic_as_it_was(database, now):
    seed_sample(database, now)
    clinic = sample()
    changed = replace(
        clinic,
        entity=replace(clinic.entity, name="Another name"),
        fee_schedule=replace(clinic.fee_schedule, stack_discounts=True),
    )
    with pytest.raises(ScheduleAlreadyPublished):
        database.in_transaction(lambda tx: seed_clinic(tx, clinic=changed, actor=SYSTEM, now=now))
    with database.reading() as read:
        assert find_entity_by_slug(read, "b").name == clinic.entity.name


def test_the_schedule_in_force_is_the_last_to_take_effect(database, now):
    entity = seed_sample(database, now)
    next_year = replace(sample_schedule(), code="b-2027-01", effective_from=date(2027, 1, 1))
    publish(database, entity, next_year, now)
    with database.reading() as read:
        assert schedule_in_force(read, entity.id, date(2026, 12, 31)).code == "b-2026-01"
        assert schedule_in_force(read, entity.id, date(2027, 1, 1)).code == "b-2027-01"


def test_a_correction_of_the_same_day_wins_over_what_it_corrects(database, now):
    entity = seed_sample(database, now)
    corrected = replace(sample_schedule(), code="b-2026-01-corrected")
    publish(database, entity, corrected, now + timedelta(minutes=1))
    with database.reading() as read:
        assert schedule_in_force(read, entity.id, TODAY).code == "b-2026-01-corrected"


def test_before_the_first_schedule_there_is_none(database, now):
    entity = seed_sample(database, now)
    with database.reading() as read, pytest.raises(NoScheduleInForce):
        schedule_in_force(read, entity.id, date(2025, 12, 31))


def test_the_database_refuses_to_change_a_published_schedule(database, now):
    seed_sample(database, now)

    def tamper(tx):
        tx.session.scalars(select(FeeScheduleRow)).one().body = "{}"
        tx.session.flush()

    with pytest.raises(DBAPIError):
        database.in_transaction(tamper)
    with database.reading() as read:
        assert altered_schedules(read) == ()


def test_all_five_clinics_stand_side_by_side(database, now):
    seeded = [seed_sample(database, now, slug) for slug in "abcde"]
    with database.reading() as read:
        assert list(entities(read)) == seeded
        for entity in seeded:
            schedule = schedule_in_force(read, entity.id, TODAY)
            assert schedule.code == f"{entity.slug}-2026-01"
            assert schedule_by_id(read, schedule.id) == schedule


def test_an_actor_of_no_entity_means_the_only_one(database, now):
    nobody = Actor(id="usr_1", entity_id=None, permissions=frozenset())
    with database.reading() as read, pytest.raises(NoSuchEntity):
        entity_of(read, nobody)
    entity = seed_sample(database, now)
    with database.reading() as read:
        assert entity_of(read, nobody) == entity


def test_what_is_not_there_is_said_so(database, now):
    entity = seed_sample(database, now)
    with database.reading() as read:
        with pytest.raises(NoSuchCondition):
            find_condition(read, entity.id, "hiccups")
        with pytest.raises(NoSuchProtocol):
            find_protocol(read, entity.id, "series_of_sixty")
