"""Claims: what they say, when they are refused, and how one follows another."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from billing.adapters.claim_837p import render_837p
from billing.catalog.rules.clinic_file import read_clinic
from billing.catalog.use_cases import seed_clinic
from billing.insurance.errors import ClaimFlawed, ClaimNotPossible, NoSuchClaim
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import (
    claims_of_session,
    facts_of_claim,
    files_of_period,
    find_claim,
    list_claims,
)
from billing.insurance.records.claims import Frequency
from billing.insurance.states import CLAIM_MOVES, ClaimEvent, ClaimState
from billing.insurance.use_cases.claims import correct_claim, mark_filed, void_claim
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.records import Relationship, Sex
from billing.patients.use_cases import amend_patient
from billing.platform.data.documents import find_document
from billing.platform.data.jobs import Job
from billing.platform.data.states import advance
from tests.conftest import ROOT
from tests.factories.accounting import behind_the_back
from tests.factories.care import give, new_session
from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named
from tests.factories.insurance import a_course, claim, claimed, filed, handed_out, imported, superbill
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_policy
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance
from tests.factories.rivals import at_once

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
LATER = timedelta(hours=2)


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def present(database, course):
    """The first session's claim, issued and not sent yet."""
    return claimed(database, course.session_ids[0])


@pytest.fixture
def sent(database, present):
    """The same, filed."""
    (file,) = filed(database)
    return file.claims[0]


@pytest.fixture
def told(database):
    """What the insurer is told by a claim."""

    def look(issued):
        with database.reading() as read:
            return facts_of_claim(read, issued)

    return look


@pytest.fixture
def versions(database):
    def look(session_id):
        with database.reading() as read:
            return claims_of_session(read, session_id)

    return look


@pytest.fixture
def amend(database, course, now):
    """The patient's record changes."""

    def change(**changes):
        database.in_transaction(
            lambda tx: amend_patient(
                tx,
                patient_id=course.patient.id,
                changes=changes,
                expected_version=course.patient.version,
                actor=SYSTEM,
                now=now,
            )
        )

    return change


def content(database, issued):
    with database.reading() as read:
        return render_837p(find_document(read, issued.document_id).body)


# --- what it says -----------------------------------------------------------------------------------------


def test_a_claim_says_what_the_superbill_says(database, course, present, told):
    bill = superbill(database, course.session_ids[0])
    with database.reading() as read:
        body = find_document(read, bill.document_id).body
    facts = told(present)
    assert (present.number, present.version, present.state) == ("CLM-000001", 1, ClaimState.ISSUED)
    assert present.frequency is Frequency.ORIGINAL
    assert present.control_number == bill.control_number
    assert (present.charge, present.paid, present.service_on) == (bill.charge, bill.paid, bill.service_on)
    assert facts.diagnoses == tuple(each["code"] for each in body["diagnoses"])
    assert [(line.code, line.units, line.charge.cents) for line in facts.lines] == [
        (line["code"], line["units"], line["charge_cents"]) for line in body["lines"]
    ]
    assert facts.patient.family_name == "SAMPLE"
    assert (facts.subscriber.member_id, facts.subscriber.group_number) == ("W123456", "G-7")
    assert (facts.receiver.id, facts.submitter.id) == ("SAMPLECH", "SAMPLEB")
    assert facts.is_sample
    assert facts.facility is None


def test_the_file_of_one_claim_is_valid(database, present):
    told = content(database, present)
    assert faults_by_pyx12(told) == ""
    assert claims_by_x12sdk(told) == 1
    assert named(told, "CLM")[0][:2] == [present.control_number, "382.5"]
    assert named(told, "CTP") == [["", "", "", "0.8", "ML"]]


def test_a_session_without_a_provider_has_no_claim(database):
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    with pytest.raises(ClaimNotPossible, match="no provider"):
        claim(database, bill.session_ids[0])


def test_a_spouses_policy_makes_a_patient_loop(database, course, told):
    new_policy(
        database,
        course.patient.id,
        relationship=Relationship.SPOUSE,
        subscriber_given_name="José",
        subscriber_family_name="Núñez",
        subscriber_born_on=date(1979, 1, 2),
        effective_from=date(2026, 2, 1),
    )
    issued = claimed(database, course.session_ids[0])
    assert told(issued).subscriber.family_name == "NUNEZ"
    file = content(database, issued)
    assert named(file, "PAT") == [["01"]]
    assert faults_by_pyx12(file) == ""
    assert claims_by_x12sdk(file) == 1


