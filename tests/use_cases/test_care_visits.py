"""Cover, the gate at check-in, and what was given."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from billing.care.errors import (
    NothingToUncover,
    OverrideDenied,
    SessionNotCovered,
    SessionNotPriced,
    SessionOvercovered,
    SessionStillAhead,
)
from billing.care.queries import coverage_of, find_session
from billing.care.states import PatientTurnedAway, SessionCancelled, SessionGiven, SessionMissed, SessionState
from billing.care.use_cases import (
    cancel_session,
    check_in,
    cover,
    mark_no_show,
    record_session,
    turn_away,
    uncover,
)
from billing.catalog.queries import sites
from billing.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.audit import AuditRow
from billing.platform.data.states import StateChange
from tests.factories.care import give, let_in, new_session, pay, price
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient

DUE = Money(45_000)
FACTS = (SessionGiven, SessionCancelled, SessionMissed, PatientTurnedAway)


@dataclass
class Heard:
    facts: list[object]

    def __call__(self, _tx, fact):
        self.facts.append(fact)


@pytest.fixture
def database(own_database):
    return own_database


@pytest.fixture
def maria(database, now):
    entity = seed_sample(database, now)
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    return new_patient(database, entity_id=entity.id, site_id=site.id)


@pytest.fixture
def session(database, maria):
    return new_session(database, maria.id)


@pytest.fixture
def heard(database):
    ear = Heard([])
    for kind in FACTS:
        database.subscribe(kind, ear)
    return ear.facts


@pytest.fixture
def write(database, now):
    """One use case on one session, by SYSTEM or somebody else, now or at another time."""

    def run(use_case, session, *, by=SYSTEM, at=now, **named):
        return database.in_transaction(
            lambda tx: use_case(tx, session_id=session.id, **named, actor=by, now=at)
        )

    return run


def staff(role, patient, **more):
    return Actor(id="usr_1", entity_id=patient.entity_id, permissions=ROLES[role], **more)


def ask(database, query, *args):
    with database.reading() as read:
        return query(read, *args)


def payment(cents, source_id="pay_1"):
    return {"source_kind": "payment", "source_id": source_id, "amount": Money(cents)}


# --- cover ---------------------------------------------------------------------------------------------


def test_two_sources_cover_a_session_together(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(30_000))
    after = write(cover, session, source_kind="credit", source_id="crl_1", amount=Money(15_000))
    assert (after.due, after.covered) == (DUE, DUE)
    told = {(part.source_kind, part.amount.cents) for part in ask(database, coverage_of, session.id)}
    assert told == {("payment", 30_000), ("credit", 15_000)}


def test_the_same_source_may_add_more(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(10_000))
    assert write(cover, session, **payment(5_000)).covered == Money(15_000)
    assert [part.amount for part in ask(database, coverage_of, session.id)] == [Money(15_000)]


def test_a_session_is_never_covered_beyond_what_is_due(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(40_000))
    with pytest.raises(SessionOvercovered) as refused:
        write(cover, session, **payment(5_001, "pay_2"))
    assert refused.value.more == {"missing_cents": 5_000}
    assert [part.source_id for part in ask(database, coverage_of, session.id)] == ["pay_1"]


def test_what_has_no_price_cannot_be_covered(session, write):
    with pytest.raises(SessionNotPriced):
        write(cover, session, **payment(1))


@pytest.mark.parametrize("cents", [0, -1])
def test_cover_is_a_positive_amount(database, session, write, cents):
    price(database, session.id, DUE)
    for use_case in (cover, uncover):
        with pytest.raises(Invalid):
            write(use_case, session, **payment(cents))


def test_cover_that_is_taken_back_is_gone(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(45_000))
    assert write(uncover, session, **payment(20_000)).covered == Money(25_000)
    assert write(uncover, session, **payment(25_000)).covered == Money(0)
    assert ask(database, coverage_of, session.id) == ()
    assert write(cover, session, **payment(1)).covered == Money(1)


def test_a_source_takes_back_no_more_than_it_gave(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(10_000))
    write(cover, session, **payment(10_000, "pay_2"))
    with pytest.raises(NothingToUncover):
        write(uncover, session, **payment(10_001))
    assert ask(database, find_session, session.id, SYSTEM).covered == Money(20_000)


def test_a_price_does_not_fall_below_what_is_covered(database, session, write):
    price(database, session.id, DUE)
    write(cover, session, **payment(10_000))
    for due in (Money(9_999), None):
        with pytest.raises(SessionOvercovered):
            price(database, session.id, due)
    assert price(database, session.id, Money(10_000)).due == Money(10_000)
    with pytest.raises(Invalid):
        price(database, session.id, Money(-1))


def test_a_price_can_be_taken_away_while_nothing_is_covered(database, session):
    price(database, session.id, DUE)
    assert price(database, session.id, None).due is None


def test_eight_payments_at_once_cover_a_session_once(database, session):
    price(database, session.id, DUE)

    def clerk(number):
        try:
            return pay(database, session.id, Money(15_000), source_id=f"pay_{number}") and 15_000
        except SessionOvercovered:
            return 0

    with ThreadPoolExecutor(8) as clerks:
        assert sum(clerks.map(clerk, range(8))) == 45_000
    assert sum(part.amount.cents for part in ask(database, coverage_of, session.id)) == 45_000


def test_the_database_itself_refuses_too_much_cover(database, session):
    price(database, session.id, DUE)
    with pytest.raises(IntegrityError):
        database.in_transaction(
            lambda tx: tx.session.execute(text("UPDATE treatment_session SET covered_cents = 45001"))
        )


# --- the gate ------------------------------------------------------------------------------------------


def test_who_is_covered_is_let_in(database, session, now):
    price(database, session.id, DUE)
    pay(database, session.id, DUE)
    inside = let_in(database, session.id, reason=None)
    assert (inside.state, inside.checked_in_at) == (SessionState.CHECKED_IN, now)


def test_a_session_that_costs_nothing_needs_no_cover(database, session):
    price(database, session.id, Money(0))
    assert let_in(database, session.id, reason=None).state == SessionState.CHECKED_IN


def test_the_gate_says_what_is_missing_in_cents(database, session):
    price(database, session.id, DUE)
    pay(database, session.id, Money(44_999))
    with pytest.raises(SessionNotCovered) as refused:
        let_in(database, session.id, reason=None)
    assert refused.value.more == {"missing_cents": 1}
    assert ask(database, find_session, session.id, SYSTEM).state == SessionState.PLANNED


def test_a_session_without_a_price_stays_outside(database, session):
    with pytest.raises(SessionNotPriced):
        let_in(database, session.id, reason=None)


def test_a_supervisor_lets_somebody_in_for_a_reason_that_is_on_the_trail(database, session, maria, write):
    price(database, session.id, DUE)
    inside = write(check_in, session, override_reason="Bank is closed", by=staff(Role.SUPERVISOR, maria))
    assert (inside.state, inside.override_reason) == (SessionState.CHECKED_IN, "Bank is closed")
    with database.reading() as read:
        row = read.session.scalars(select(AuditRow).where(AuditRow.action == "session.check_in")).one()
        reason = read.vault.fingerprint("session.override_reason", "Bank is closed")
    assert (row.actor_id, row.subject_id) == ("usr_1", session.id)
    assert row.detail == {
        "permission": "care:override",
        "missing_cents": 45_000,
        "reason_fingerprint": reason,
    }


def test_a_reason_alone_opens_nothing(database, session, maria, write):
    price(database, session.id, DUE)
    with pytest.raises(OverrideDenied):
        write(check_in, session, override_reason="Please", by=staff(Role.FRONT_DESK, maria))


def test_a_reason_is_not_kept_where_none_is_needed(database, session, maria, write):
    price(database, session.id, DUE)
    pay(database, session.id, DUE)
    inside = write(check_in, session, override_reason="Just in case", by=staff(Role.FRONT_DESK, maria))
    assert inside.override_reason is None


def test_eight_desks_let_one_patient_in_once(database, session):
    price(database, session.id, Money(0))

    def desk(_number):
        try:
            return bool(let_in(database, session.id, reason=None))
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as desks:
        assert sum(desks.map(desk, range(8))) == 1


# --- given, cancelled, missed ---------------------------------------------------------------------------


def test_a_session_that_was_given_is_announced_with_its_local_date(database, session, maria, heard, now):
    late = now.replace(day=3, hour=4)
    given = give(database, session.id, minutes=50, dose_mg=Decimal("42.125"), now=late)
    assert (given.state, given.dose_mg) == (SessionState.GIVEN, Decimal("42.125"))
    assert (given.stopped_at - given.started_at) == timedelta(minutes=50)
    assert heard == [
        SessionGiven(
            session_id=session.id, patient_id=maria.id, given_on=date(2026, 11, 2), actor=SYSTEM, now=late
        )
    ]


def test_only_who_was_let_in_is_treated(session, write, now):
    with pytest.raises(IllegalMove):
        write(
            record_session,
            session,
            started_at=now - timedelta(minutes=5),
            stopped_at=now,
            dose_mg=Decimal(40),
        )


@pytest.mark.parametrize(
    ("started", "stopped", "dose"),
    [(-10, -20, 40), (-10, -10, 40), (-1500, -10, 40), (-10, 1, 40), (-10, -5, -1), (-10, -5, None)],
)
def test_what_cannot_have_been_is_not_recorded(database, session, write, now, heard, started, stopped, dose):
    let_in(database, session.id)
    with pytest.raises(Invalid):
        write(
            record_session,
            session,
            started_at=now + timedelta(minutes=started),
            stopped_at=now + timedelta(minutes=stopped),
            dose_mg=None if dose is None else Decimal(dose),
        )
    assert ask(database, find_session, session.id, SYSTEM).state == SessionState.CHECKED_IN
    assert heard == []


def test_an_evaluation_is_given_without_a_dose(database, maria):
    evaluation = new_session(database, maria.id, service="evaluation", minutes=None, dose_mg=None)
    assert give(database, evaluation.id, dose_mg=None).state == SessionState.GIVEN


@pytest.mark.parametrize(
    ("use_case", "state", "fact"),
    [
        (cancel_session, SessionState.CANCELLED, SessionCancelled),
        (mark_no_show, SessionState.NO_SHOW, SessionMissed),
        (turn_away, SessionState.TURNED_AWAY, PatientTurnedAway),
    ],
)
def test_a_session_that_does_not_take_place_says_so(session, maria, write, heard, now, use_case, state, fact):
    assert write(use_case, session).state == state
    assert heard == [fact(session_id=session.id, patient_id=maria.id, actor=SYSTEM, now=now)]
    for again in (cancel_session, mark_no_show, turn_away):
        with pytest.raises(IllegalMove):
            write(again, session)


def test_nobody_misses_a_session_before_its_day(database, maria, write, heard):
    session = new_session(database, maria.id, planned_on=date(2026, 11, 3))
    with pytest.raises(SessionStillAhead):
        write(mark_no_show, session)
    assert heard == []


def test_every_move_is_kept_with_its_event(database, session):
    give(database, session.id)
    with database.reading() as read:
        rows = read.session.scalars(
            select(StateChange).where(StateChange.subject_id == session.id).order_by(StateChange.id)
        ).all()
    assert [(row.before, row.event, row.after) for row in rows] == [
        ("planned", "check_in", "checked_in"),
        ("checked_in", "give", "given"),
    ]


def test_another_sites_session_does_not_exist(database, session, maria, write, now):
    price(database, session.id, DUE)
    stranger = staff(Role.SUPERVISOR, maria, site_ids=frozenset({"site_x"}))
    times = {"started_at": now - timedelta(hours=1), "stopped_at": now, "dose_mg": Decimal(1)}
    for use_case, named in (
        (check_in, {"override_reason": "mine"}),
        (record_session, times),
        (cancel_session, {}),
        (mark_no_show, {}),
        (turn_away, {}),
        (cover, payment(1)),
        (uncover, payment(1)),
    ):
        with pytest.raises(NotFound):
            write(use_case, session, by=stranger, **named)


def test_nothing_clinical_stands_in_the_database_in_plain(database, database_url, maria):
    session = new_session(database, maria.id, condition="crps", dose_mg=Decimal("47.113"))
    give(database, session.id, dose_mg=Decimal("46.117"))
    if database_url.startswith("sqlite"):
        path = Path(make_url(database_url).database)
        content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
        assert b"47.113" not in content
        assert b"46.117" not in content
    with database.reading() as read:
        for table in ("treatment_session", "treatment_plan", "audit_row", "state_change"):
            rows = read.session.execute(text(f"SELECT * FROM {table}")).all()
            assert not re.search(r"\bcrps\b", repr(rows))  # an id may hold the four letters by chance
            assert "46.117" not in repr(rows)
