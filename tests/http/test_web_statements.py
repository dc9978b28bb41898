"""A patient's statement on pages: for staff by permission, for the patient by link and birth date."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from billing.accounting.models import StatementLinkRow
from billing.accounting.use_cases.statement_links import make_statement_link
from billing.catalog.queries import sites
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.people.models import StaffUser
from billing.platform.data.audit import AuditRow
from tests.factories.holds import stopped
from tests.factories.paid import paid_by_card
from tests.factories.patients import new_patient
from tests.factories.web import new_package, send, token_of

BORN = "1980-05-17"
OTHER = {"given_name": "Elsa", "family_name": "Elsewhere"}


def a_link(database, patient_id, now):
    _, secret = database.in_transaction(
        lambda tx: make_statement_link(tx, patient_id=patient_id, actor=SYSTEM, now=now)
    )
    return f"/pay/{secret}/statement"


@pytest.fixture
def paid(database, clinic, now):
    return paid_by_card(database, clinic.invoice, now, is_health_account=True)


@pytest.fixture
def link(database, clinic, now):
    return a_link(database, clinic.patient.id, now)


@pytest.fixture
def patient(pages):
    return pages.test_client()


def open_it(client, link, born_on=BORN):
    return client.post(link, data={"csrf_token": token_of(client, link), "born_on": born_on})


def trail(database):
    with database.reading() as read:
        query = select(AuditRow.action).where(AuditRow.action.startswith("statement")).order_by(AuditRow.id)
        return list(read.session.scalars(query))


# --- the patient ----------------------------------------------------------------------------------------


def test_the_link_and_the_birth_date_open_the_statement(database, patient, link, clinic, paid):
    assert clinic.patient.family_name not in patient.get(link).text
    assert open_it(patient, link).status_code == 303
    page = patient.get(link).text
    assert f"{clinic.patient.given_name} {clinic.patient.family_name}" in page
    for told in ("You still owe", "You may expect", "Sent back to you", "You paid: Card (visa 4242)"):
        assert told in page
    assert "Paid ahead for them: <strong>$2,550.00</strong>" in page
    assert trail(database)[-2:] == ["statement.open", "statement.read"]


def test_a_link_that_never_was_looks_like_any_other(patient, link):
    never = "/pay/no-such-link/statement"
    known, unknown = (
        re.sub('nonce="[^"]+"', "", patient.get(each).text).replace(each, "") for each in (link, never)
    )
    assert known == unknown
    assert open_it(patient, never).status_code == 422


@pytest.mark.parametrize("born_on", ["1990-01-01", "", "soon"])
def test_another_birth_date_opens_nothing(patient, link, clinic, born_on):
    answer = open_it(patient, link, born_on)
    assert answer.status_code == 422
    assert clinic.patient.family_name not in answer.text + patient.get(link).text
    assert patient.get(f"{link}.pdf").status_code == 303


def test_five_wrong_dates_close_the_link_also_for_the_right_one(patient, link):
    for _ in range(5):
        assert open_it(patient, link, "1990-01-01").status_code == 422
    assert open_it(patient, link).status_code == 422


def test_it_closes_after_a_quarter_of_an_hour_and_the_link_after_a_month(patient, link, clock, clinic):
    open_it(patient, link)
    clock.now += timedelta(minutes=15)
    assert clinic.patient.family_name not in patient.get(link).text
    assert patient.get(link.replace("/statement", "/year-statement.pdf")).status_code == 303
    clock.now += timedelta(days=30)
    assert open_it(patient, link).status_code == 422


def test_a_curious_other_patient_gets_nothing(database, pages, patient, link, clinic, now):
    """Who opened their own statement has nothing of the link of another, whichever page they try."""
    other = new_patient(database, entity_id=clinic.entity.id, site_id=clinic.site.id, now=now, **OTHER)
    theirs = a_link(database, other.id, now)
    assert open_it(patient, theirs).status_code == 303
    assert "Elsewhere" in patient.get(theirs).text
    for path in (link, link.replace("/statement", "/year-statement")):
        assert clinic.patient.family_name not in patient.get(path).text
        assert patient.get(f"{path}.pdf").status_code == 303
    stranger = pages.test_client()
    assert "Elsewhere" not in stranger.get(theirs).text


def test_the_pdf_and_the_year_open_with_it(patient, link, paid):
    open_it(patient, link)
    for path in (f"{link}.pdf", link.replace("/statement", "/year-statement.pdf?year=2026")):
        pdf = patient.get(path)
        assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
    year = patient.get(link.replace("/statement", "/year-statement")).text
    for told in ("By date paid", "By date of service", "The clinic gives no tax advice.", "$2,550.00"):
        assert told in year


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?from=2026-03-01&to=2026-02-01", "The period ends on 2026-02-01, before it begins on 2026-03-01."),
        ("?from=someday", "Type a day of the calendar"),
    ],
)
def test_a_bad_period_is_told_beside_its_field(patient, link, query, told):
    open_it(patient, link)
    answer = patient.get(link + query)
    assert answer.status_code == 422
    assert told in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_secret_is_kept_nowhere(database, clinic, now):
    link = a_link(database, clinic.patient.id, now)
    with database.reading() as read:
        (row,) = read.session.scalars(select(StatementLinkRow))
        assert row.fingerprint not in link
        said = read.session.execute(text("SELECT detail FROM audit_row")).all()
    assert link.split("/")[2] not in str(said)


# --- staff ----------------------------------------------------------------------------------------------


def test_from_the_patients_page_to_the_statement_and_its_pdf(enter, clinic, paid):
    clerk = enter(Role.FRONT_DESK)
    path = f"/staff/patients/{clinic.patient.id}/statement"
    assert path in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    assert path in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    assert "6 of 6 visits are still to come" in clerk.get(path).text
    assert clerk.get(f"{path}.pdf?from=2026-01-01&to=2026-12-31").mimetype == "application/pdf"
    assert clerk.get(f"/staff/patients/{clinic.patient.id}/year-statement.pdf").mimetype == "application/pdf"


def test_other_days_show_what_is_not_settled_still(enter, clinic, now):
    page = enter().get(f"/staff/patients/{clinic.patient.id}/statement?from=2025-01-01&to=2025-12-31").text
    assert "$2,550.00" in page
    assert "You paid nothing in this time." in page


@pytest.mark.parametrize("page", ["statement?from=2026-02-30", "statement?to=1", "year-statement?year=soon"])
def test_days_of_no_calendar_are_told_beside_their_field(enter, clinic, page):
    answer = enter().get(f"/staff/patients/{clinic.patient.id}/{page}")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_a_link_is_shown_once_and_opens_the_statement_of_that_patient(enter, pages, clinic):
    link = made_by(enter(), clinic)
    visitor = pages.test_client()
    assert open_it(visitor, link).status_code == 303
    assert clinic.patient.family_name in visitor.get(link).text


def made_by(clerk, clinic):
    """The link that a clerk was shown."""
    path = f"/staff/patients/{clinic.patient.id}/statement"
    return send(clerk, path, f"{path}-link").text.split('value="http://localhost')[1].split('"')[0]


@pytest.fixture
def at_another_site(database, clinic, now):
    """A second package of $2,550, of another site."""
    with database.reading() as read:
        other = next(site for site in sites(read, clinic.entity.id) if site.id != clinic.site.id)
    new_package(database, clinic.patient, now, site_id=other.id)
    return other


def test_a_clerk_of_one_site_who_opens_the_link_himself_sees_no_more_than_he_may(
    enter, pages, clinic, at_another_site
):
    link = made_by(enter(Role.FRONT_DESK, site_ids=[clinic.site.id]), clinic)
    visitor = pages.test_client()
    open_it(visitor, link)
    for page in (link, link.replace("/statement", "/year-statement")):
        assert "some of the clinic&#39;s sites only" in visitor.get(page).text
    assert "You still owe <strong>$2,550.00</strong>" in visitor.get(link).text
    whole = made_by(enter(Role.BILLING), clinic)
    open_it(visitor, whole)
    assert "You still owe <strong>$5,100.00</strong>" in visitor.get(whole).text


@pytest.mark.parametrize(
    "change", [{"active": False}, {"roles": [Role.ACCOUNTANT]}, {"site_ids": ["site_elsewhere"]}]
)
def test_a_link_ends_when_its_maker_may_not_read_it_any_more(enter, database, pages, clinic, change):
    link = made_by(enter(Role.FRONT_DESK), clinic)
    visitor, late = pages.test_client(), pages.test_client()
    open_it(visitor, link)
    assert clinic.patient.family_name in visitor.get(link).text
    database.in_transaction(lambda tx: tx.session.execute(update(StaffUser).values(change)))
    assert clinic.patient.family_name not in visitor.get(link).text
    assert visitor.get(f"{link}.pdf").status_code == 303
    told = open_it(late, link)
    assert told.status_code == 422
    assert "This link is no longer valid. Ask the clinic for a new one." in told.text
    assert clinic.patient.family_name not in told.text


def test_a_link_whose_maker_left_counts_no_wrong_birth_dates(enter, database, pages, clinic):
    link, late = made_by(enter(Role.FRONT_DESK), clinic), pages.test_client()
    database.in_transaction(lambda tx: tx.session.execute(update(StaffUser).values(active=False)))
    for born_on in ["1990-01-01"] * 6:
        assert "no longer valid" in open_it(late, link, born_on).text
    assert "statement.open.refuse" not in trail(database)
    database.in_transaction(lambda tx: tx.session.execute(update(StaffUser).values(active=True)))
    assert open_it(late, link).status_code == 303


def test_who_may_see_less_than_when_they_made_it_shows_less_by_it(
    enter, database, pages, clinic, at_another_site
):
    link = made_by(enter(Role.FRONT_DESK), clinic)
    visitor = pages.test_client()
    open_it(visitor, link)
    fewer = update(StaffUser).values(site_ids=[clinic.site.id])
    database.in_transaction(lambda tx: tx.session.execute(fewer))
    assert "You still owe <strong>$2,550.00</strong>" in visitor.get(link).text


def test_where_charges_are_stopped_both_pages_say_that_it_asks_for_no_payment(
    enter, database, patient, link, clinic, now
):
    stopped(database, clinic.patient.id, now=now)
    open_it(patient, link)
    path = f"/staff/patients/{clinic.patient.id}/statement"
    for page in (patient.get(link), enter().get(path)):
        assert page.text.count("asks for no payment") == 1


def test_somebody_to_whom_nothing_happened_has_a_page_that_says_so(enter, database, clinic, now):
    fresh = new_patient(database, entity_id=clinic.entity.id, site_id=clinic.site.id, now=now, **OTHER)
    page = enter().get(f"/staff/patients/{fresh.id}/statement").text
    for told in ("No visits in this time.", "Nothing came back to you in this time.", "We hold no money"):
        assert told in page
    assert str(Money(0)) in page


def test_an_accountant_has_no_page_of_it(enter, clinic):
    assert enter(Role.ACCOUNTANT).get(f"/staff/patients/{clinic.patient.id}/statement").status_code == 403
