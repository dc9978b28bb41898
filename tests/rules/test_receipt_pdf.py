"""The receipt as paper: what a health account's administrator looks for stands on it as text."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.receipt_pdf import render_receipt
from tests.factories.receipts import receipt_body


def text_of(body):
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(render_receipt(body))).pages)


@pytest.mark.parametrize(
    "told",
    [
        "RECEIPT", "No. RC-000012", "Receipt date Nov 2, 2026", "Paid on", "Maria Sample", "12-3456789",
        "1234567893", "100 Main Street", "Ketamine infusion treatment", "Nov 3, 2026 (planned)",
        "Riley Doe, MD", "$450.00", "Paid by the patient", "$475.50", "Card (visa 4242)",
        "Paid from an HSA or FSA", "Kept as credit for future services",
    ],
)  # fmt: skip
def test_a_receipt_says(told):
    assert told in text_of(receipt_body())


@pytest.mark.parametrize("paid_with", ["Check (no. 1042)", "Bank account (Sample Bank 6789)", "By check 77"])
def test_a_health_account_is_named_in_words_that_fit_however_the_money_came_or_went(paid_with):
    told = text_of(receipt_body(paid_with=paid_with))
    assert "Paid from an HSA or FSA" in told
    assert "card" not in told


def test_a_refund_names_the_receipt_that_it_refers_to():
    body = receipt_body(
        kind="refund",
        paid_with="Back to the card",
        refers_to={"number": "RC-000007", "issued_on": "2026-10-01"},
        paid_by_patient=False,
    )
    told = text_of(body)
    assert "REFUND RECEIPT" in told
    assert "RC-000007 of Oct 1, 2026" in told
    assert "Given back" in told
    assert "Paid by" not in told


def test_a_refund_carries_its_notices_whole_and_an_older_receipt_has_none():
    notices = [
        "This refund belongs to 2027.",
        "A health account (HSA or FSA) paid this money. " + "Ask. " * 60,
    ]
    told = text_of(receipt_body(kind="refund", notices=notices, paid_by_patient=False))
    assert "This refund belongs to 2027." in told
    assert told.count("Ask.") == 60
    assert "belongs to" not in text_of(receipt_body())


def test_the_same_receipt_is_the_same_bytes():
    assert render_receipt(receipt_body()) == render_receipt(receipt_body())


def test_a_receipt_of_many_services_goes_on_to_further_pages():
    lines = receipt_body()["lines"] * 30
    pages = PdfReader(BytesIO(render_receipt(receipt_body(lines=lines)))).pages
    assert len(pages) > 1
    assert "Date of service" in pages[1].extract_text()


def test_a_long_name_of_a_clinic_and_of_a_provider_stay_on_the_page():
    body = receipt_body()
    body["clinic"]["trade_name"] = "The Very Long And Winding Name Of A Clinic For Infusions " * 3
    body["lines"][0]["provider"] = "Wolfeschlegelsteinhausenbergerdorff-Montmorency, MD, PhD, FASA " * 2
    (page,) = PdfReader(BytesIO(render_receipt(body))).pages
    assert "Wolfeschlegelsteinhausenbergerdorff" in page.extract_text()
