"""A packet of evidence as paper: what it says, what it does not, and that it stays on its pages."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.evidence_pdf import render_evidence
from tests.factories.evidence import everything, evidence_body


def pages_of(body):
    return [page.extract_text() for page in PdfReader(BytesIO(render_evidence(body))).pages]


@pytest.mark.parametrize(
    "told",
    [
        "EVIDENCE", "Packet 2, prepared Nov 5, 2026", "du_1QxyzABCDEFGHIJKLMNOP", "Credit not processed",
        "$900.00", "Nov 4, 2026", "Clinic B, LLC", "Austin", "Clinic services. Card (visa 4242), receipt",
        "Patient: Maria Sample", "Ketamine infusion treatment: given, from 09:02 until 09:51.",
        "Ketamine infusion treatment: not given so far.", "account that paid, receipt RC-000013.",
        "The payer opened the processor's payment page", "receipt RC-000009. For another invoice.",
        "The payer came to both appointments", "Holds health information", "Oct 20, 2026",
        "I allow Clinic B", "Page 1 of 1",
    ],
)  # fmt: skip
def test_a_packet_says(told):
    (page,) = pages_of(evidence_body())
    assert told in page.replace("\n", " ")


@pytest.mark.parametrize("fact", everything())
def test_each_fact_is_told_alone(fact):
    (page,) = pages_of(evidence_body(**{fact: everything()[fact]}))
    health = fact in ("services", "statement")
    assert ("Holds no health information." in page) is not health
    assert ("Maria" in page) is (fact == "services")


def test_the_same_packet_is_the_same_bytes_and_its_title_names_no_patient():
    assert render_evidence(evidence_body()) == render_evidence(evidence_body())
    assert PdfReader(BytesIO(render_evidence(evidence_body()))).metadata.title == (
        "Evidence du_1QxyzABCDEFGHIJKLMNOP"
    )


def test_paragraphs_of_a_statement_stand_apart():
    (page,) = pages_of(evidence_body(statement="They came.\nThey thanked us."))
    assert "They came.\nThey thanked us." in page


def test_what_the_font_lacks_is_left_out_of_a_statement_and_letters_are_marked():
    (page,) = pages_of(evidence_body(statement="They thanked us \U0001f600, S\u00f8ren \u6f22."))
    assert "They thanked us , S\u00f8ren ?." in page


def test_a_long_statement_goes_on_to_further_pages_whole():
    words = " ".join(f"word{number}" for number in range(2_000))
    pages = pages_of(evidence_body(statement=words))
    assert len(pages) > 2
    assert "continued" in pages[1]
    assert [word for word in words.split() if word not in " ".join(pages).split()] == []
