"""Staff of one site see what happens there, and nothing of the other sites."""

from dataclasses import replace
from datetime import date

import pytest

from billing.catalog.queries import sites
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.use_cases.receive import take_cash
from tests.factories.care import SAMPLE_PARTICULARS, new_plan
from tests.factories.patients import new_patient
from tests.factories.web import new_package, open_clinic


@pytest.fixture
def clinic(database, now):
    """Maria Sample, of the first site, with a package there."""
    return open_clinic(database, now)


@pytest.fixture
def here(database, clinic):
    """The second site, where the clerk works."""
    with database.reading() as read:
        return sites(read, clinic.entity.id)[1]


@pytest.fixture
def robin(database, clinic, here, now):
    """A patient of this site, who is also treated at the first one, in January."""
    patient = new_patient(
        database,
        entity_id=clinic.entity.id,
        site_id=here.id,
        given_name="Robin",
        family_name="Local",
        phone="512-555-0199",
        now=now,
    )
    for site, starts_on in ((here, date(2026, 11, 2)), (clinic.site, date(2027, 1, 4))):
        particulars = replace(SAMPLE_PARTICULARS, site_id=site.id)
        new_plan(database, patient.id, starts_on=starts_on, particulars=particulars, now=now)
    return patient


@pytest.fixture
def visit(database, clinic, here, now):
    """Maria comes to this site as well, from today, and paid something towards it."""
    invoice = new_package(database, clinic.patient, now, site_id=here.id)
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=invoice.id, amount=Money(12_345), actor=SYSTEM, now=now)
    )
    return invoice


@pytest.fixture
def clerk(enter, here):
    return enter(Role.FRONT_DESK, site_ids=[here.id])


@pytest.mark.parametrize("page", ["/staff/today", "/staff/money"])
def test_a_visitor_from_another_site_is_shown_without_a_name(clerk, visit, robin, page):
    answer = clerk.get(page)
    assert answer.status_code == 200
    assert str(visit.open_balance - Money(12_345)) in answer.text
    assert "$123.45" in answer.text
    assert "Maria" not in answer.text


def test_todays_visitors_from_another_site_are_expected_nameless_beside_those_of_this_one(
    clerk, visit, robin
):
    text = clerk.get("/staff/today").text
    assert "Local, Robin" in text
    assert "Patient of another site" in text
    assert text.count("Infusion, 45 minutes") == 2


def test_the_patients_page_shows_the_sessions_of_this_site_alone(clerk, robin):
    text = clerk.get(f"/staff/patients/{robin.id}").text
    assert "2026-11-02" in text
    assert "2027-01-04" not in text


def test_who_belongs_to_another_site_has_no_page_here(clerk, visit, clinic):
    assert clerk.get(f"/staff/patients/{clinic.patient.id}").status_code == 404
