"""Beside the facts: who referred, who is paid, whether diagnoses are written out. It stays until told."""

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.superbill_pdf import render_superbill
from billing.care.queries import find_session
from billing.catalog.queries import find_entity, find_provider, find_site
from billing.insurance.errors import InvalidSuperbill
from billing.insurance.queries import find_superbill
from billing.insurance.records.superbills import NOBODY, ReferringProvider, Wishes
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.queries import policy_on
from billing.platform.data.documents import find_document
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out, superbill
from tests.factories.web import new_staff, send, sign_in

SENDER = ReferringProvider(name="Dana Sender", npi="1245319599")


@pytest.fixture
def course(database):
    return a_course(database, add_ons={"midazolam": 1})


@pytest.fixture
def visit(database, course):
    give(database, course.session_ids[0])
    return course.session_ids[0]


def body_of(database, issued):
    with database.reading() as read:
        return find_document(read, issued.document_id).body


def test_usually_nobody_referred_the_patient_is_paid_and_codes_stand_alone(database, visit):
    body = body_of(database, superbill(database, visit))
    assert body["referring_provider"] is None
    assert "to the patient" in body["statement"]
    assert body["diagnoses"] == [{"pointer": "A", "code": "F32.1"}]


def test_what_is_wished_stays_on_the_next_version_until_it_is_wished_otherwise(database, visit):
    everything = Wishes(referring_provider=SENDER, pays_clinic=True, with_wording=True)
    first = body_of(database, superbill(database, visit, wishes=everything))
    assert first["referring_provider"] == {"name": "Dana Sender", "npi": "1245319599"}
    assert "assigned the plan's payment to the clinic" in first["statement"]
    assert first["diagnoses"][0]["wording"] == "Major depressive disorder, single episode, moderate"
    second = superbill(database, visit, diagnoses=["F41.1"])
    kept = body_of(database, second)
    assert (second.version, kept["referring_provider"]) == (2, first["referring_provider"])
    assert (kept["statement"], kept["diagnoses"][0]["wording"]) == (
        first["statement"],
        "Generalized anxiety disorder",
    )
    assert superbill(database, visit).id == second.id, "nothing else is wished"
    nothing = Wishes(referring_provider=NOBODY, pays_clinic=False, with_wording=False)
    last = body_of(database, superbill(database, visit, wishes=nothing))
    assert (last["referring_provider"], last["diagnoses"]) == (None, [{"pointer": "A", "code": "F41.1"}])


def test_a_number_that_is_no_npi_is_refused_and_named(database, visit):
    wrong = Wishes(referring_provider=replace(SENDER, npi="1234567890"))
    with pytest.raises(InvalidSuperbill) as caught:
        superbill(database, visit, wishes=wrong)
    assert [flaw.pointer for flaw in caught.value.flaws] == ["/referring_provider/npi"]


def test_the_page_holds_every_fact_that_an_insurer_asks_for(database, course):
    issued = handed_out(database, course.session_ids[0])
    with database.reading() as read:
        session = find_session(read, issued.session_id, SYSTEM)
        entity, site = find_entity(read, session.entity_id), find_site(read, session.site_id)
        provider = find_provider(read, session.provider_id)
        policy = policy_on(read, session.patient_id, issued.service_on)
        body = find_document(read, issued.document_id).body
    pages = PdfReader(BytesIO(render_superbill(body))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    patient = course.patient
    for fact in (
        entity.name, entity.address.line1, entity.phone, entity.tin, entity.npi, entity.taxonomy,
        site.address.line1, site.phone,
        provider.name, provider.credentials, provider.npi, provider.license_number, provider.license_state,
        f"Signature of {provider.name}",
        patient.given_name, patient.family_name, f"{patient.born_on:%m/%d/%Y}", patient.address.line1,
        policy.member_id, policy.group_number, policy.payer_name, "Self",
        issued.control_number, issued.number, "11/02/2026", "11 (office)", "08:15-09:00",
        "08:15 to 09:00 (45 minutes)",
        "96365", "J3490", "NDC 99999-0050-10, 0.8 ML", "F32.1",
        "List charge $470.00", "Discount -$70.50", "Net charge $399.50", "Amount paid $399.50",
        "Balance $0.00",
        "11/02/2026 cash", "The patient has paid $399.50 for the services above, in full.",
        "Please send any reimbursement to the patient",
    ):  # fmt: skip
        assert str(fact) in text, fact


def test_the_api_takes_wishes_and_keeps_what_is_left_out(issue, database, course, visit):
    biller = issue(Role.BILLING, entity_id=course.patient.entity_id)
    path = f"/sessions/{visit}/superbill"
    sender = {"name": "Dana Sender", "npi": "1245319599"}
    for body, shown in (
        ({"diagnoses": ["F32.1"], "referring_provider": sender, "diagnosis_wording": True}, sender),
        ({"pays_clinic": True}, sender),
        ({"referring_provider": None}, None),
    ):
        answer = biller.post(path, body)
        assert answer.status_code == 201, answer.text
        with database.reading() as read:
            assert find_document_of(read, answer.json["id"])["referring_provider"] == shown
    wrong = biller.post(path, {"referring_provider": {**sender, "npi": "1"}})
    assert [each["pointer"] for each in wrong.json["errors"]] == ["/referring_provider/npi"]
    assert biller.post(path, {"pays_clinic": "yes"}).status_code == 422


def find_document_of(read, superbill_id):
    found = find_superbill(read, superbill_id, SYSTEM)
    return find_document(read, found.document_id).body


def test_the_page_takes_wishes_and_shows_them_again(app, database, course, visit, now):
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    at = f"/staff/sessions/{visit}/superbill"
    typed = {"code": "F32.1", "wishes": "yes", "referring_name": "Dana Sender"}
    wrong = send(clerk, f"{at}/new", at, **typed, referring_npi="12", key="a" * 20)
    assert wrong.status_code == 422
    assert 'id="referring_npi-wrong"' in wrong.text
    assert 'value="Dana Sender"' in wrong.text
    done = send(clerk, f"{at}/new", at, **typed, referring_npi="1245319599", with_wording="on", key="b" * 20)
    assert done.status_code == 303
    again = clerk.get(f"{at}/new").text
    assert 'value="1245319599"' in again
    assert 'name="with_wording" checked' in again
    assert 'name="pays_clinic" checked' not in again