def test_the_superbills_diagnoses_are_the_claims_until_others_are_given(database, course, told):
    session_id = course.session_ids[0]
    give(database, session_id)
    superbill(database, session_id, diagnoses=["F33.2", "F41.1"])
    first = claim(database, session_id)
    assert told(first).diagnoses == ("F33.2", "F41.1")
    second = claim(database, session_id, diagnoses=["F33.1"])
    assert told(second).diagnoses == told(claim(database, session_id)).diagnoses == ("F33.1",)


def test_what_the_insurer_paid_is_not_what_the_patient_paid(database, now, told):
    course = a_course(database, sessions=1, paid=Money(0))
    bill = handed_out(database, course.session_ids[0])
    answer = Answer(control_number=bill.control_number, charge_cents=38_250, paid_cents=10_000)
    assert imported(database, remittance([answer]), now=now + LATER).status == "posted"
    issued = claim(database, course.session_ids[0], now=now + 2 * LATER)
    assert told(issued).paid == issued.paid == bill.paid == Money(0)


def test_a_clinic_without_a_clearinghouse_sends_to_the_payer_itself(database, course, now, told):
    sample = (ROOT / "billing/catalog/samples/b.yaml").read_text()
    without = "".join(line for line in sample.splitlines(True) if "  clearinghouse:" not in line)
    behind_the_back(
        database,
        "UPDATE entity SET clearinghouse_id = NULL, clearinghouse_name = NULL, submitter_id = NULL",
    )
    database.in_transaction(lambda tx: seed_clinic(tx, clinic=read_clinic(without), actor=SYSTEM, now=now))
    facts = told(claimed(database, course.session_ids[0]))
    assert (facts.receiver.id, facts.receiver.name) == ("SHP01", "SAMPLE HEALTH PLAN")
    assert facts.submitter.id == "123456789"


# --- when it is refused -----------------------------------------------------------------------------------


def test_a_session_to_come_has_no_claim(database, course):
    with pytest.raises(ClaimNotPossible, match="this infusion is planned"):
        claim(database, course.session_ids[0])


def test_a_session_that_is_not_invoiced_has_no_claim(database):
    session = new_session(database, a_patient(database).id)
    give(database, session.id)
    with pytest.raises(ClaimNotPossible, match="not invoiced"):
        claim(database, session.id)


def test_without_insurance_on_the_day_there_is_no_claim(database, course, now):
    new_policy(database, course.patient.id, effective_from=date(2026, 3, 1), ends_on=date(2026, 10, 31))
    give(database, course.session_ids[0])
    with pytest.raises(ClaimNotPossible, match="No insurance is on file"):
        claim(database, course.session_ids[0])


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"sex": Sex.UNKNOWN}, ["/patient/sex"]),
        ({"family_name": "李"}, ["/subscriber/family_name", "/patient/family_name"]),
        ({"given_name": "G" * 36}, ["/subscriber/given_name", "/patient/given_name"]),
    ],
)
def test_what_an_insurer_would_refuse_is_refused_by_its_field(database, course, amend, changes, pointers):
    amend(**changes)
    give(database, course.session_ids[0])
    with pytest.raises(ClaimFlawed) as refused:
        claim(database, course.session_ids[0])
    assert [flaw.pointer for flaw in refused.value.flaws] == pointers


def test_diagnoses_are_refused_by_their_place(database, course, versions):
    give(database, course.session_ids[0])
    with pytest.raises(ClaimFlawed) as refused:
        claim(database, course.session_ids[0], diagnoses=["F33.2", "F32.1"])
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/diagnoses/1"]
    assert versions(course.session_ids[0]) == ()


def test_a_claim_of_another_clinic_does_not_exist(database, present):
    with database.reading() as read:
        assert list_claims(read, STRANGER, limit=9) == []
        with pytest.raises(NoSuchClaim):
            find_claim(read, present.id, STRANGER)


# --- how one follows another ------------------------------------------------------------------------------


def test_an_unchanged_claim_is_the_same_one(database, course, present, now):
    assert claim(database, course.session_ids[0], now=now + LATER) == present


