"""Claims on the pages of staff: issued from a visit, listed, looked at and worked on."""

import re
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from billing.insurance.queries.claims import claims_of_session
from billing.insurance.states import ClaimEvent, ClaimState
from billing.insurance.use_cases.claim_moves import move_claim
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.queries import policies_of
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.audit import AuditRow
from billing.web.claim_words import EVENTS, MARKS, NEXT, STATES, field_in_words
from tests.factories.accounting import behind_the_back
from tests.factories.care import give
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course, claim, claimed, filed, imported, superbill
from tests.factories.paid import given_back
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance
from tests.factories.web import new_staff, send, sign_in
from tests.use_cases.test_acknowledgements import of_claims, take


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def ask(course):
    return f"/staff/sessions/{course.session_ids[0]}/claim/new"


@pytest.fixture
def issue(course):
    return f"/staff/sessions/{course.session_ids[0]}/claim"


@pytest.fixture
def present(database, course):
    return claimed(database, course.session_ids[0])


@pytest.fixture
def page(present):
    return f"/staff/claims/{present.id}"


@pytest.fixture
def versions(database, course):
    def look():
        with database.reading() as read:
            return claims_of_session(read, course.session_ids[0])

    return look


def test_a_claim_is_issued_from_the_visit_and_twice_is_once(database, clerk, course, ask, issue, versions):
    give(database, course.session_ids[0])
    superbill(database, course.session_ids[0], diagnoses=["F33.2", "F41.1"])
    patient = clerk.get(f"/staff/patients/{course.patient.id}").text
    assert ask in patient
    assert f"/staff/sessions/{course.session_ids[1]}/claim/new" not in patient, "it is still to come"
    asked = clerk.get(ask).text
    assert "<strong>F33.2, F41.1</strong>, as on SB-000001" in asked
    for _ in range(2):
        done = send(clerk, ask, issue, key="k" * 20)
        (claim,) = versions()
        assert (done.status_code, done.location) == (303, f"/staff/claims/{claim.id}")
    shown = clerk.get(done.location).text
    assert "The claim is issued." in shown
    assert "Not sent yet" in shown
    assert claim.number in clerk.get(f"/staff/patients/{course.patient.id}").text
    assert "CLM-000001 is issued already" in clerk.get(ask).text


def test_a_diagnosis_is_chosen_before_a_claim_is_issued(database, clerk, course, ask, issue, versions):
    give(database, course.session_ids[0])
    asked = clerk.get(ask).text
    assert "No diagnosis is chosen for this visit" in asked
    assert f"/staff/sessions/{course.session_ids[0]}/superbill/new" in asked
    assert "Issue the claim</button>" not in asked
    refused = send(clerk, f"/staff/patients/{course.patient.id}", issue, key="k" * 20)
    assert (refused.status_code, versions()) == (422, ())
    assert "These are usual for Depression: F32.1," in refused.text


def test_each_flaw_is_named_in_words(database, clerk, course, ask, issue, versions):
    give(database, course.session_ids[0])
    superbill(database, course.session_ids[0])
    behind_the_back(database, "UPDATE entity SET npi = '2000000011', phone = '5'")
    refused = send(clerk, ask, issue, key="k" * 20)
    assert refused.status_code == 422
    assert "<strong>Billing, npi:</strong> Give a National Provider Identifier" in refused.text
    assert "<strong>Submitter, phone:</strong>" in refused.text
    assert versions() == ()
    assert "as on SB-000001" in clerk.get(ask).text


def test_a_visit_to_come_has_no_claim_and_the_page_says_why(clerk, ask, issue):
    refused = send(clerk, ask, issue, key="k" * 20)
    assert refused.status_code == 409
    assert "this infusion is planned" in refused.text


def test_claims_are_listed_by_state_page_by_page(database, clerk, course, present):
    assert "There is no such claim." in clerk.get("/staff/claims?state=denied").text
    for days in ("from=2026-11-03", "to=2026-11-01", "state=issued&from=2026-11-03"):
        assert present.number not in clerk.get(f"/staff/claims?{days}").text
    assert present.number in clerk.get("/staff/claims?from=2026-11-02&to=2026-11-02").text
    assert present.number in clerk.get("/staff/claims?from=soon").text
    listed = clerk.get("/staff/claims?state=issued").text
    assert present.number in listed
    assert "Not known" in listed
    filed(database)
    assert present.number not in clerk.get("/staff/claims?state=issued").text
    assert present.number in clerk.get("/staff/claims").text
    assert clerk.get("/staff/claims?state=nonsense&after=nonsense").status_code == 200
    further = clerk.get(f"/staff/claims?after={present.id}").text
    assert "There is nothing further." in further
    assert "The newest" in further


