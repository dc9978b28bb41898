"""Who referred the patient and whom the plan pays: the claim and the superbill say the same."""

from datetime import timedelta

import pytest

from billing.adapters.claim_837p import render_837p
from billing.insurance.errors import ClaimFlawed, ClaimNotPossible
from billing.insurance.queries.claims import facts_of_claim
from billing.insurance.records.superbills import NOBODY, ReferringProvider, Wishes
from billing.insurance.use_cases.claims import correct_claim
from billing.kernel.permissions import SYSTEM, Role
from billing.platform.data.documents import find_document
from tests.factories.care import give
from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named
from tests.factories.insurance import a_course, claim, filed, superbill
from tests.factories.web import new_staff, send, sign_in

SENDER = ReferringProvider(name="Dana Sender, MD", npi="1245319599")
BOTH = Wishes(referring_provider=SENDER, pays_clinic=True)


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def session_id(database, course):
    """Of a session that was given."""
    give(database, course.session_ids[0])
    return course.session_ids[0]


@pytest.fixture
def told(database):
    def look(issued):
        with database.reading() as read:
            return facts_of_claim(read, issued)

    return look


@pytest.fixture
def said(told):
    """Who referred, in one word, and whether the clinic is paid."""

    def look(issued):
        facts = told(issued)
        return facts.referring and facts.referring.family_name, facts.assigns_benefits

    return look


def file_of(database, issued):
    with database.reading() as read:
        return render_837p(find_document(read, issued.document_id).body)


def test_usually_nobody_referred_and_the_patient_is_paid(database, session_id, said):
    assert said(claim(database, session_id)) == (None, False)


def test_what_the_superbill_says_of_both_the_claim_says_in_a_valid_file(database, session_id):
    superbill(database, session_id, wishes=BOTH)
    told = file_of(database, claim(database, session_id))
    assert named(told, "CLM")[0][6:8] == ["A", "Y"]
    assert ["DN", "1", "SENDER", "DANA", "", "", "", "XX", "1245319599"] in named(told, "NM1")
    assert faults_by_pyx12(told) == ""
    assert claims_by_x12sdk(told) == 1


def test_a_superbill_that_says_otherwise_later_changes_the_next_claim(database, session_id, said, now):
    superbill(database, session_id, wishes=BOTH)
    claim(database, session_id)
    superbill(database, session_id, wishes=Wishes(referring_provider=NOBODY, pays_clinic=False))
    second = claim(database, session_id)
    assert (second.version, said(second)) == (2, (None, False))
    filed(database)
    superbill(database, session_id, wishes=Wishes(pays_clinic=True))
    third = database.in_transaction(
        lambda tx: correct_claim(tx, claim_id=second.id, payer_claim_number="P1", actor=SYSTEM, now=now)
    )
    assert said(third) == (None, True)


def test_without_a_superbill_the_claim_is_told_itself_and_keeps_it(database, session_id, said):
    first = claim(database, session_id, wishes=BOTH)
    assert said(first) == ("SENDER", True)
    assert claim(database, session_id).id == first.id
    assert said(claim(database, session_id, wishes=Wishes(pays_clinic=False))) == ("SENDER", False)


def test_a_superbill_after_the_claim_says_what_the_claim_says(database, session_id):
    first = claim(database, session_id, wishes=BOTH)
    shown = superbill(database, session_id)
    with database.reading() as read:
        body = find_document(read, shown.document_id).body
    assert body["referring_provider"] == {"name": "DANA SENDER", "npi": "1245319599"}
    assert body["pays_clinic"]
    assert claim(database, session_id).id == first.id


def test_a_claim_never_says_otherwise_than_the_superbill(database, session_id, said):
    superbill(database, session_id, wishes=BOTH)
    for wishes in (Wishes(pays_clinic=False), Wishes(referring_provider=NOBODY)):
        with pytest.raises(ClaimNotPossible, match="Issue it anew first"):
            claim(database, session_id, wishes=wishes)
    assert said(claim(database, session_id, wishes=BOTH)) == ("SENDER", True)


@pytest.mark.parametrize("npi", ["", "1245319598", "12453"])
def test_a_referring_provider_without_a_right_number_is_refused_by_the_field(database, session_id, npi):
    wishes = Wishes(referring_provider=ReferringProvider(name="Dana Sender", npi=npi))
    with pytest.raises(ClaimFlawed) as refused:
        claim(database, session_id, wishes=wishes)
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/referring/npi"]


def test_the_api_takes_both_where_there_is_no_superbill(issue, database, course, session_id, said, now):
    biller = issue(Role.BILLING, entity_id=course.patient.entity_id)
    path = f"/sessions/{session_id}/claim"
    sender, chosen = {"name": "Dana Sender", "npi": "1245319599"}, {"diagnoses": ["F33.2"]}
    wrong = biller.post(path, {**chosen, "referring_provider": {**sender, "npi": "1"}})
    assert (wrong.status_code, [each["pointer"] for each in wrong.json["errors"]]) == (
        422,
        ["/referring/npi"],
    )
    assert biller.post(path, {"pays_clinic": "yes"}).status_code == 422
    first = biller.post(path, {**chosen, "referring_provider": sender, "pays_clinic": True})
    assert first.status_code == 201, first.text
    filed(database, now=now + timedelta(hours=1))
    number = {"payer_claim_number": "P1"}
    corrected = biller.post(f"/claims/{first.json['id']}/correct", {"referring_provider": None, **number})
    assert (corrected.status_code, corrected.json["frequency"]) == (201, "7")


def test_the_pages_say_who_is_paid_and_who_referred(app, database, course, session_id, now):
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    ask, issue = f"/staff/sessions/{session_id}/claim/new", f"/staff/sessions/{session_id}/claim"
    assert "The insurer is asked to pay the patient, and nobody is named as referring." in clerk.get(ask).text
    superbill(database, session_id, wishes=BOTH)
    asked = clerk.get(ask).text
    assert "The insurer is asked to pay the clinic, and Dana Sender, MD is named as referring." in asked
    done = send(clerk, ask, issue, key="a" * 20)
    shown = clerk.get(done.location).text
    assert "<dd>The clinic: the patient assigned it</dd>" in shown
    assert "<dd>DANA SENDER (1245319599)</dd>" in shown