def test_before_it_is_sent_a_changed_claim_is_issued_again_for_the_first_time(
    database, course, present, amend, versions, told
):
    amend(family_name="Samplé-Jones")
    second = claim(database, course.session_ids[0])
    assert (second.version, second.frequency, second.supersedes_id) == (2, Frequency.ORIGINAL, present.id)
    assert told(second).patient.family_name == "SAMPLE-JONES"
    assert told(present).patient.family_name == "SAMPLE"
    assert [each.state for each in versions(course.session_ids[0])] == ["replaced", "issued"]


def test_a_claim_that_was_sent_is_not_issued_again_but_corrected(database, course, sent, amend, do, told):
    assert claim(database, course.session_ids[0]) == sent
    amend(family_name="Jones")
    with pytest.raises(ClaimNotPossible, match="Correct it"):
        claim(database, course.session_ids[0])
    with pytest.raises(ClaimNotPossible, match="payer's own number"):
        do(correct_claim, claim_id=sent.id)
    second = do(correct_claim, claim_id=sent.id, payer_claim_number="payer 0001")
    assert (second.frequency, second.original_reference) == (Frequency.REPLACEMENT, "PAYER 0001")
    assert told(second).patient.family_name == "JONES"
    file = content(database, second)
    assert named(file, "CLM")[0][4] == "11:B:7"
    assert ["F8", "PAYER 0001"] in named(file, "REF")
    assert faults_by_pyx12(file) == ""


def test_the_payers_number_is_known_from_its_answer(database, course, sent, now, do):
    superbill(database, course.session_ids[0])
    answer = Answer(control_number=sent.control_number, charge_cents=38_250, paid_cents=18_000)
    assert imported(database, remittance([answer]), now=now + LATER).status == "posted"
    with pytest.raises(ClaimNotPossible, match="Nothing has changed"):
        do(correct_claim, claim_id=sent.id)
    second = do(correct_claim, claim_id=sent.id, diagnoses=["F33.1"])
    assert second.original_reference == "PAYER0001"


def test_an_answer_finds_a_claim_that_has_no_superbill(database, course, sent, now, do):
    answer = Answer(control_number=sent.control_number, charge_cents=38_250, paid_cents=18_000)
    assert imported(database, remittance([answer]), now=now + LATER).status == "posted"
    by_its_own_number = Answer(
        control_number="UNKNOWN", charge_cents=38_250, paid_cents=0, payer_claim_number="PAYER0001"
    )
    again = imported(database, remittance([by_its_own_number], trace="EFT0002"), now=now + LATER)
    assert again.status == "posted"
    assert do(correct_claim, claim_id=sent.id, diagnoses=["F33.1"]).original_reference == "PAYER0001"


def test_a_correction_that_was_not_sent_yet_is_corrected_again(database, sent, do, versions):
    second = do(correct_claim, claim_id=sent.id, diagnoses=["F33.1"], payer_claim_number="P1")
    assert do(correct_claim, claim_id=second.id) == second
    third = do(correct_claim, claim_id=second.id, diagnoses=["F33.2"])
    assert (third.frequency, third.original_reference) == (Frequency.REPLACEMENT, "P1")
    assert [each.state for each in versions(sent.session_id)] == ["replaced", "replaced", "issued"]
    with pytest.raises(IllegalMove):
        do(correct_claim, claim_id=second.id)


def test_a_claim_that_nobody_has_is_not_corrected(present, do):
    with pytest.raises(ClaimNotPossible, match="issue it again"):
        do(correct_claim, claim_id=present.id, payer_claim_number="P1")


def test_a_claim_that_was_not_sent_is_withdrawn_and_another_may_be_issued(
    database, course, present, do, versions
):
    assert do(void_claim, claim_id=present.id).state is ClaimState.VOIDED
    with pytest.raises(IllegalMove):
        do(void_claim, claim_id=present.id)
    second = claim(database, course.session_ids[0])
    assert (second.number, second.version, second.frequency) == ("CLM-000002", 2, Frequency.ORIGINAL)
    assert [each.state for each in versions(course.session_ids[0])] == ["voided", "issued"]


