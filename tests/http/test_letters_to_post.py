"""A letter that asks a patient to choose, printed and posted by a person, on its page and over HTTP."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import HoldReason
from billing.payments.queries.choice_letters import choice_letters_of
from billing.payments.records.credits import Election
from billing.payments.use_cases.choice_letters import ask_to_choose
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.web import new_staff, send, sign_in


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def held(database, patient):
    bill = billed(database, patient, only_first=2)
    did(database, take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    named = {"session_id": bill.session_ids[0], "source_id": "rmc_1", "received_on": NOW.date()}
    return did(database, hold_reimbursement, amount=Money(12_000), **named).lot_id


@pytest.fixture
def letter(database, patient, held):
    return did(database, ask_to_choose, patient_id=patient.id, sends_mail=False)


@pytest.fixture
def biller(issue, patient):
    return issue(Role.BILLING, entity_id=patient.entity_id)


def did(database, use_case, **named):
    return database.in_transaction(lambda tx: use_case(tx, **named, actor=CLERK, now=NOW))


def text_of(pdf):
    return " ".join(PdfReader(BytesIO(pdf)).pages[0].extract_text().split())


def open_tasks(database):
    with database.reading() as read:
        return [task.kind for task in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]


def test_the_letter_says_amount_visit_day_and_choices_and_no_insurer_or_service(biller, letter):
    answer = biller.get(f"/choice-letters/{letter.id}.pdf")
    assert answer.headers["Content-Disposition"] == 'inline; filename="letter.pdf"'
    said = text_of(answer.data)
    assert "Maria Sample 12 Elm Street" in said
    assert "sent back on Dec 2, 2026 unless you choose before" in said
    assert "$120.00 for your visit on Nov" in said
    assert "Take it off my next invoice." in said
    assert "Send it back to me." in said
    told = said[said.index("Please choose") :].lower()
    assert [word for word in ("infusion", "ketamine", "insur", "depress") if word in told] == []


def test_who_posted_it_says_so_and_what_it_said_stays(database, biller, letter):
    shown = biller.get(f"/choice-letters/{letter.id}").json
    assert (shown["letter"]["state"], shown["can_be_posted"]) == ("to_post", True)
    printed = biller.get(f"/choice-letters/{letter.id}.pdf").data
    answer = biller.post(f"/choice-letters/{letter.id}/posted", {"sha256": shown["sha256"]})
    assert (answer.status_code, answer.json["state"]) == (200, "posted")
    assert open_tasks(database) == []
    assert biller.get(f"/choice-letters/{letter.id}").json["sha256"] == shown["sha256"]
    assert biller.get(f"/choice-letters/{letter.id}.pdf").data == printed
    again = biller.post(f"/choice-letters/{letter.id}/posted", {"sha256": shown["sha256"]})
    assert again.status_code == 409
    with database.reading() as read:
        assert verify(read, now=NOW + timedelta(days=1), refund_limit=LIMIT).ok


def test_what_changed_since_it_was_printed_is_not_posted(database, biller, letter):
    shown = biller.get(f"/choice-letters/{letter.id}").json
    demand = {"reimbursement_id": "rmc_1", "demand": "T1", "demanded_on": NOW.date()}
    did(database, demand_takeback, **demand, amount=Money(2_000))
    refused = biller.post(f"/choice-letters/{letter.id}/posted", {"sha256": shown["sha256"]})
    assert (refused.status_code, refused.json["code"]) == (409, "letter-changed")
    assert biller.get(f"/choice-letters/{letter.id}").json["body"]["total_cents"] == 10_000


def test_nothing_is_posted_about_what_was_chosen_meanwhile(app, database, patient, held, letter, now):
    browser = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=patient.entity_id))
    page = f"/staff/choice-letters/{letter.id}"
    sha256 = re.search(r'name="shown" value="(\w{64})"', browser.get(page).text)[1]
    did(database, elect, lot_id=held, election=Election.CREDIT)
    send(browser, page, f"{page}/posted", key="k1", shown=sha256)
    shown = browser.get(page).text
    assert "Do not post it" in shown
    assert "It is posted" not in shown
    with database.reading() as read:
        assert [each.state for each in choice_letters_of(read, patient.id, SYSTEM, limit=9)] == ["to_post"]


def test_the_page_opens_from_its_task_and_closes_it(app, database, patient, letter, now):
    browser = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=patient.entity_id))
    assert f'href="/staff/choice-letters/{letter.id}"' in browser.get("/staff/tasks").text
    page = f"/staff/choice-letters/{letter.id}"
    sha256 = re.search(r'name="shown" value="(\w{64})"', browser.get(page).text)[1]
    for _ in range(2):
        send(browser, page, f"{page}/posted", key="k1", shown=sha256)
    assert "Was posted" in browser.get(page).text
    assert open_tasks(database) == []


def test_the_patients_page_says_when_a_letter_goes_that_was_not_written_yet(
    app, database, patient, held, now
):
    page = f"/staff/patients/{patient.id}"
    desk = sign_in(app, new_staff(database, Role.FRONT_DESK, now, entity_id=patient.entity_id))
    assert "A letter to ask is written by itself within 15 minutes" in desk.get(page).text
    stopped(database, patient.id, HoldReason.DEATH)
    assert "No letter is written while charges are stopped" in desk.get(page).text


def test_the_patients_page_says_that_they_were_asked_and_leads_to_the_letter(
    app, database, patient, letter, now
):
    page = f"/staff/patients/{patient.id}"
    biller, desk = (
        sign_in(app, new_staff(database, role, now, entity_id=patient.entity_id))
        for role in (Role.BILLING, Role.FRONT_DESK)
    )
    assert f'href="/staff/choice-letters/{letter.id}">asked by letter on Nov 2, 2026' in biller.get(page).text
    assert "To be printed and posted" in biller.get(page).text
    shown = desk.get(page).text
    assert "asked by letter on Nov 2, 2026" in shown
    assert letter.id not in shown
