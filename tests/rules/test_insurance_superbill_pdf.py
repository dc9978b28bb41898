from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.superbill_pdf import render_superbill
from tests.factories.superbill_body import line, superbill_body


def pages(body) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(render_superbill(body))).pages]


@pytest.mark.parametrize(
    "shown",
    [
        "SUPERBILL", "SB-000123", "Sample Infusion Clinic B, PLLC", "100 Sample Street", "Austin, TX 78701",
        "12-3456789", "1234567893", "261QP3300X", "Jordan Example, MD", "1245319599",
        "A1234 (TX)", "Signature of Jordan", "Alex Sample", "04/12/1985", "(512) 555-0123", "Sample Health",
        "M000123456", "G-7788", "No referring provider", "ABCDEFGHJKMN2345", "11/03/2026", "11 (office)",
        "96365", "J3490", "F33.2", "NDC 00409-2051-05, 0.8 ML", "09:02 to 09:47 (45 minutes)", "09:02-09:47",
        "$382.50", "$450.00", "-$67.50", "$0.00", "The patient has paid $382.50", "This is not a bill",
        "SAMPLE DATA", "Page 1 of 1",
    ],
)  # fmt: skip
def test_the_page_shows_in_real_text(shown):
    assert shown in " ".join(pages(superbill_body())[0].split("\n"))


def test_the_same_superbill_is_the_same_bytes():
    assert render_superbill(superbill_body()) == render_superbill(superbill_body())


def test_the_fonts_are_in_the_file():
    (page,) = PdfReader(BytesIO(render_superbill(superbill_body()))).pages
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert {font["/BaseFont"].split("+")[-1] for font in fonts} == {
        "DejaVuSansCondensed",
        "DejaVuSansCondensed-Bold",
    }
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


def test_a_page_looks_like_no_demand_for_money():
    (text,) = pages(superbill_body())
    assert not any(
        word in text.lower() for word in ("amount due", "balance due", "pay this", "remit", "past due")
    )


def test_accents_long_names_and_a_new_version_are_shown():
    body = superbill_body(version=2, supersedes="SB-000122", insurance=None, is_sample=False)
    body["patient"] = body["patient"] | {"name": "Zoë Núñez-Żółkiewski " * 6}
    (text,) = pages(body)
    assert text.count("Núñez-Żółkiewski") == 6
    assert "Replaces superbill SB-000122" in text
    assert "None on file" in text
    assert "SAMPLE" not in text


def test_many_lines_go_on_to_further_pages_under_the_same_head():
    body = superbill_body(
        lines=[line("96366", number) for number in range(1, 61)],
        diagnoses=[
            {"pointer": letter, "code": f"F3{place}.0"} for place, letter in enumerate("ABCDEFGHIJKL")
        ],
    )
    texts = pages(body)
    assert len(texts) >= 3
    assert sum(text.count("96366") for text in texts) == 60
    assert all(f"Page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
    assert all("CPT/HCPCS" in text for text in texts if "96366" in text)
    assert all("SB-000123" in text for text in texts)


def test_a_superbill_without_a_payment_says_so():
    assert "None yet" in pages(superbill_body(payments=[]))[0]
