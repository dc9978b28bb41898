from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from billing.care.use_cases import cancel_session
from billing.catalog.errors import NoScheduleInForce, NoSuchSite
from billing.catalog.queries import sites
from billing.catalog.use_cases import publish_schedule
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.errors import NoSuchPatient
from billing.platform.data.documents import Document, find_document
from billing.quotes.errors import CannotPrice, NoSuchQuote, NothingToQuote
from billing.quotes.models import QuoteRow
from billing.quotes.queries import find_quote, list_quotes, replay
from billing.quotes.records import Quote, QuoteOrder, SessionToPrice
from billing.quotes.use_cases import issue_quote, quote_plan
from tests.factories.care import new_plan
from tests.factories.catalog import sample_schedule, seed_sample
from tests.factories.patients import new_patient, verified_veteran

VISIT = SessionToPrice(
    on=date(2026, 11, 3),
    service="infusion",
    minutes=45,
    dose_mg=Decimal("40.5"),
    weight_kg=Decimal(80),
    add_ons={"midazolam": 1, "anti_nausea": 2},
)


@pytest.fixture
def entity(database, now):
    return seed_sample(database, now)


@pytest.fixture
def patient(database, entity):
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    return new_patient(database, entity_id=entity.id, site_id=site.id)


def order(*sessions, condition="depression", **more):
    return QuoteOrder(condition=condition, sessions=sessions or (VISIT,), **more)


def issue(database, now, asked=None, actor=SYSTEM):
    return database.in_transaction(lambda tx: issue_quote(tx, order=asked or order(), actor=actor, now=now))


def of_plan(database, now, plan, **more):
    return database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now, **more))


def cents_and_rules(sessions):
    return [[(line.rule, line.cents) for line in session.explanation] for session in sessions]


def test_a_quote_without_a_patient_is_priced_and_kept(database, entity, now):
    quote = issue(database, now, order(eligibilities=("veteran",)))
    assert quote.total == Money((45_000 + 2_000 + 3_000) * 85 // 100)
    assert (quote.entity_id, quote.patient_id, quote.quoted_on) == (entity.id, None, date(2026, 11, 2))
    assert quote.is_sample
    with database.reading() as read:
        assert find_quote(read, quote.id, SYSTEM) == quote


def test_a_quote_of_a_plan_takes_sessions_and_eligibilities_from_where_they_are_kept(database, patient, now):
    verified_veteran(database, patient.id)
    plan = new_plan(database, patient.id)
    quote = of_plan(database, now, plan)
    assert quote.total == Money(6 * 42_500 * 85 // 100)
    assert (quote.patient_id, quote.plan_id, quote.site_id) == (patient.id, plan.id, plan.site_id)
    assert [session.session_id for session in quote.sessions] == [session.id for session in plan.sessions]
    assert quote.eligibilities == ("veteran",)
    assert sum(session.net.cents for session in quote.sessions) == quote.total.cents


def test_a_cancelled_session_is_not_priced(database, patient, now):
    plan = new_plan(database, patient.id)
    gone = plan.sessions[2].id
    database.in_transaction(lambda tx: cancel_session(tx, session_id=gone, actor=SYSTEM, now=now))
    quote = of_plan(database, now, plan)
    assert gone not in [session.session_id for session in quote.sessions]
    assert quote.total == Money(5 * 45_000)


def test_a_plan_without_a_session_left_has_no_price(database, patient, now):
    plan = new_plan(database, patient.id, protocol="booster")
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=plan.sessions[0].id, actor=SYSTEM, now=now)
    )
    with pytest.raises(NothingToQuote):
        of_plan(database, now, plan)


def test_a_right_that_was_verified_later_changes_no_quote_of_an_earlier_day(database, patient, now):
    verified_veteran(database, patient.id, verified_on=date(2026, 11, 2))
    plan = new_plan(database, patient.id)
    assert of_plan(database, now, plan, quoted_on=date(2026, 11, 1)).discount == Money(0)


def test_today_is_the_sites_date(database, entity, now):
    """Half past midnight in Chicago is still the evening before in El Paso."""
    midnight = now.replace(hour=6, minute=30) + timedelta(days=1)
    with database.reading() as read:
        central, west = sites(read, entity.id)
    days = [issue(database, midnight, order(site_id=site.id)).quoted_on for site in (central, west)]
    assert days == [date(2026, 11, 3), date(2026, 11, 2)]