def test_a_claim_that_was_sent_is_taken_back_by_another(database, course, sent, amend, do, told, now):
    amend(family_name="Jones")
    taken_back = do(void_claim, claim_id=sent.id, payer_claim_number="P1")
    assert (taken_back.frequency, taken_back.supersedes_id) == (Frequency.VOID, sent.id)
    as_sent = replace(told(sent), frequency=Frequency.VOID, original_reference="P1")
    assert told(taken_back) == as_sent
    with database.reading() as read:
        assert find_claim(read, sent.id, SYSTEM).state is ClaimState.VOIDED
    with pytest.raises(ClaimNotPossible, match="already"):
        do(void_claim, claim_id=taken_back.id)
    with pytest.raises(ClaimNotPossible, match="File it first"):
        claim(database, course.session_ids[0])
    assert named(content(database, taken_back), "CLM")[0][4] == "11:B:8"
    (file,) = filed(database)
    assert [each.id for each in file.claims] == [taken_back.id]
    anew = claim(database, course.session_ids[0])
    assert (anew.frequency, anew.version) == (Frequency.ORIGINAL, 3)
    with database.reading() as read:
        assert find_claim(read, taken_back.id, SYSTEM).state is ClaimState.CLOSED


def test_a_void_by_mistake_that_was_not_sent_becomes_a_replacement(sent, do):
    mistaken = do(void_claim, claim_id=sent.id, payer_claim_number="P1")
    second = do(correct_claim, claim_id=mistaken.id)
    assert (second.frequency, second.original_reference) == (Frequency.REPLACEMENT, "P1")


@pytest.fixture
def reject(database, now):
    """A program before the insurer's claims sends one back."""

    def refuse(claim_id):
        def move(tx):
            row = tx.session.get_one(ClaimRow, claim_id)
            advance(tx, row, CLAIM_MOVES, ClaimEvent.REJECT, actor=SYSTEM, now=now)

        database.in_transaction(move)

    return refuse


def test_a_claim_that_was_rejected_is_issued_again_for_the_first_time(database, course, sent, reject, do):
    reject(sent.id)
    with pytest.raises(ClaimNotPossible, match="issue it again"):
        do(correct_claim, claim_id=sent.id, payer_claim_number="P1")
    second = claim(database, course.session_ids[0])
    assert (second.version, second.frequency, second.state) == (2, Frequency.ORIGINAL, ClaimState.ISSUED)


def test_a_rejected_claim_may_be_withdrawn(sent, reject, do):
    reject(sent.id)
    assert do(void_claim, claim_id=sent.id).state is ClaimState.VOIDED


def test_a_rejected_replacement_or_void_is_made_again(database, course, sent, reject, do):
    replacement = do(correct_claim, claim_id=sent.id, diagnoses=["F33.1"], payer_claim_number="P1")
    do(mark_filed, claim_id=replacement.id)
    reject(replacement.id)
    with pytest.raises(ClaimNotPossible, match="Correct it"):
        claim(database, course.session_ids[0])
    second = do(correct_claim, claim_id=replacement.id)
    assert (second.frequency, second.original_reference) == (Frequency.REPLACEMENT, "P1")
    taken_back = do(void_claim, claim_id=second.id)
    do(mark_filed, claim_id=taken_back.id)
    with pytest.raises(ClaimNotPossible, match="taken back"):
        do(correct_claim, claim_id=taken_back.id)
    reject(taken_back.id)
    again = do(void_claim, claim_id=taken_back.id)
    assert (again.frequency, again.original_reference) == (Frequency.VOID, "P1")


def test_a_claim_that_was_sent_by_hand_is_marked_once(database, present, do, now):
    marked = do(mark_filed, claim_id=present.id, at=now + LATER)
    assert (marked.state, marked.filed_at, marked.file_id) == (ClaimState.FILED, now + LATER, None)
    with pytest.raises(IllegalMove):
        do(mark_filed, claim_id=present.id)
    assert filed(database) == ()


def test_issuing_leaves_a_job_to_write_the_file(database, present):
    with database.reading() as read:
        job = read.session.query(Job).filter_by(kind="render_claims").one()
    assert job.key == present.document_id


# --- files of several -------------------------------------------------------------------------------------


