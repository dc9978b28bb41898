"""The pages of staff: what each role sees, and what a click does."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.care.use_cases import check_in, record_session
from billing.insurance.use_cases.superbills import issue_superbill
from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.records.credits import Election
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.audit import AuditRow
from tests.factories.care import new_session
from tests.factories.catalog import seed_sample
from tests.factories.web import PDF, new_staff, send, sign_in, token_of


@pytest.fixture
def patient_page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


def ask(edge, query):
    return edge.read(query)


def test_today_shows_who_comes_what_is_owed_and_that_it_is_sample_data(edge, clinic, enter, now):
    session = new_session(edge.database, clinic.patient.id, service="booster", planned_on=now.date())
    page = enter().get("/staff/today").text
    assert session.planned_on == now.date()
    assert "Booster, 45 minutes" in page
    assert "Sample, Maria" in page
    assert "$2,550.00" in page
    assert "Sample data" in page


def test_an_empty_day_says_so(enter, clinic, edge, now):
    edge.clock.now = now.replace(year=2027)
    assert "Nobody is expected today." in enter().get("/staff/today").text


def test_a_patient_is_found_without_the_name_in_any_address(enter, clinic, patient_page):
    answer = send(enter(), "/staff/today", "/staff/patients", text="mari sam")
    assert patient_page in answer.text
    assert "Mari" not in answer.request.url


def test_a_search_that_finds_nobody_says_what_to_try(enter):
    client = enter()
    assert "Nobody matches." in send(client, "/staff/today", "/staff/patients", text="zzzz").text
    assert (
        "Search by the beginning of a name" in send(client, "/staff/today", "/staff/patients", text="?").text
    )


def test_what_was_typed_is_shown_as_text(enter):
    page = send(enter(), "/staff/today", "/staff/patients", text='"><script>alert(1)</script>').text
    assert "<script>" not in page


def test_the_patients_page_shows_what_is_owed_and_why(enter, patient_page):
    page = enter().get(patient_page).text
    assert "Maria Sample" in page
    assert page.count("$425.00") >= 12
    assert "Still owed" in page


def test_whoever_looks_at_a_patient_is_on_the_audit_trail(edge, enter, clinic, patient_page):
    enter().get(patient_page)
    rows = ask(edge, lambda read: read.session.query(AuditRow).filter_by(action="page.patient").all())
    assert [(row.subject_id, row.actor_id[:4]) for row in rows] == [(clinic.patient.id, "usr_")]


def test_a_clinician_sees_the_care_and_not_the_money(enter, patient_page):
    page = enter(Role.CLINICIAN).get(patient_page).text
    assert "Infusion, 45 minutes" in page
    assert "$" not in page


def test_an_accountant_sees_the_money_and_not_the_names(enter, patient_page):
    client = enter(Role.ACCOUNTANT)
    page = client.get("/staff/money").text
    assert "$2,550.00" in page
    assert "Maria" not in page
    assert client.get(patient_page).status_code == 403


def test_another_clinics_patient_does_not_exist(enter, pages, edge, now, patient_page):
    client = enter()
    stranger = new_staff(
        edge.database, Role.SUPERVISOR, now, entity_id=seed_sample(edge.database, now, "a").id
    )
    assert client.get("/staff/patients/pat_nowhere").status_code == 404
    other = sign_in(pages, stranger)
    assert other.get(patient_page).status_code == 404


def test_who_may_not_is_told_so_in_words(enter, patient_page):
    refused = enter(Role.CLINICIAN).get(f"{patient_page}/money")
    assert refused.status_code == 403
    assert "Your role does not include this." in refused.text
    assert "payments:read" not in refused.text


def test_cash_is_taken_once_however_often_the_form_is_sent(edge, enter, clinic, patient_page):
    client, path = enter(Role.FRONT_DESK), f"/staff/invoices/{clinic.invoice.id}/cash"
    fields = {"amount": "$1,000.50", "key": "one-click", "csrf_token": token_of(client, patient_page)}
    for _ in range(2):
        answer = client.post(path, data=fields)
        assert (answer.status_code, answer.location) == (303, patient_page)
    assert "$1,000.50 in cash is booked." in client.get(patient_page).text
    invoice = ask(edge, lambda read: find_invoice(read, clinic.invoice.id, SYSTEM))
    assert invoice.open_balance == Money(154_950)


@pytest.mark.parametrize("amount", ["-1", "0", "0.001", "1e400", "NaN", "9223372036854775808", "٤", "5000"])
def test_an_amount_that_is_none_or_too_much_is_refused_and_nothing_is_booked(
    edge, enter, clinic, patient_page, amount
):
    client = enter(Role.FRONT_DESK)
    page = send(
        client, patient_page, f"/staff/invoices/{clinic.invoice.id}/cash", amount=amount, key="k"
    ).text
    assert f'id="{clinic.invoice.id}-amount-wrong"' in page
    assert ask(edge, lambda read: list_payments(read, SYSTEM, limit=1)) == []


def test_a_form_without_its_token_takes_no_cash(edge, enter, clinic):
    client = enter(Role.FRONT_DESK)
    answer = client.post(f"/staff/invoices/{clinic.invoice.id}/cash", data={"amount": "1"})
    assert answer.status_code == 400
    assert ask(edge, lambda read: list_payments(read, SYSTEM, limit=1)) == []


def test_a_clinician_takes_no_cash(edge, enter, clinic, patient_page):
    client = enter(Role.CLINICIAN)
    path = f"/staff/invoices/{clinic.invoice.id}/cash"
    assert send(client, patient_page, path, amount="1", key="k").status_code == 403
    assert ask(edge, lambda read: list_payments(read, SYSTEM, limit=1)) == []


def test_a_pay_link_is_shown_once_and_opens_the_pay_page(enter, clinic, patient_page):
    client = enter(Role.FRONT_DESK)
    page = send(client, patient_page, f"/staff/invoices/{clinic.invoice.id}/pay-link").text
    link = re.search(r'value="http://localhost(/pay/[^"]+)"', page)[1]
    assert "$2,550.00" in client.get(link).text


@pytest.fixture
def reimbursed(edge, clinic, now):
    """The package is paid, its first session given and billed, and the insurer gave back $180."""

    def run(work):
        return edge.database.in_transaction(work)

    session_id = clinic.invoice.lines[0].session_id
    run(lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(255_000), actor=SYSTEM, now=now))
    run(lambda tx: check_in(tx, session_id=session_id, actor=SYSTEM, now=now))
    run(
        lambda tx: record_session(
            tx,
            session_id=session_id,
            started_at=now,
            stopped_at=now + timedelta(minutes=45),
            dose_mg=Decimal(40),
            actor=SYSTEM,
            now=now + timedelta(minutes=45),
        )
    )
    run(
        lambda tx: hold_reimbursement(
            tx,
            session_id=session_id,
            amount=Money(18_000),
            source_id="rmc_1",
            received_on=now.date(),
            actor=SYSTEM,
            now=now,
        )
    )
    return run(
        lambda tx: issue_superbill(tx, session_id=session_id, diagnoses=["F32.1"], actor=SYSTEM, now=now)
    )


def test_the_patients_choice_for_a_reimbursement_is_recorded(edge, enter, clinic, patient_page, reimbursed):
    client = enter()
    (lot,) = ask(edge, lambda read: credits_of_patient(read, clinic.patient.id, SYSTEM))
    assert "not chosen yet" in client.get(patient_page).text
    send(client, patient_page, f"/staff/credits/{lot.id}/election", election="credit")
    (lot,) = ask(edge, lambda read: credits_of_patient(read, clinic.patient.id, SYSTEM))
    assert lot.election is Election.CREDIT
    send(client, patient_page, f"/staff/credits/{lot.id}/election", election="neither")
    assert "Choose one: credit or refund." in client.get(patient_page).text


def test_a_superbill_is_downloaded_under_a_name_without_a_name(edge, enter, patient_page, reimbursed):
    client = enter(Role.FRONT_DESK)
    path = f"/staff/superbills/{reimbursed.id}"
    assert path in client.get(patient_page).text
    answer = client.get(path)
    assert (answer.data, answer.mimetype) == (PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'inline; filename="{reimbursed.number}.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_administrator_disables_a_person_and_revokes_a_token(edge, enter):
    client = enter(Role.ADMIN)
    colleague = enter(Role.BILLING)
    page = client.get("/staff/people").text
    path = re.search(r'action="(/staff/people/[^"]+/disable)"', page)[1]
    send(client, "/staff/people", path)
    assert "can no longer sign in" in client.get("/staff/people").text
    assert colleague.get("/staff/today").location == "/staff/sign-in"


def test_an_error_page_needs_no_database(edge, enter, monkeypatch):
    client = enter()
    monkeypatch.setattr("billing.web.staff.money.books_of", lambda *_: 1 / 0)
    answer = client.get("/staff/money")
    assert answer.status_code == 500
    assert "Something went wrong here. Nothing was changed." in answer.text
    assert "division" not in answer.text


def test_a_page_that_is_not_there_leads_back(enter):
    answer = enter().get("/staff/nowhere")
    assert answer.status_code == 404
    assert 'href="/staff/"' in answer.text
