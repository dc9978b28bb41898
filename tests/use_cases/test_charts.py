"""What the clinician records of a visit: kept, signed once, amended with a reason, never edited."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.care.errors import ChartNotOpen, InvalidChart, InvalidSessionRecord, NoSuchSession
from billing.care.models import SessionChartRow
from billing.care.queries import find_session
from billing.care.queries.charts import charts_of, signed_chart, waiting_for_clinician
from billing.care.records import (
    ChartEntry,
    DrugEntry,
    Evaluation,
    EvaluationKind,
    Hydration,
    HydrationPurpose,
    Order,
    Way,
)
from billing.care.states import SessionState
from billing.care.use_cases import keep_chart, sign_chart
from billing.catalog.queries import sites
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.audit import AuditRow
from tests.factories.care import give, let_in, new_session
from tests.factories.catalog import seed_sample
from tests.factories.charts import KETAMINE, amended, entry, signed
from tests.factories.patients import new_patient


@pytest.fixture
def maria(database, now):
    entity = seed_sample(database, now)
    with database.reading() as reading:
        site = sites(reading, entity.id)[0]
    return new_patient(database, entity_id=entity.id, site_id=site.id)


@pytest.fixture
def session(database, maria):
    return new_session(database, maria.id)


@pytest.fixture
def clinician(maria):
    return Actor(id="usr_7", entity_id=maria.entity_id, permissions=ROLES[Role.CLINICIAN])


def read(database, query, *arguments, **more):
    with database.reading() as reading:
        return query(reading, *arguments, **more)


def keep(database, session, told, now, actor=SYSTEM):
    return database.in_transaction(
        lambda tx: keep_chart(tx, session_id=session.id, entry=told, actor=actor, now=now)
    )


def flaws(caught):
    return {flaw.pointer for flaw in caught.value.flaws}


def test_a_visit_without_a_stop_waits_for_the_clinician_and_is_not_given(database, session, clinician, now):
    let_in(database, session.id)
    open_ended = replace(entry(), stopped_at=None)
    keep(database, session, open_ended, now, clinician)
    [(waiting, draft)] = read(database, waiting_for_clinician, clinician, limit=9)
    assert (waiting.id, waiting.state, draft.stopped_at) == (session.id, SessionState.CHECKED_IN, None)
    with pytest.raises(InvalidChart) as caught:
        signed_now(database, session, open_ended, now)
    assert flaws(caught) == {"/stopped_at"}
    assert read(database, find_session, session.id, SYSTEM).state is SessionState.CHECKED_IN
    signed_now(database, session, entry(), now)
    assert read(database, waiting_for_clinician, clinician, limit=9) == []


def signed_now(database, session, told, now, actor=SYSTEM):
    return database.in_transaction(
        lambda tx: sign_chart(tx, session_id=session.id, entry=told, actor=actor, now=now)
    )


def test_a_signature_says_who_and_when_and_the_session_is_given_by_it(database, session, clinician, now):
    chart = signed(database, session.id, entry(minutes=50), actor=clinician)
    assert (chart.is_signed, chart.written_by, chart.written_at) == (True, "usr_7", now)
    given = read(database, find_session, session.id, SYSTEM)
    assert (given.state, given.dose_mg, given.stopped_at) == (SessionState.GIVEN, Decimal(40), now)
    assert given.started_at == now - timedelta(minutes=50)
    listed = chart.drugs[0].listed
    assert (listed.name, listed.strength, listed.ndc) == (
        "Ketamine hydrochloride",
        "50 mg/mL",
        "99999-0050-10",
    )


def test_a_token_signs_for_the_person_who_answers_for_it(database, session, clinician):
    token = replace(clinician, id="tok_1", person_id="usr_7")
    assert signed(database, session.id, entry(), actor=token).written_by == "usr_7"


def test_all_that_was_recorded_comes_back_as_it_was(database, session, now):
    told = entry(
        replace(KETAMINE, dose_mg=Decimal("42.125"), ndc="0409-2051-05"),
        DrugEntry(drug="ketamine", dose_mg=Decimal("0.5"), way=Way.PUSH, order=Order.SEQUENTIAL),
        hydration=Hydration(
            started_at=now - timedelta(minutes=40), stopped_at=now, purpose=HydrationPurpose.VOMITING
        ),
        evaluation=Evaluation(kind=EvaluationKind.OFFICE, minutes=30, outside_minutes=30),
        psychotherapy_minutes=45,
    )
    chart = signed(database, session.id, told)
    again = read(database, signed_chart, session.id)
    assert again == chart
    assert again.drugs[0].listed.ndc == "0409-2051-05", "the vial's own"
    assert [each.dose_mg for each in again.drugs] == [Decimal("42.125"), Decimal("0.5")]
    assert (again.hydration, again.evaluation) == (told.hydration, told.evaluation)
    given = read(database, find_session, session.id, SYSTEM)
    assert given.dose_mg == Decimal("42.625"), "all of the drug that the visit is for"


def test_what_is_signed_is_amended_with_a_reason_and_both_stay(database, session, clinician, now):
    signed(database, session.id, entry(minutes=45), actor=clinician)
    with pytest.raises(ChartNotOpen, match="Amend it"):
        signed_now(database, session, entry(minutes=50), now)
    with pytest.raises(ChartNotOpen, match="Amend it"):
        keep(database, session, entry(minutes=50), now)
    later = now + timedelta(hours=1)
    amended(database, session.id, entry(minutes=95), reason="read the wrong clock", now=later)
    first, second = read(database, charts_of, session.id)
    assert (first.version, first.reason, second.version, second.reason) == (
        1,
        None,
        2,
        "read the wrong clock",
    )
    assert read(database, signed_chart, session.id) == second
    assert read(database, find_session, session.id, SYSTEM).started_at == now - timedelta(minutes=95)
    trail = read(database, lambda read: list(read.session.scalars(select(AuditRow))))
    said = [row for row in trail if row.action == "session.amend"]
    assert [row.subject_id for row in said] == [session.id]
    assert "wrong clock" not in str([row.detail for row in trail])


def test_an_amendment_leaves_the_visit_on_the_day_that_the_books_have(database, session, now):
    signed(database, session.id, entry())
    moved = replace(entry(), started_at=now - timedelta(hours=20))
    with pytest.raises(InvalidChart, match="Correct") as caught:
        amended(database, session.id, moved)
    assert flaws(caught) == {"/started_at"}
    assert len(read(database, charts_of, session.id)) == 1


def test_a_visit_that_was_given_before_anything_was_signed_can_be_amended(database, session, now):
    give(database, session.id)
    assert [each.is_signed for each in read(database, charts_of, session.id)] == [True], "the short way signs"
    amended(database, session.id, entry(minutes=30))
    assert len(read(database, charts_of, session.id)) == 2


def test_nobody_records_a_visit_whose_patient_is_not_checked_in(database, session, now):
    with pytest.raises(ChartNotOpen, match="not checked in"):
        keep(database, session, entry(), now)
    with pytest.raises(ChartNotOpen, match="Nothing is signed"):
        amended(database, session.id, entry())


def test_a_visit_of_another_site_does_not_exist(database, session, clinician, now):
    stranger = replace(clinician, site_ids=frozenset({"site_x"}))
    with pytest.raises(NoSuchSession):
        keep(database, session, entry(), now, stranger)
    let_in(database, session.id)
    assert read(database, waiting_for_clinician, stranger, limit=9) == []


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"started_at": None}, "/started_at"),
        ({"stopped_at": None}, "/stopped_at"),
        ({"drugs": ()}, "/drugs"),
        ({"drugs": (replace(KETAMINE, drug="aspirin"),)}, "/drugs/0/drug"),
        ({"drugs": (replace(KETAMINE, dose_mg=Decimal(-1)),)}, "/drugs/0/dose_mg"),
        ({"drugs": (replace(KETAMINE, dose_mg=Decimal("NaN")),)}, "/drugs/0/dose_mg"),
        ({"drugs": (replace(KETAMINE, dose_mg=Decimal("0.0001")),)}, "/drugs/0/dose_mg"),
        ({"drugs": (replace(KETAMINE, ndc="123"),)}, "/drugs/0/ndc"),
        ({"drugs": (KETAMINE, KETAMINE)}, "/drugs/1/order"),
        ({"drugs": (replace(KETAMINE, order=Order.CONCURRENT),)}, "/drugs/0/order"),
        ({"drugs": (KETAMINE,) * 21}, "/drugs"),
        ({"provider_id": "prov_" + "0" * 26}, "/provider_id"),
        ({"hydration": Hydration(started_at=None, stopped_at=None, purpose=HydrationPurpose.VOMITING)},
         "/hydration/stopped_at"),
        ({"evaluation": Evaluation(kind=EvaluationKind.OFFICE, minutes=None)}, "/evaluation/minutes"),
        ({"evaluation": Evaluation(kind=EvaluationKind.OFFICE, minutes=0)}, "/evaluation/minutes"),
        ({"psychotherapy_minutes": 601}, "/psychotherapy_minutes"),
    ],
)  # fmt: skip
def test_what_cannot_have_been_is_not_signed(database, session, now, change, pointer):
    let_in(database, session.id)
    with pytest.raises(InvalidChart) as caught:
        signed_now(database, session, replace(entry(), **change), now)
    assert pointer in flaws(caught)
    assert read(database, charts_of, session.id) == ()


@pytest.mark.parametrize("minutes", [-5, 0, 24 * 60 + 1])
def test_a_drug_s_own_times_run_forward(database, session, now, minutes):
    let_in(database, session.id)
    own = replace(KETAMINE, started_at=now - timedelta(minutes=minutes), stopped_at=now)
    with pytest.raises((InvalidChart, InvalidSessionRecord)):
        signed_now(database, session, entry(own), now)


LATER, EARLIER = timedelta(minutes=1), timedelta(minutes=-46)


@pytest.mark.parametrize(
    ("start", "stop", "pointers"),
    [
        (EARLIER, timedelta(0), {"started_at"}),
        (timedelta(minutes=-45), LATER, {"stopped_at"}),
        (timedelta(days=-7, minutes=-45), timedelta(days=-7), {"started_at", "stopped_at"}),
    ],
)
def test_what_was_given_lies_between_the_start_and_stop_of_the_visit(
    database, session, now, start, stop, pointers
):
    now += timedelta(hours=1)
    let_in(database, session.id)
    ended = now - timedelta(minutes=5)
    own = replace(KETAMINE, started_at=ended + start, stopped_at=ended + stop)
    fluid = Hydration(started_at=ended + start, stopped_at=ended + stop, purpose=HydrationPurpose.DEHYDRATION)
    told = entry(own, now=ended, hydration=fluid)
    for deed in (keep, signed_now):
        with pytest.raises(InvalidChart) as caught:
            deed(database, session, told, now)
        assert flaws(caught) == {f"{at}/{each}" for at in ("/drugs/0", "/hydration") for each in pointers}
    without_stop = replace(told, stopped_at=None, drugs=(replace(own, stopped_at=None),), hydration=None)
    if "started_at" in pointers:
        with pytest.raises(InvalidChart):
            keep(database, session, without_stop, now)
    assert read(database, charts_of, session.id) == ()


def test_a_drug_may_cross_midnight_with_its_visit(database, session):
    midnight = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
    long = replace(
        KETAMINE, started_at=midnight - timedelta(minutes=50), stopped_at=midnight + timedelta(minutes=50)
    )
    done = midnight + timedelta(hours=1)
    chart = signed(database, session.id, entry(long, minutes=120, now=done), now=done)
    assert chart.drugs[0].stopped_at == long.stopped_at


@pytest.mark.parametrize(
    ("minutes", "outside", "therapy", "pointer"),
    [
        (300, 0, None, "/evaluation/minutes"),
        (45, 0, 20, "/evaluation/minutes"),
        (46, 0, None, "/evaluation/minutes"),
        (30, 31, None, "/evaluation/outside_minutes"),
        (30, -1, None, "/evaluation/outside_minutes"),
        (20, 20, 46, "/psychotherapy_minutes"),
        (600, 600, 1, "/evaluation/minutes"),
    ],
)
def test_no_minute_counts_twice_and_psychotherapy_is_within_the_visit(
    database, session, now, minutes, outside, therapy, pointer
):
    let_in(database, session.id)
    evaluation = Evaluation(kind=EvaluationKind.OFFICE, minutes=minutes, outside_minutes=outside)
    with pytest.raises(InvalidChart) as caught:
        signed_now(database, session, entry(evaluation=evaluation, psychotherapy_minutes=therapy), now)
    assert flaws(caught) == {pointer}


def test_an_evaluation_counts_what_was_done_before_and_after_the_visit(database, session, now):
    evaluation = Evaluation(kind=EvaluationKind.OFFICE, minutes=45, outside_minutes=20)
    told = entry(evaluation=evaluation, psychotherapy_minutes=20)
    assert signed(database, session.id, told).evaluation == evaluation
    assert read(database, signed_chart, session.id).evaluation == evaluation


def test_half_of_a_drug_s_times_is_not_signed(database, session, now):
    let_in(database, session.id)
    with pytest.raises(InvalidChart) as caught:
        signed_now(database, session, entry(replace(KETAMINE, started_at=now - HOUR / 2)), now)
    assert flaws(caught) == {"/drugs/0/stopped_at"}


def test_a_draft_may_lack_anything(database, session, now):
    let_in(database, session.id)
    assert keep(database, session, ChartEntry(), now).version == 1
    assert keep(database, session, entry(), now).version == 2
    assert signed_now(database, session, entry(), now).version == 3


def test_no_version_is_ever_edited_or_deleted(database, session):
    chart = signed(database, session.id, entry())
    for deed in ("UPDATE session_chart SET is_signed = NULL", "DELETE FROM session_chart"):
        with pytest.raises(DBAPIError, match="keeps what it holds"):
            database.in_transaction(lambda tx, deed=deed: tx.session.execute(text(deed)))
    with database.reading() as reading:
        sealed = reading.session.get_one(SessionChartRow, chart.id).sealed
    assert b"etamine" not in sealed, "health data is sealed"