def test_a_file_holds_what_was_issued_for_its_days_and_each_claim_once(database, now):
    course = a_course(database, sessions=2)
    days = [now, now + timedelta(days=3)]
    issued = [
        claimed(database, session_id, now=day)
        for session_id, day in zip(course.session_ids, days, strict=True)
    ]
    other = claimed(database, a_course(database, sessions=1).session_ids[0])
    assert {each.service_on for each in (issued[0], other)} == {date(2026, 11, 2)}
    (file,) = filed(database, date(2026, 11, 2), until=date(2026, 11, 4))
    assert {each.id for each in file.claims} == {issued[0].id, other.id}
    assert {(each.state, each.file_id) for each in file.claims} == {(ClaimState.FILED, file.id)}
    told = content(database, file)
    assert len(named(told, "CLM")) == 2
    assert faults_by_pyx12(told) == ""
    assert claims_by_x12sdk(told) == 2
    assert filed(database, date(2026, 11, 2), until=date(2026, 11, 4)) == ()
    (last,) = filed(database, date(2026, 11, 1), until=date(2026, 11, 30), now=now + timedelta(days=4))
    assert [each.id for each in last.claims] == [issued[1].id]
    assert last.control_number > file.control_number
    with database.reading() as read:
        assert files_of_period(read, date(2026, 11, 1), date(2026, 11, 3), SYSTEM) == (file,)


def test_a_file_is_refused_whole_when_one_claim_would_be(database, present, now):
    """Looked at again by a clock that was set back to a day before the service."""
    other = claimed(database, a_course(database, sessions=1).session_ids[0])
    with pytest.raises(ClaimFlawed) as refused:
        filed(database, now=now - timedelta(days=2))
    assert {flaw.pointer for flaw in refused.value.flaws} == {
        f"/claims/{each.number}/lines/{line}/served_on" for each in (present, other) for line in (0, 1)
    }
    with database.reading() as read:
        assert {each.state for each in list_claims(read, SYSTEM, limit=9)} == {ClaimState.ISSUED}


def test_claims_for_several_receivers_go_in_files_of_their_own(database, present):
    course = a_course(database, sessions=1)
    behind_the_back(database, "UPDATE entity SET clearinghouse_id = 'OTHERCH'")
    claimed(database, course.session_ids[0])
    assert {(each.receiver_id, len(each.claims)) for each in filed(database)} == {
        ("SAMPLECH", 1),
        ("OTHERCH", 1),
    }


def _file(database):
    return len(filed(database))


def test_two_who_file_at_the_same_moment_file_each_claim_once(database, database_url, present):
    assert sorted(at_once(database_url, _file, [()] * 2)) == [0, 1]


def _file_or_void(database, deed, claim_id, now):
    if deed == "file":
        return len(filed(database))
    voided = database.in_transaction(lambda tx: void_claim(tx, claim_id=claim_id, actor=SYSTEM, now=now))
    return str(voided.state)


def test_who_withdraws_a_claim_while_it_is_filed_withdraws_it_or_learns_that_it_is_gone(
    database, database_url, present, now
):
    told = [(deed, present.id, now) for deed in ("file", "void")]
    assert at_once(database_url, _file_or_void, told) in ([0, "voided"], [1, "claim-not-possible"])


def _issue(database, session_id):
    return claim(database, session_id).id


def test_two_who_issue_at_the_same_moment_issue_one_claim(database, database_url, course):
    give(database, course.session_ids[0])
    assert len(set(at_once(database_url, _issue, [(course.session_ids[0],)] * 2))) == 1


# --- the trail --------------------------------------------------------------------------------------------


def test_verify_finds_nothing_after_any_of_it(database, sent, do, found):
    do(correct_claim, claim_id=sent.id, diagnoses=["F33.1"], payer_claim_number="P1")
    (file,) = filed(database)
    do(void_claim, claim_id=file.claims[0].id)
    assert found() == set()


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (11, "UPDATE claim SET state = 'accepted'"),
        (12, "UPDATE claim SET paid_cents = paid_cents - 1"),
        (12, "UPDATE claim SET sha256 = 'x'"),
        (12, "UPDATE claim_file SET charge_cents = charge_cents + 1"),
        (12, "UPDATE claim_file SET sha256 = 'x'"),
    ],
)
def test_what_is_changed_behind_the_products_back_is_found(database, sent, found, number, change):
    behind_the_back(database, change)
    assert found() == {number}
