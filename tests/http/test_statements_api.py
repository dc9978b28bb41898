"""A patient's statement over HTTP: in the API's words, for a period, for who may see it."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from billing.catalog.queries import sites
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Permission, Role
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.platform.data.audit import AuditRow
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_patient
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def clerk(issue, world):
    return issue(Role.FRONT_DESK, entity_id=world.entity.id)


def test_a_statement_says_what_is_owed_expected_and_came_back(clerk, world):
    told = clerk.get(f"/patients/{world.patient.id}/statement").json
    assert (told["from_on"], told["to_on"], told["made_on"]) == ("2026-01-01", "2026-11-02", "2026-11-02")
    assert told["patient_name"] == f"{world.patient.given_name} {world.patient.family_name}"
    assert told["totals"]["owed_cents"] == sum(
        told["totals"][f"{part}_cents"] for part in ("owed_now", "owed_ahead")
    )
    for visit in told["visits"]:
        paid = sum(part["amount_cents"] for part in visit["parts"])
        assert visit["charge_cents"] - visit["discount_cents"] == visit["net_cents"]
        assert visit["net_cents"] == paid + visit["owed_cents"]
    answered = [answer["kind"] for visit in told["visits"] for answer in visit["answers"]]
    assert "paid_the_clinic" in answered
    assert told["held"] != [] != told["refunds"]


def test_a_years_statement_has_both_tables(clerk, world):
    told = clerk.get(f"/patients/{world.patient.id}/year-statement?year=2026").json
    assert told["net_cents"] == told["paid_cents"] - told["back_cents"]
    assert {row["moved_on"][:4] for row in told["by_date_paid"]} == {"2026"}
    assert told["cost_cents"] == sum(row["cost_cents"] for row in told["by_date_of_service"])
    assert clerk.get(f"/patients/{world.patient.id}/year-statement").json == told


@pytest.mark.parametrize(
    ("path", "number"),
    [("statement", "statement-2026-01-01-2026-11-02"), ("year-statement", "statement-2026")],
)
def test_it_is_a_pdf_under_a_name_that_names_nobody(clerk, world, path, number):
    pdf = clerk.get(f"/patients/{world.patient.id}/{path}.pdf")
    assert (pdf.status_code, pdf.mimetype, pdf.headers["Cache-Control"]) == (
        200, "application/pdf", "no-store",
    )  # fmt: skip
    assert pdf.headers["Content-Disposition"] == f'inline; filename="{number}.pdf"'
    assert world.patient.family_name in PdfReader(BytesIO(pdf.data)).pages[0].extract_text()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("statement.pdf?from=2026-02-01&to=2026-01-01", "/to"),
        ("statement?from=2026-02-01&to=2026-01-01", "/to"),
        ("statement?from=2026-02-30", "/from"),
        ("statement?to=yesterday", "/to"),
        ("statement?until=2026-01-01", "/until"),
        ("year-statement?year=last", "/year"),
        ("year-statement?year=99999", "/year"),
    ],
)
def test_a_bad_period_is_refused_by_its_field(clerk, world, query, pointer):
    answer = clerk.get(f"/patients/{world.patient.id}/{query}")
    assert (answer.status_code, [each["pointer"] for each in answer.json["errors"]]) == (422, [pointer])


def test_a_statement_of_nothing_is_empty_and_owes_nothing(clerk, database, world, now):
    fresh = new_patient(database, entity_id=world.entity.id, site_id=world.site.id, now=now)
    told = clerk.get(f"/patients/{fresh.id}/statement").json
    assert (told["visits"], told["held"], told["totals"]["owed_cents"]) == ([], [], 0)


def test_who_reads_a_statement_is_on_the_trail(clerk, database, world):
    clerk.get(f"/patients/{world.patient.id}/statement")
    clerk.get(f"/patients/{world.patient.id}/year-statement")
    with database.reading() as read:
        query = select(AuditRow.action).where(
            AuditRow.subject_id == world.patient.id, AuditRow.action.startswith("statement.")
        )
        assert set(read.session.scalars(query)) == {"statement.read", "statement.read-year"}


def test_who_works_at_some_sites_is_told_that_it_is_of_those(issue, clerk, world):
    here = issue(Role.BILLING, entity_id=world.entity.id, site_ids=[world.site.id])
    assert here.get(f"/patients/{world.patient.id}/statement").json["is_of_sites"] is True
    assert clerk.get(f"/patients/{world.patient.id}/statement").json["is_of_sites"] is False


READERS = [role for role in Role if Permission.STATEMENTS_READ in ROLES[role]]
HERE, THERE = "here", "there"


@pytest.fixture
def at_two_sites(database, now):
    """A deposit of $100 at one site paid a part of a visit at the patient's own, and waits for nothing."""
    patient = a_patient(database)
    with database.reading() as read:
        other = next(site.id for site in sites(read, patient.entity_id) if site.id != patient.site_id)
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    database.in_transaction(
        lambda tx: take_deposit(
            tx, patient_id=patient.id, handed=handed, site_id=other, actor=SYSTEM, now=now
        )
    )
    billed(database, patient, only_first=1)
    return patient, {HERE: patient.site_id, THERE: other}


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("reach", [(HERE,), (HERE, THERE), None])
def test_money_of_another_site_that_paid_a_visit_is_told_with_the_visit(issue, at_two_sites, role, reach):
    patient, known = at_two_sites
    named = None if reach is None else [known[each] for each in reach]
    clerk = issue(role, entity_id=patient.entity_id, site_ids=named)
    pages = ("statement", "year-statement", "statement.pdf", "year-statement.pdf")
    assert [clerk.get(f"/patients/{patient.id}/{page}").status_code for page in pages] == [200] * 4
    told = clerk.get(f"/patients/{patient.id}/statement").json
    (visit,) = told["visits"]
    (part,) = visit["parts"]
    assert (part["amount_cents"], visit["owed_cents"], part["paid_on"]) == (10_000, 35_000, "2026-11-02")
    assert ("at another of our sites" in part["told"]) is (reach == (HERE,))
    assert len(told["payments"]) == (0 if reach == (HERE,) else 1)