def test_the_days_within_which_the_plan_takes_it_are_entered_on_its_page(database, clerk, page, present, now):
    assert "Until when the plan takes it is not known." in clerk.get(page).text
    for key, wrong in enumerate(("0", "1096", "a year", "9" * 30)):
        refused = send(clerk, page, f"{page}/filing-days", filing_days=wrong, key=f"{key}" * 20)
        assert (refused.status_code, "from 1 to 1,095" in refused.text) == (422, True)
    done = send(clerk, page, f"{page}/filing-days", filing_days="90", key="d" * 20)
    assert (done.status_code, done.headers["Location"]) == (303, page)
    assert "Jan 31, 2027" in clerk.get(page).text
    with database.reading() as read:
        policies = policies_of(read, present.patient_id)
        (still,) = claims_of_session(read, present.session_id)
    assert [each.filing_days for each in policies] == [90, None]
    assert replace(policies[0], id="", filing_days=None) == replace(policies[1], id="")
    assert (still.id, still.file_by) == (present.id, date(2027, 1, 31))


def test_a_claim_whose_visit_was_amended_since_says_so_until_it_is_replaced(database, clerk, course, now):
    signed(database, course.session_ids[0], entry(minutes=45))
    present = claim(database, course.session_ids[0])
    page = f"/staff/claims/{present.id}"
    assert "The visit was amended since" not in clerk.get(page).text
    amended(database, course.session_ids[0], entry(minutes=120), now=now + timedelta(hours=2))
    assert "Issue the claim again, or close its task" in clerk.get(page).text
    assert "A visit was amended after its claim was issued" in clerk.get("/staff/tasks").text
    assert send(clerk, page, f"{page}/filed", key="f" * 20).status_code == 409
    page = f"/staff/claims/{claim(database, course.session_ids[0], now=now + timedelta(hours=2)).id}"
    assert send(clerk, page, f"{page}/filed", key="g" * 20).status_code == 303
    amended(database, course.session_ids[0], entry(minutes=200), now=now + timedelta(hours=3))
    assert "Replace it by a corrected one." in clerk.get(page).text
    done = send(clerk, page, f"{page}/correct", payer_claim_number="P1", key="k" * 20)
    assert done.status_code == 303
    for each in (page, done.location):
        assert "The visit was amended since" not in clerk.get(each).text


def test_without_any_claim_the_list_says_where_to_begin(clerk):
    assert "No claim was issued yet. Open a patient" in clerk.get("/staff/claims").text


def test_a_long_list_goes_on_where_the_page_ends(database, clerk, present):
    copied = (
        "INSERT INTO claim (id, entity_id, site_id, patient_id, session_id, number, version, state,"
        " frequency, control_number, document_id, sha256, service_on, charge_cents, paid_cents, issued_at)"
        " SELECT 'clm_{0:026d}', entity_id, site_id, patient_id, session_id, 'OLD-{0}', {0}, 'closed',"
        " frequency, control_number, 'doc_{0}', sha256, service_on, charge_cents, paid_cents, issued_at"
        f" FROM claim WHERE id = '{present.id}'"
    )
    behind_the_back(database, *(copied.format(number) for number in range(2, 52)))
    first_page = clerk.get("/staff/claims").text
    assert ("OLD-51<" in first_page, "OLD-2<" in first_page) == (True, False)
    (further,) = re.findall(r'href="(/staff/claims\?[^"]*after=[^"]+)"', first_page)
    second_page = clerk.get(further.replace("&amp;", "&")).text
    assert ("OLD-2<" in second_page, "OLD-3<" in second_page) == (True, False)
    assert "The next ones" not in second_page


def test_the_page_downloads_the_claim_and_marks_it_as_sent_by_hand(clerk, present, page, versions):
    file = clerk.get(f"{page}.837")
    assert (file.mimetype, file.data[:3]) == ("application/edi-x12", b"ISA")
    for _ in range(2):
        assert send(clerk, page, f"{page}/filed", key="k" * 20).location == page
    assert versions()[0].state is ClaimState.FILED
    again = send(clerk, page, f"{page}/filed", key="l" * 20)
    assert again.status_code == 409
    assert "by hand" in clerk.get(page).text


