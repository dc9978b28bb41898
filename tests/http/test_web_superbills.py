"""A superbill is issued on its page, and its diagnoses are looked for there."""

import re
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from billing.insurance.queries import list_superbills, present_superbill
from billing.insurance.rules.superbill import codes_of
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import find_document
from tests.factories.care import give
from tests.factories.insurance import a_course, superbill
from tests.factories.payers import a_payer, whole_sessions
from tests.factories.web import new_staff, send, sign_in
from tests.use_cases.test_insurance_editions import load


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def at(course):
    """The addresses of the first visit's superbill."""
    return f"/staff/sessions/{course.session_ids[0]}/superbill"


@pytest.fixture
def given(database, course):
    give(database, course.session_ids[0])


def codes(database, course):
    with database.reading() as read:
        present = present_superbill(read, course.session_ids[0])
        return codes_of(find_document(read, present.document_id).body) if present else None


def offered(answer):
    return re.findall(r'name="add" value="([^"]+)"', answer.text)


def chosen(answer):
    """Each stands in both forms."""
    listed = re.findall(r'name="code" value="([^"]+)"', answer.text)
    assert listed[: len(listed) // 2] == listed[len(listed) // 2 :]
    return listed[: len(listed) // 2]


def test_the_patients_page_leads_to_it_and_the_usual_codes_are_offered(clerk, course, given, at):
    patient = clerk.get(f"/staff/patients/{course.patient.id}").text
    assert f"{at}/new" in patient
    assert f"/staff/sessions/{course.session_ids[1]}/superbill/new" not in patient, "it is still to come"
    page = clerk.get(f"{at}/new")
    assert chosen(page) == []
    assert "No diagnosis is chosen" in page.text
    assert offered(page) == ["F32.1", "F32.2", "F32.9", "F33.1", "F33.2", "F33.9"]
    assert "Major depressive disorder, single episode, moderate" in page.text
    assert "The codes of the year of this visit are not loaded" in page.text


def test_diagnoses_are_found_added_removed_and_issued(database, clerk, course, given, at):
    found = send(clerk, f"{at}/new", f"{at}/look", code="F32.1", search="recurr sev")
    assert offered(found)[:2] == ["F33.2", "F33.3"]
    added = send(clerk, f"{at}/new", f"{at}/look", code="F32.1", search="recurr sev", add="F41.1")
    assert chosen(added) == ["F32.1", "F41.1"]
    assert "F41.1 is added." in added.text
    twice = send(clerk, f"{at}/new", f"{at}/look", code="F32.1", add="F32.1")
    assert chosen(twice) == ["F32.1"]
    removed = send(clerk, f"{at}/new", f"{at}/look", code=["F32.1", "F41.1"], remove="F32.1")
    assert chosen(removed) == ["F41.1"]
    assert codes(database, course) is None, "nothing is written before it is issued"
    for _ in range(2):
        sent = send(clerk, f"{at}/new", at, code=["F41.1", "F33.2"], key="k" * 20)
        assert (sent.status_code, sent.location) == (303, f"/staff/patients/{course.patient.id}")
    assert codes(database, course) == ("F41.1", "F33.2")
    patient = clerk.get(sent.location).text
    assert "SB-000001 is the superbill of this visit now." in patient
    assert "Issue again" in patient


def test_the_next_version_begins_with_the_diagnoses_of_the_present_one(database, clerk, course, given, at):
    superbill(database, course.session_ids[0], diagnoses=["F33.2", "F41.1"])
    page = clerk.get(f"{at}/new")
    assert chosen(page) == ["F33.2", "F41.1"]
    assert "SB-000001 is issued already" in page.text
    send(clerk, f"{at}/new", at, code=["F33.2", "F41.1"], key="k" * 20)
    with database.reading() as read:
        assert len(list_superbills(read, SYSTEM, limit=9)) == 1


def test_two_that_exclude_each_other_need_the_providers_word(database, clerk, course, given, at):
    pair = ["G89.4", "R52"]
    assert "are_unrelated" not in clerk.get(f"{at}/new").text
    refused = send(clerk, f"{at}/new", at, code=pair, key="k" * 20)
    assert refused.status_code == 409
    assert "G89.4 and R52 exclude each other" in refused.text
    assert 'name="are_unrelated"' in refused.text
    assert chosen(refused) == pair
    assert codes(database, course) is None
    send(clerk, f"{at}/new", at, code=pair, are_unrelated="on", key="l" * 20)
    assert codes(database, course) == tuple(pair)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([f"B02.2{n}" for n in range(10)] * 2, "1 to 12"),
        (["F33"], "F33 is no billable"),
        (["<b>"], "&lt;b&gt; is no billable"),
        (["F33.2", "F33.2"], "stands twice"),
        (["f33.2\x00"], "no billable"),
    ],
)
def test_what_an_insurer_would_refuse_is_refused_on_the_page(database, clerk, course, given, at, sent, words):
    refused = send(clerk, f"{at}/new", at, code=sent, key="k" * 20)
    assert (refused.status_code, codes(database, course)) == (409, None)
    assert words in refused.text


