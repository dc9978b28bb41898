"""What stands between a patient's care and a health plan, and which superbills it refuses."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.insurance.errors import SuperbillNotPossible
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.errors import InvalidPlanLimits, NoSuchPatient
from billing.patients.queries import plan_limits_of
from billing.patients.records import FederalProgram, PlanLimits
from billing.patients.use_cases import record_plan_limits
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out, superbill
from tests.factories.invoices import a_patient

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
IN_MEDICARE = PlanLimits(programs=(FederalProgram.MEDICARE,))


def record(database, patient_id, now, limits, actor=SYSTEM):
    return database.in_transaction(
        lambda tx: record_plan_limits(tx, patient_id=patient_id, limits=limits, actor=actor, now=now)
    )


def recorded(database, patient_id):
    with database.reading() as read:
        return plan_limits_of(read, patient_id)


@pytest.fixture
def course(database):
    return a_course(database)


def test_nothing_stands_between_until_it_is_recorded(database, course):
    assert recorded(database, course.patient.id) == PlanLimits()


def test_what_was_recorded_last_holds(database, course, now):
    record(database, course.patient.id, now, IN_MEDICARE)
    later = PlanLimits(programs=IN_MEDICARE.programs, contract_on=date(2026, 11, 1), note="Signed at intake")
    record(database, course.patient.id, now, later)
    assert recorded(database, course.patient.id) == later


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (PlanLimits(is_kept_from_plan=True), "asked that the health plan is not told"),
        (IN_MEDICARE, "no private contract"),
        (PlanLimits(programs=IN_MEDICARE.programs, contract_on=date(2026, 11, 3)), "no private contract"),
        (PlanLimits(programs=(FederalProgram.TRICARE,)), "federal program"),
        (
            PlanLimits(
                programs=(FederalProgram.MEDICAID, FederalProgram.MEDICARE), contract_on=date(2026, 11, 1)
            ),
            "federal program",
        ),
    ],
)
def test_a_superbill_is_refused_with_the_reason(database, course, now, limits, words):
    give(database, course.session_ids[0])
    record(database, course.patient.id, now + timedelta(days=2), limits)
    with pytest.raises(SuperbillNotPossible, match=words):
        superbill(database, course.session_ids[0])


@pytest.mark.parametrize("on", [date(2026, 11, 2), date(2026, 10, 1)])
def test_a_private_contract_from_before_lets_a_patient_of_medicare_have_one(database, course, now, on):
    record(database, course.patient.id, now, PlanLimits(programs=IN_MEDICARE.programs, contract_on=on))
    assert handed_out(database, course.session_ids[0]).number == "SB-000001"


def test_a_veteran_as_such_has_one(database):
    course = a_course(database, is_veteran=True)
    assert handed_out(database, course.session_ids[0]).number == "SB-000001"


def test_one_that_was_issued_before_is_not_handed_out_anew(database, course, now):
    handed_out(database, course.session_ids[0])
    record(database, course.patient.id, now, PlanLimits(is_kept_from_plan=True))
    with pytest.raises(SuperbillNotPossible):
        superbill(database, course.session_ids[0])
    record(database, course.patient.id, now, PlanLimits())
    assert superbill(database, course.session_ids[0]).version == 1


@pytest.mark.parametrize(
    "limits",
    [
        PlanLimits(contract_on=date(2026, 11, 1)),
        PlanLimits(programs=IN_MEDICARE.programs, contract_on=date(2026, 11, 9)),
    ],
)
def test_a_contract_is_of_a_patient_of_medicare_and_signed(database, course, now, limits):
    with pytest.raises(InvalidPlanLimits):
        record(database, course.patient.id, now, limits)


def test_a_patient_of_another_clinic_does_not_exist(database, course, now):
    with pytest.raises(NoSuchPatient):
        record(database, course.patient.id, now, IN_MEDICARE, actor=STRANGER)


@pytest.mark.parametrize("deed", ["DELETE FROM plan_limits", "UPDATE plan_limits SET recorded_by = 'usr_y'"])
def test_what_was_recorded_stays_on_file(database, now, deed):
    record(database, a_patient(database).id, now, IN_MEDICARE)
    with pytest.raises(DBAPIError), database.write_engine.begin() as connection:
        connection.execute(text(deed))


def test_what_is_kept_is_sealed(database, now):
    record(database, a_patient(database).id, now, PlanLimits(programs=IN_MEDICARE.programs, note="Part B"))
    with database.reading() as read:
        kept = str(read.connection.execute(text("SELECT * FROM plan_limits")).all())
    assert "medicare" not in kept
    assert "Part B" not in kept
