"""What keeps a claim here keeps it here by every way out, at each of several clinics."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.insurance.errors import ClaimFlawed
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimMark, ClaimState
from billing.insurance.use_cases.claim_files import file_claims
from billing.insurance.use_cases.claims import mark_claim, void_claim
from billing.kernel.permissions import SYSTEM
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course, a_visit_elsewhere, claim, claimed, filed

LATER = timedelta(hours=3)


@pytest.fixture
def course(database):
    """Of which the first visit was signed."""
    course = a_course(database)
    signed(database, course.session_ids[0], entry(minutes=45))
    return course


@pytest.fixture
def present(database, course):
    return claim(database, course.session_ids[0])


@pytest.fixture
def not_told(database, course, now):
    """The patient asks that the plan is not told; or takes that back."""

    def record(*, is_kept=True):
        limits = PlanLimits(is_kept_from_plan=is_kept)
        database.in_transaction(
            lambda tx: record_plan_limits(
                tx, patient_id=course.patient.id, limits=limits, actor=SYSTEM, now=now
            )
        )

    return record


@pytest.fixture
def amend(database, course, now):
    return lambda: amended(database, course.session_ids[0], entry(minutes=200), now=now + LATER)


@pytest.fixture
def state_of(database):
    def look(paper):
        with database.reading() as read:
            return find_claim(read, paper.id, SYSTEM).state

    return look


@pytest.mark.parametrize("cause", ["not_told", "amend"])
def test_a_claim_of_another_clinic_with_the_same_number_hides_no_reason(
    database, present, state_of, request, cause
):
    other = claim(database, a_visit_elsewhere(database))
    assert (other.number, other.entity_id != present.entity_id) == (present.number, True)
    request.getfixturevalue(cause)()
    with pytest.raises(ClaimFlawed) as refused:
        filed(database)
    (flaw,) = refused.value.flaws
    assert flaw.pointer == f"/claims/{present.number}"
    assert "Sample Clinic B" in flaw.message, "which clinic's it is"
    assert {state_of(present), state_of(other)} == {ClaimState.ISSUED}


def test_what_a_patient_asks_while_claims_are_filed_waits_and_makes_a_task(
    database, course, present, not_told, tasks, state_of
):
    if database.write_engine.dialect.name == "sqlite":
        pytest.skip("on SQLite there is one writer at a time")
    free, asked = [], []
    query = text("SELECT id FROM patient WHERE id = :id FOR UPDATE SKIP LOCKED")

    def file_slowly(tx):
        days = {"starts_on": present.service_on, "ends_on": present.service_on}
        files = file_claims(tx, **days, actor=SYSTEM, now=NOW)
        with database.write_engine.connect() as another:
            free.extend(another.scalars(query, {"id": course.patient.id}))
        asked.append(desk.submit(not_told))
        return files

    with ThreadPoolExecutor(1) as desk:
        database.in_transaction(file_slowly)
    asked[0].result()
    assert free == [], "filing holds the patient"
    assert (state_of(present), tasks()) == (ClaimState.FILED, [present.id])


# --- who is asked -------------------------------------------------------------------------------------------


@pytest.fixture
def tasks(database):
    """Whose claims a person is asked about, since the plan may not be told."""

    def look():
        with database.reading() as read:
            found = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=50)
        return [each.subject_id for each in found if each.kind == "claim-not-allowed"]

    return look


def test_of_a_claim_that_waits_a_person_is_asked_until_it_is_withdrawn(present, not_told, tasks, do):
    not_told()
    assert tasks() == [present.id]
    do(void_claim, claim_id=present.id)
    assert tasks() == []


@pytest.mark.parametrize("end", ["void", "close", "allow"])
def test_of_a_claim_that_is_out_a_person_is_asked_until_it_is_taken_back_or_allowed(
    database, present, not_told, tasks, do, end
):
    filed(database)
    not_told()
    assert tasks() == [present.id]
    if end == "void":
        taken_back = do(void_claim, claim_id=present.id, payer_claim_number="P1")
        not_told()
        assert (tasks(), taken_back.state) == ([], ClaimState.ISSUED), "it is to be sent"
    elif end == "close":
        do(mark_claim, claim_id=present.id, event=ClaimMark.CLOSED)
    else:
        not_told(is_kept=False)
    assert tasks() == []


def test_a_claim_of_another_patient_is_not_asked_about(database, present, not_told, tasks):
    claimed(database, a_course(database, sessions=1).session_ids[0])
    not_told()
    assert tasks() == [present.id]