def test_the_page_prints_the_claim_for_the_red_form_and_files_nothing(clerk, page, versions):
    sheet = clerk.get(f"{page}/cms1500.pdf?right=3&down=-40")
    assert (sheet.status_code, sheet.mimetype) == (200, "application/pdf")
    assert sheet.data == clerk.get(f"{page}/cms1500.pdf?right=3&down=-36").data
    assert sheet.data != clerk.get(f"{page}/cms1500.pdf?right=x").data
    seen = clerk.get(f"{page}/cms1500.pdf?view=1").data
    assert "NOT FOR OCR" in PdfReader(BytesIO(seen)).pages[0].extract_text()
    assert versions()[0].state is ClaimState.ISSUED


def test_what_does_not_fit_on_the_red_form_is_told_on_the_claims_page(database, clerk, course):
    give(database, course.session_ids[1])
    behind_the_back(database, "UPDATE entity SET name = 'A clinic of which the name is longer than a box'")
    page = f"/staff/claims/{claim(database, course.session_ids[1]).id}"
    refused = clerk.get(f"{page}/cms1500.pdf")
    assert (refused.status_code, refused.location) == (303, page)
    assert "Box 33 of the paper form has room for 29 characters." in clerk.get(page).text


def test_what_came_back_and_what_was_answered_is_its_history(database, clerk, present, page, now):
    filed(database)
    take(database, of_claims((present.control_number, "A2:20")), now=now + timedelta(days=1))
    denied = Answer(
        control_number=present.control_number,
        charge_cents=38_250,
        paid_cents=0,
        adjustments=(("CO", "197", 38_250),),
        remarks=("N386",),
    )
    imported(database, remittance([denied]), now=now + timedelta(days=9))
    shown = clerk.get(page).text
    for told in (
        "Denied",
        "CO-197: $382.50 of HC:96365",
        "N386",
        "STC:A2:20",
        "The claim was accepted (277CA)",
    ):
        assert told in shown
    history = shown[shown.index("history-title") :]
    order = ["paid nothing of $382.50", "The claim was accepted", "Filed", "Issued"]
    assert [history.index(each) for each in order] == sorted(history.index(each) for each in order)


def test_a_claim_is_corrected_and_taken_back_with_the_insurers_number(
    database, clerk, present, page, versions
):
    filed(database)
    unnamed = send(clerk, page, f"{page}/void", key="k" * 20)
    assert unnamed.status_code == 409
    assert "payer&#39;s own number" in unnamed.text
    wrong = send(clerk, page, f"{page}/void", payer_claim_number="P*1", key="k" * 20)
    assert wrong.status_code == 422
    assert "<strong>Original reference:</strong> Leave out * : ~ ^" in wrong.text
    assert 'value="P*1"' in wrong.text
    behind_the_back(database, "UPDATE claim SET paid_cents = paid_cents")
    same = send(clerk, page, f"{page}/correct", payer_claim_number="P1", key="k" * 20)
    assert "Nothing has changed" in same.text
    done = send(clerk, page, f"{page}/void", payer_claim_number="P1", key="l" * 20)
    void = versions()[-1]
    assert (done.location, void.frequency, void.original_reference) == (f"/staff/claims/{void.id}", "8", "P1")
    shown = clerk.get(done.location).text
    assert "Takes the insurer&#39;s claim back (P1)" in shown
    assert page in shown, "the former version is a step away"
    assert "What to do" not in clerk.get(page).text, "it has ended"


def test_a_person_says_what_happened(clerk, database, present, page, versions):
    assert "What happened" not in clerk.get(page).text
    filed(database)
    shown = clerk.get(page).text
    assert re.findall(r'<option value="([a-z_]+)">', shown) == ["records_requested", "closed"]
    nothing = send(clerk, page, f"{page}/mark", event="", key="k" * 20)
    assert nothing.status_code == 422
    send(clerk, page, f"{page}/mark", event="records_requested", key="l" * 20)
    assert versions()[0].state is ClaimState.RECORDS_REQUESTED
    stale = send(clerk, page, f"{page}/mark", event="appealed", key="m" * 20)
    assert stale.status_code == 409


def test_a_closed_claim_is_taken_back_on_its_page(database, clerk, page, versions):
    filed(database)
    send(clerk, page, f"{page}/mark", event="closed", key="k" * 20)
    shown = clerk.get(page).text
    assert "What to do" not in shown, "it has ended"
    assert "Correct it" in shown
    done = send(clerk, page, f"{page}/void", payer_claim_number="P1", key="l" * 20)
    assert done.location == f"/staff/claims/{versions()[-1].id}"
    assert "Correct it" not in clerk.get(page).text