def test_without_a_diagnosis_none_is_issued(database, clerk, course, given, at):
    refused = send(clerk, f"{at}/new", at, key="k" * 20)
    assert (refused.status_code, codes(database, course)) == (422, None)
    assert "Add a diagnosis first" in refused.text
    assert "No diagnosis is chosen" in refused.text


def test_a_visit_to_come_has_no_superbill_and_the_page_says_why(clerk, at):
    refused = send(clerk, f"{at}/new", at, code="F32.1", key="k" * 20)
    assert refused.status_code == 409
    assert "this infusion is planned" in refused.text


def test_the_script_is_answered_with_the_list_alone(clerk, course, given, at):
    found = send(clerk, f"{at}/new", "/staff/diagnoses", search="g90.51", on="2026-11-02")
    assert found.text.strip().startswith('<ul id="found"')
    assert 'data-told="5 codes are found."' in found.text
    assert offered(found) == ["G90.511", "G90.512", "G90.513", "G90.519"]
    assert "not billable" in found.text
    many = send(clerk, f"{at}/new", "/staff/diagnoses", search="pain", on="2026-11-02")
    assert len(offered(many)) == 20
    assert "The first 20 codes are shown." in many.text
    none = send(clerk, f"{at}/new", "/staff/diagnoses", search="zzz", on="2026-11-02")
    assert "No code begins with that" in none.text
    empty = send(clerk, f"{at}/new", "/staff/diagnoses", search=" ", on="2026-11-02")
    assert ("Type a code or words." in empty.text, offered(empty)) == (True, [])
    assert send(clerk, f"{at}/new", "/staff/diagnoses", search="pain", on="soon").status_code == 422


def test_the_edition_of_the_day_of_the_visit_is_shown(database, clerk, given, at, now):
    load(database, now)
    page = clerk.get(f"{at}/new")
    assert "are not loaded" not in page.text
    assert offered(page) == ["F32.1", "F33.2"], "the few codes of that edition"
    assert page.text.count("not billable") == 4
    assert offered(send(clerk, f"{at}/new", f"{at}/look", search="f33.7")) == ["F33.7"]


def test_a_look_is_on_the_trail_and_no_diagnosis_in_an_address(database, clerk, course, given, at):
    send(clerk, f"{at}/new", f"{at}/look", code="F32.1", search="pain")
    assert clerk.get(f"{at}/look").status_code == 405
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.action == "page.superbill")).all()
    assert {f"{row.subject_id} {row.detail}" for row in rows} == {f"{course.session_ids[0]} {{}}"}


def test_a_visit_of_another_site_does_not_exist(pages, database, course, at, now):
    entity_id = course.patient.entity_id
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=entity_id, site_ids=["x"]))
    assert stranger.get(f"{at}/new").status_code == 404


def test_the_front_desk_sees_superbills_but_issues_none(pages, database, course, given, at, now):
    desk = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=course.patient.entity_id))
    assert f"{at}/new" not in desk.get(f"/staff/patients/{course.patient.id}").text
    assert desk.get(f"{at}/new").status_code == 403


def test_a_visit_that_compensation_has_says_so_before_any_diagnosis_is_looked_for(database, clerk, now):
    course = a_course(database, sessions=1, paid=Money(0))
    payer = a_payer(database, course.patient.site_id, PayerKind.COMPENSATION)
    order = whole_sessions(payer, SimpleNamespace(session_ids=course.session_ids))
    page = f"/staff/sessions/{course.session_ids[0]}/superbill/new"
    assert "compensation pays for this visit" not in clerk.get(page).text
    database.in_transaction(
        lambda tx: agree_share(tx, invoice_id=course.invoice_id, order=order, actor=SYSTEM, now=now)
    )
    give(database, course.session_ids[0])
    assert "compensation pays for this visit" in clerk.get(page).text
