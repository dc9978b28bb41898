"""Receipts over HTTP: who may see them, as JSON, as PDF and as a page."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.receipts import list_receipts
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund
from billing.platform.data.documents import find_rendering
from tests.factories.invoices import billed
from tests.factories.paid import paid_in_cash
from tests.factories.patients import new_patient
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


@pytest.fixture
def refunded(database, world, now):
    """The receipt of a refund of $25.00 by check, and what lets it fail."""
    bill = billed(database, world.patient, only_first=1)
    payment = paid_in_cash(database, bill.invoice, now, Money(10_000))

    def do(use_case, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=SYSTEM, now=now))

    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(2_500),
        refundable=Money(10_000),
        reason=RefundReason.DUPLICATE,
        method=None,
        limit=Money(50_000),
    )
    do(send_check, refund_id=refund.id, check_number="77")
    with database.reading() as read:
        receipt = list_receipts(read, SYSTEM, patient_id=world.patient.id, limit=1)[0]
    return receipt, lambda: do(fail_refund, refund_id=refund.id)


def pages_of(answer):
    assert answer.mimetype == "application/pdf"
    return [page.extract_text() for page in PdfReader(BytesIO(answer.data)).pages]


def test_the_pdf_of_a_receipt_that_stands_no_more_is_marked_and_what_was_issued_is_kept(
    clerk, database, refunded
):
    receipt, fail = refunded
    path = f"/receipts/{receipt.id}.pdf"
    issued = clerk.get(path)
    assert "DOES NOT STAND" not in "".join(pages_of(issued))
    fail()
    copies = [clerk.get(path) for _ in range(2)]
    assert all(
        "DOES NOT STAND ANY MORE: this refund did not go through" in page for page in pages_of(copies[0])
    )
    assert copies[0].data == copies[1].data
    assert receipt.number in pages_of(copies[0])[0]
    with database.reading() as read:
        assert find_rendering(read, receipt.document_id) == issued.data


def test_so_is_the_pdf_of_a_payment_that_was_booked_for_another_patient_which_names_nobody(
    clerk, database, world, now
):
    bill = billed(database, world.patient, only_first=1)
    payment = paid_in_cash(database, bill.invoice, now, Money(10_000))
    ruth = new_patient(database, entity_id=world.entity.id, site_id=world.site.id, given_name="Ruth", now=now)
    asked = {"payment_id": payment.id, "patient_id": ruth.id, "invoice_id": None, "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: move_payment(tx, **asked))
    newest = clerk.get(f"/patients/{world.patient.id}/receipts").json["items"][0]
    (page,) = pages_of(clerk.get(f"/receipts/{newest['id']}.pdf"))
    assert "DOES NOT STAND ANY MORE: the clinic has booked this payment otherwise" in page
    assert "Ruth" not in page