def test_a_denial_says_what_is_next_and_a_letter_appeals_it(database, clerk, present, page, now):
    filed(database)
    assert "Write the letter" not in clerk.get(page).text
    late = Answer(
        control_number=present.control_number,
        charge_cents=38_250,
        paid_cents=0,
        adjustments=(("CO", "29", 38_250),),
    )
    imported(database, remittance([late]), now=now + timedelta(days=9))
    assert "The insurer says that it came too late." in clerk.get(page).text
    for _ in range(2):
        assert send(clerk, page, f"{page}/appeal-letters", key="k" * 20).location == page
    shown = clerk.get(page).text
    (file,) = re.findall(rf'href="({page}/appeal-letters/doc_[^"]+[.]pdf)"', shown)
    letter = clerk.get(file)
    assert (letter.mimetype, letter.data[:5]) == ("application/pdf", b"%PDF-")
    assert clerk.get(f"{page}/appeal-letters/doc_x.pdf").status_code == 404
    send(clerk, page, f"{page}/mark", event="appealed", key="l" * 20)
    assert "Wait for the insurer&#39;s answer to the appeal." in clerk.get(page).text


def test_a_day_that_has_passed_is_said(database, clerk, present, page):
    behind_the_back(database, "UPDATE claim SET file_by = '2026-10-30'")
    assert "The plan took it until" in clerk.get(page).text
    behind_the_back(database, "UPDATE claim SET file_by = '2026-12-30'")
    assert "The plan takes it until" in clerk.get(page).text


def test_a_task_leads_to_the_claim(database, clerk, present, page, now):
    filed(database)
    database.in_transaction(
        lambda tx: move_claim(tx, claim_id=present.id, event=ClaimEvent.DENY, actor=SYSTEM, now=now)
    )
    tasks = clerk.get("/staff/tasks").text
    assert "An insurer denied a claim" in tasks
    assert f'href="{page}"' in tasks
    assert "$382.50" in tasks


def test_a_look_is_on_the_trail(database, clerk, present, page):
    clerk.get(page)
    clerk.get("/staff/claims")
    with database.reading() as read:
        rows = set(read.session.execute(select(AuditRow.action, AuditRow.subject_id)).all())
    assert {("page.claim", present.id)} <= {tuple(row) for row in rows}
    assert "page.claims" in {row.action for row in rows}


def test_who_may_not_write_claims_sees_no_button_and_a_stranger_nothing(
    pages, database, course, present, page, ask, now
):
    entity_id = course.patient.entity_id
    desk = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=entity_id))
    assert [desk.get(each).status_code for each in ("/staff/claims", page, ask)] == [403] * 3
    assert "Claim</th>" not in desk.get(f"/staff/patients/{course.patient.id}").text


def test_a_claim_of_another_site_does_not_exist(pages, database, course, present, page, ask, now):
    entity_id = course.patient.entity_id
    other = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=entity_id, site_ids=["x"]))
    assert [other.get(each).status_code for each in (page, f"{page}.837", f"{page}/cms1500.pdf", ask)] == [
        404
    ] * 4
    assert present.number not in other.get("/staff/claims").text


def test_every_state_event_and_mark_has_words():
    assert set(STATES) == set(NEXT) == set(ClaimState)
    assert set(EVENTS) == set(ClaimEvent)
    assert len(MARKS) == 4
    assert field_in_words("/lines/0/drug/ndc") == "Line 1, drug, ndc"
    assert field_in_words("/diagnoses/1") == "Diagnosis 2"
    assert field_in_words("/billing/address/postal_code") == "Billing, address, postal code"


def test_a_claim_from_before_its_money_changed_is_refused_on_its_page_until_it_is_issued_again(
    database, clerk, course, page, issue, ask, versions, now
):
    given_back(database, course.invoice_id, now, Money(48_250))
    told = "It says $382.50 charged and $382.50 paid; by now the books say $382.50 charged and $282.50 paid."
    assert told in clerk.get(page).text
    refused = send(clerk, page, f"{page}/filed", key="a" * 20)
    assert (refused.status_code, refused.text.count(told)) == (409, 2)
    for file in (f"{page}.837", f"{page}/cms1500.pdf"):
        sent_back = clerk.get(file)
        assert (sent_back.status_code, sent_back.location) == (303, page)
    assert clerk.get(f"{page}/cms1500.pdf?view=1").status_code == 200
    tasks = clerk.get("/staff/tasks").text
    assert "says another charge or payment than the books" in tasks
    (link,) = re.findall(r'href="(/staff/tasks/\w+/subject)"', tasks)
    assert clerk.get(link).location.endswith(f"/staff/patients/{course.patient.id}")
    send(clerk, ask, issue, key="b" * 20)
    _, anew = versions()
    assert "by now the books say" not in clerk.get(f"/staff/claims/{anew.id}").text
    assert (
        send(clerk, f"/staff/claims/{anew.id}", f"/staff/claims/{anew.id}/filed", key="c" * 20).status_code
        == 303
    )
    assert "says another charge or payment" not in clerk.get("/staff/tasks").text


