"""What a plan may not be told is in no claim, and what would be refused leaves nothing behind."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from billing.insurance.errors import ClaimFlawed, ClaimNotPossible
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimState
from billing.insurance.use_cases.claims import correct_claim, void_claim
from billing.kernel.permissions import SYSTEM
from billing.patients.records import FederalProgram, PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.documents import Document
from tests.factories.accounting import behind_the_back
from tests.factories.care import give
from tests.factories.insurance import a_course, claim, claimed, filed

KEPT = PlanLimits(is_kept_from_plan=True)
IN_MEDICARE = (FederalProgram.MEDICARE,)


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def limit(database, course, now):
    def record(limits):
        database.in_transaction(
            lambda tx: record_plan_limits(
                tx, patient_id=course.patient.id, limits=limits, actor=SYSTEM, now=now
            )
        )

    return record


@pytest.fixture
def do(database, now):
    return lambda use_case, **what: database.in_transaction(
        lambda tx: use_case(tx, **what, actor=SYSTEM, now=now)
    )


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (KEPT, "asked that the health plan is not told"),
        (PlanLimits(programs=IN_MEDICARE), "no private contract"),
        (PlanLimits(programs=IN_MEDICARE, contract_on=date(2026, 11, 3)), "no private contract"),
        (PlanLimits(programs=(FederalProgram.TRICARE,)), "federal program"),
        (PlanLimits(programs=(FederalProgram.VA_COMMUNITY_CARE,)), "federal program"),
    ],
)
def test_a_claim_is_refused_with_the_reason(database, course, limit, limits, words):
    give(database, course.session_ids[0])
    limit(limits)
    with pytest.raises(ClaimNotPossible, match=words):
        claim(database, course.session_ids[0])


def test_a_private_contract_from_before_the_visit_lets_another_plan_be_asked(database, course, limit):
    limit(PlanLimits(programs=IN_MEDICARE, contract_on=date(2026, 11, 2)))
    assert claimed(database, course.session_ids[0]).state is ClaimState.ISSUED


def test_what_the_patient_asks_before_a_claim_is_sent_keeps_it_here(database, course, limit):
    issued = claimed(database, course.session_ids[0])
    other = claimed(database, a_course(database, sessions=1).session_ids[0])
    limit(KEPT)
    with pytest.raises(ClaimFlawed) as refused:
        filed(database)
    ((pointer, message),) = [(flaw.pointer, flaw.message) for flaw in refused.value.flaws]
    assert pointer == f"/claims/{issued.number}"
    assert "asked that the health plan is not told" in message
    with database.reading() as read:
        assert {find_claim(read, each.id, SYSTEM).state for each in (issued, other)} == {ClaimState.ISSUED}


def test_a_claim_that_the_plan_has_is_not_corrected_but_may_be_taken_back(database, course, limit, do):
    claimed(database, course.session_ids[0])
    (file,) = filed(database)
    limit(KEPT)
    with pytest.raises(ClaimNotPossible, match="is not told"):
        do(
            correct_claim,
            claim_id=file.claims[0].id,
            diagnoses=["F33.1"],
            payer_claim_number="P1",
        )
    taken_back = do(void_claim, claim_id=file.claims[0].id, payer_claim_number="P1")
    (second,) = filed(database)
    assert [each.id for each in second.claims] == [taken_back.id]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ("UPDATE entity SET npi = '2000000011'", "/billing/npi"),
        ("UPDATE entity SET tin = '00-1234567'", "/billing/tin"),
        ("UPDATE entity SET taxonomy = '261QI0500'", "/billing/taxonomy"),
        ("UPDATE entity SET name = 'Clinic * B'", "/billing/name"),
        ("UPDATE entity SET phone = '555'", "/submitter/phone"),
        ("UPDATE provider SET npi = '2000000029' WHERE npi = '2000000028'", "/rendering/npi"),
        ("UPDATE provider SET name = 'Avery Sam~ple'", "/rendering/family_name"),
        ("UPDATE site SET name = 'B:North'", "/facility/name"),
        ("UPDATE drug SET unit = 'MG'", "/lines/1/drug/unit"),
        ("UPDATE drug SET name = 'Ketamine^HCl'", "/lines/1/description"),
    ],
)
def test_what_was_changed_in_the_clinics_own_data_is_refused_by_field(database, course, change, pointer):
    """Nothing of the refused claim stays: no row, no frozen file, no number."""
    elsewhere = "UPDATE site SET address = json_set(CAST(address AS TEXT), '$.line1', '7 Other Street')"
    if pointer.startswith("/facility"):
        if database.write_engine.dialect.name == "postgresql":
            elsewhere = 'UPDATE site SET address = address || \'{"line1": "7 Other Street"}\''
        behind_the_back(database, elsewhere)
    behind_the_back(database, change)
    give(database, course.session_ids[0])
    with pytest.raises(ClaimFlawed) as refused:
        claim(database, course.session_ids[0])
    assert [flaw.pointer for flaw in refused.value.flaws if flaw.pointer == pointer] == [pointer]
    with database.reading() as read:
        assert read.session.scalar(select(func.count(ClaimRow.id))) == 0
        frozen = select(func.count(Document.id)).where(Document.kind == "claim")
        assert read.session.scalar(frozen) == 0


def test_a_wrong_ndc_is_refused_before_anything_is_made(database, course):
    behind_the_back(database, "UPDATE drug SET ndc = '0409-205-05'")
    give(database, course.session_ids[0])
    with pytest.raises(ClaimNotPossible, match="The drug's NDC in the clinic's file is wrong"):
        claim(database, course.session_ids[0])


def test_a_flaw_that_came_after_a_claim_was_issued_keeps_its_whole_file_here(database, course, now):
    """Such as a clock that was set back: the day of service is in the future then."""
    issued = claimed(database, course.session_ids[0])
    with pytest.raises(ClaimFlawed) as refused:
        filed(database, now=now - timedelta(days=1))
    assert {flaw.pointer.split("/")[2] for flaw in refused.value.flaws} == {issued.number}
