"""Receipts over HTTP: who may see them, as JSON, as PDF and as a page."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from billing.kernel.permissions import Role
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def clerk(issue, world):
    return issue(Role.FRONT_DESK, entity_id=world.entity.id)


def test_the_receipts_of_a_patient_are_listed_newest_first_by_pages(clerk, world):
    whole = clerk.get(f"/patients/{world.patient.id}/receipts").json
    numbers = [each["number"] for each in whole["items"]]
    assert numbers == ["RC-000003", "RC-000002", "RC-000001"]
    first = clerk.get(f"/patients/{world.patient.id}/receipts?limit=2").json
    rest = clerk.get(f"/patients/{world.patient.id}/receipts?limit=2&cursor={first['next_cursor']}").json
    assert [each["number"] for each in first["items"] + rest["items"]] == numbers
    assert rest["next_cursor"] is None


def test_a_receipt_is_read_as_json_and_as_a_pdf_that_names_nobody_outside(clerk, world):
    receipt_id = world.ids["receipt_id"][-1]
    told = clerk.get(f"/receipts/{receipt_id}")
    assert told.json["body"]["amount_cents"] == told.json["amount_cents"]
    assert told.json["stands"] is True
    pdf, again = (clerk.get(f"/receipts/{receipt_id}.pdf") for _ in range(2))
    assert (pdf.status_code, pdf.mimetype, pdf.headers["Cache-Control"]) == (
        200, "application/pdf", "no-store",
    )  # fmt: skip
    assert pdf.data == again.data
    assert pdf.headers["Content-Disposition"] == f'inline; filename="{told.json["number"]}.pdf"'
    assert told.json["body"]["patient"]["name"] in PdfReader(BytesIO(pdf.data)).pages[0].extract_text()


def test_who_reads_a_receipt_is_on_the_trail(clerk, world, database):
    clerk.get(f"/receipts/{world.ids['receipt_id'][0]}.pdf")
    with database.reading() as read:
        query = text("SELECT COUNT(*) FROM audit_row WHERE action = 'receipt.read' AND subject_id = :of")
        assert read.session.scalar(query, {"of": world.ids["receipt_id"][0]}) == 1


def test_a_receipt_of_another_clinic_does_not_exist(issue, world, database, now):
    other = a_world(database, now, slug="a")
    stranger = issue(Role.FRONT_DESK, entity_id=other.entity.id)
    for path in ("/receipts/{}", "/receipts/{}.pdf"):
        answer = stranger.get(path.format(world.ids["receipt_id"][0]))
        assert (answer.status_code, answer.json["code"]) == (404, "no-such-receipt")
    assert stranger.get(f"/patients/{world.patient.id}/receipts").status_code == 404


def test_an_accountant_sees_payments_and_no_receipt(issue, world):
    accountant = issue(Role.ACCOUNTANT, entity_id=world.entity.id)
    assert accountant.get(f"/receipts/{world.ids['receipt_id'][0]}").status_code == 403