def test_all_outdated_papers_are_issued_again_by_one_button_that_tells_what_became_of_each(
    database, clerk, course, present, versions, now
):
    page = "/staff/outdated-papers"
    assert page in clerk.get("/staff/claims").text
    assert "the payments that the books do" in clerk.get(page).text
    given_back(database, course.invoice_id, now, Money(48_250))
    shown = clerk.get(page).text
    assert present.number in shown
    assert "$382.50 charged, $282.50 paid" in shown
    done = send(clerk, page, page, key="a" * 20)
    _, anew = versions()
    assert f"issued again as {anew.number}" in done.text
    assert "the payments that the books do" in done.text
    assert "Nothing was outdated any more" in send(clerk, page, page, key="b" * 20).text


def test_a_claim_that_went_out_all_the_same_is_marked_with_its_day_and_reason(
    database, clerk, course, page, versions, now
):
    limits = PlanLimits(is_kept_from_plan=True)
    whose = {"patient_id": course.patient.id, "limits": limits, "actor": SYSTEM, "now": now}
    assert "Why it went out all the same" not in clerk.get(page).text
    database.in_transaction(lambda tx: record_plan_limits(tx, **whose))
    assert "Why it went out all the same" in clerk.get(page).text
    refused = send(clerk, page, f"{page}/filed", key="a" * 20)
    assert refused.status_code == 409
    assert 'id="reason-wrong"' in refused.text
    tomorrow = (now + timedelta(days=1)).date().isoformat()
    refused = send(clerk, page, f"{page}/filed", sent_on=tomorrow, reason="Typed in", key="b" * 20)
    assert refused.status_code == 422
    assert 'id="sent_on-wrong"' in refused.text
    assert 'value="Typed in"' in refused.text
    told = {"sent_on": now.date().isoformat(), "reason": "Typed in before they called"}
    assert send(clerk, page, f"{page}/filed", **told, key="c" * 20).location == page
    assert versions()[0].state is ClaimState.FILED
    assert "Typed in before they called" in clerk.get(page).text
    tasks = clerk.get("/staff/tasks").text
    assert "A claim went out by hand though it was to stay here" in tasks
    assert "Typed in before" not in tasks


@pytest.mark.parametrize("is_closed", [False, True], ids=["filed", "closed"])
def test_a_claim_that_the_insurer_has_is_corrected_or_taken_back_and_not_issued_again(
    database, clerk, ask, issue, page, present, versions, is_closed
):
    assert "Issue the claim</button>" in clerk.get(ask).text
    filed(database)
    if is_closed:
        send(clerk, page, f"{page}/mark", event="closed", key="a" * 20)
    shown = clerk.get(ask).text
    assert "Issue the claim</button>" not in shown
    assert f"The insurer has {present.number} of this visit." in shown
    assert "Correct it, or take it back (void)" in shown
    assert f'href="{page}"' in shown
    refused = send(clerk, ask, issue, key="k" * 20)
    assert (refused.status_code, len(versions())) == (409, 1)
    assert "The claim is issued." not in clerk.get(page).text


def test_a_claim_that_takes_the_former_back_is_sent_before_another_is_issued(
    database, clerk, ask, issue, page, versions
):
    filed(database)
    send(clerk, page, f"{page}/void", payer_claim_number="P1", key="a" * 20)
    shown = clerk.get(ask).text
    assert "Issue the claim</button>" not in shown
    assert "takes the former claim back and waits to be sent" in shown
    assert send(clerk, ask, issue, key="k" * 20).status_code == 409
    filed(database)
    assert "Issue the claim</button>" in clerk.get(ask).text
    assert send(clerk, ask, issue, key="l" * 20).status_code == 303
    assert [each.frequency for each in versions()] == ["1", "8", "1"]