def test_a_stored_quote_gives_the_same_cents_and_rule_ids_for_ever(database, entity, now):
    quote = issue(database, now, order(VISIT, replace(VISIT, minutes=75), eligibilities=("veteran",)))
    dearer = replace(
        sample_schedule(),
        code="b-2026-02",
        effective_from=date(2026, 6, 1),
        rates=tuple(replace(rate, cents=rate.cents * 2) for rate in sample_schedule().rates),
    )
    database.in_transaction(
        lambda tx: publish_schedule(tx, entity_id=entity.id, schedule=dearer, actor=SYSTEM, now=now)
    )
    with database.reading() as read:
        kept = find_quote(read, quote.id, SYSTEM)
        again = replay(read, kept)
    assert kept == quote
    assert again.schedule == quote.schedule_code
    assert again.total_cents == quote.total.cents
    assert cents_and_rules(again.sessions) == cents_and_rules(quote.sessions)
    assert [session.explanation for session in again.sessions] == [
        session.explanation for session in quote.sessions
    ]
    assert issue(database, now, order(VISIT)).schedule_code == "b-2026-02"


def test_what_cannot_be_priced_is_not_kept(database, entity, now):
    with pytest.raises(CannotPrice):
        issue(database, now, order(replace(VISIT, service="surgery")))
    with database.reading() as read:
        assert list_quotes(read, actor=SYSTEM, limit=10) == []
        assert read.session.scalars(select(Document)).all() == []


def test_a_date_before_every_schedule_is_refused(database, entity, now):
    with pytest.raises(NoScheduleInForce):
        issue(database, now, order(quoted_on=date(2025, 1, 1)))


def test_neither_the_quote_nor_its_document_can_be_changed(database, entity, now):
    quote = issue(database, now)
    with pytest.raises(DBAPIError):
        database.in_transaction(lambda tx: tx.session.execute(update(QuoteRow).values(total_cents=1)))
    with pytest.raises(DBAPIError):
        database.in_transaction(lambda tx: tx.session.execute(update(Document).values(sha256="0" * 64)))
    with database.reading() as read:
        assert find_quote(read, quote.id, SYSTEM) == quote


def test_what_a_patient_has_is_not_to_be_read_in_the_tables(database, entity, now):
    quote = issue(database, now)
    with database.reading() as read:
        row = read.session.get(QuoteRow, quote.id)
        document = read.session.get(Document, row.document_id)
        assert b"depression" not in document.sealed
        assert find_document(read, row.document_id).body["condition"] == "depression"


def test_another_clinics_quotes_are_not_there(database, entity, now):
    quote = issue(database, now)
    stranger = Actor(id="usr_2", entity_id="ent_other", permissions=frozenset(Permission))
    with database.reading() as read:
        assert list_quotes(read, actor=stranger, limit=10) == []
        with pytest.raises(NoSuchQuote):
            find_quote(read, quote.id, stranger)


def test_an_actor_of_one_site_quotes_there_and_sees_no_other(database, entity, now):
    with database.reading() as read:
        central, west = sites(read, entity.id)
    at_west = Actor(
        id="usr_3", entity_id=entity.id, permissions=frozenset(Permission), site_ids=frozenset({west.id})
    )
    assert issue(database, now, actor=at_west).site_id == west.id
    with pytest.raises(NoSuchSite):
        issue(database, now, order(site_id=central.id), actor=at_west)
    elsewhere = issue(database, now, order(site_id=central.id))
    with database.reading() as read, pytest.raises(NoSuchQuote):
        find_quote(read, elsewhere.id, at_west)


def test_a_patient_of_another_clinic_is_not_there(database, patient, now):
    other = seed_sample(database, now, "c")
    actor = Actor(id="usr_4", entity_id=other.id, permissions=frozenset(Permission))
    with pytest.raises(NoSuchPatient):
        issue(database, now, order(patient_id=patient.id), actor=actor)
    with database.reading() as read:
        foreign_site = sites(read, other.id)[0].id
    with pytest.raises(NoSuchSite):
        issue(database, now, order(patient_id=patient.id, site_id=foreign_site))


def test_quotes_are_listed_newest_first_and_by_patient(database, patient, now):
    without = issue(database, now)
    with_patient = issue(database, now, order(patient_id=patient.id))
    with database.reading() as read:
        heads = list_quotes(read, actor=SYSTEM, limit=10)
        assert [head.id for head in heads] == sorted([without.id, with_patient.id], reverse=True)
        assert not any(isinstance(head, Quote) for head in heads)
        of_the_patient = list_quotes(read, actor=SYSTEM, patient_id=patient.id, limit=10)
        assert [head.id for head in of_the_patient] == [with_patient.id]
