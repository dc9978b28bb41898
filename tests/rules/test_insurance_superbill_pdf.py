import re
import shutil
import subprocess
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.page_drawing import MARGIN, WIDTH, text_width
from billing.adapters.superbill_pdf import render_superbill
from billing.insurance.rules.diagnoses import diagnosis_or_unknown
from billing.insurance.rules.editions import shipped_on
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


def test_what_others_than_the_patient_paid_is_marked():
    paid = {"on": "2026-11-03", "tender": "check", "cents": 38_250}
    (text,) = pages(superbill_body(payments=[paid | {"by": "others"}]))
    assert "11/03/2026 check, by others" in " ".join(text.split())
    (text,) = pages(superbill_body(payments=[paid]))
    assert "by others" not in text


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


def test_each_of_several_pages_sums_its_own_charges_and_what_was_paid_stands_once():
    lines = [line("96366", 100 * number) for number in range(1, 61)]
    charged = {"net_cents": 183_000, "list_cents": 183_000, "discount_cents": 0, "paid_cents": 183_000}
    texts = pages(superbill_body(lines=lines, totals={**charged, "balance_cents": 0}))
    sums = [re.findall(r"Charges on this page \$([0-9,.]+) of \$1,830\.00", text) for text in texts]
    rows = [re.findall(r"96366.*?\$([0-9,.]+)", text, re.DOTALL) for text in texts]
    told = [sum(cents_of(each) for each in on_page) for on_page in sums if on_page]
    assert told == [sum(cents_of(each) for each in on_page) for on_page in rows if on_page]
    assert sum(told) == 183_000
    assert sum(text.count("Amount paid") for text in texts) == 1


def cents_of(dollars):
    return int(re.sub("[^0-9]", "", dollars))


def test_one_page_needs_no_sum_of_its_own():
    assert "Charges on this page" not in pages(superbill_body())[0]


def test_ways_to_pay_are_said_in_words():
    tenders = ["card", "card_present", "ach", "bank", "check", "insurer"]
    paid = [{"on": "2026-11-03", "tender": tender, "cents": 100} for tender in tenders]
    (text,) = pages(superbill_body(payments=paid))
    for words in ("bank debit (ACH)", "bank transfer", "check", "health plan"):
        assert f"11/03/2026 {words}" in " ".join(text.split())
    assert "card_present" not in text


def test_a_superbill_without_a_payment_says_so():
    assert "None yet" in pages(superbill_body(payments=[]))[0]


# ------------------------------------------------------------------------------------ the worst of pages

CODES = (
    "F33.2", "F41.1", "G90.511", "G90.522", "G57.71", "M54.50", "E11.42", "B02.29", "G43.719", "G89.29",
    "R45.851", "M79.7",
)  # fmt: skip
LONG = "Maximiliane Alexandra Montgomery-Featherstonehaugh of Cholmondeley and Wensleydale"


def crowded(**changes):
    """Twenty lines, twelve diagnoses, four modifiers, and names that are long or read from right to left."""
    edition = shipped_on(date(2026, 11, 3))
    body = superbill_body(
        lines=[
            line(f"96{300 + place}", place * 100, ndc=place % 3 == 0)
            | {"modifiers": ["25", "59", "XS", "GA"], "pointers": "ABCD", "units": place * 499}
            for place in range(1, 21)
        ],
        diagnoses=[
            {"pointer": letter, "code": code, "wording": diagnosis_or_unknown(edition, code).description}
            for letter, code in zip("ABCDEFGHIJKL", CODES, strict=True)
        ],
        referring_provider={"name": LONG, "npi": "1245319599"},
    )
    for box, names in {
        "patient": {"name": f"מרים כהן {LONG} Núñez-Żółkiewski"},
        "insurance": {"payer": f"Plan of {LONG}", "subscriber": "محمد بن عبد الله"},
        "provider": {"name": LONG, "credentials": "MD, PhD, FACP, DABA"},
    }.items():
        body[box] = body[box] | names
    return body | changes


def read_aloud(body) -> str:
    """The words in reading order, without the marks by which pdftotext tells where the direction turns."""
    done = subprocess.run(
        ["pdftotext", "-", "-"], input=render_superbill(body), capture_output=True, check=True
    )
    return " ".join(re.sub("[\u200e\u200f\u202a-\u202e\f]", "", done.stdout.decode()).split())


def placed(body):
    """Each page's texts with their left and right edges, their height on the page, and their size."""
    for page in PdfReader(BytesIO(render_superbill(body))).pages:
        found = []

        def see(text, _cm, matrix, font, size, found=found):
            if text.strip() and font:
                name = font["/BaseFont"].split("+")[-1]
                found.append((matrix[4], matrix[4] + text_width(text.strip(), name, size), matrix[5], text))

        page.extract_text(visitor_text=see)
        yield found


def test_no_text_overlaps_another_or_leaves_the_page_on_the_worst_of_pages():
    body = crowded(clinic=superbill_body()["clinic"] | {"name": LONG})
    body["patient"] |= {"name": LONG}
    body["insurance"] |= {"subscriber": LONG}
    body["lines"] = [each | {"charge_cents": 123_456_789} for each in body["lines"]]
    for texts in placed(body):
        assert all(left >= MARGIN - 1 and right <= WIDTH - MARGIN + 1 for left, right, _, _ in texts)
        for left, right, height, text in texts:
            on_it = [
                other
                for begin, end, at, other in texts
                if other != text and abs(at - height) < 2 and begin < right - 1 and left < end - 1
            ]
            assert on_it == [], text


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="on Debian: apt-get install poppler-utils")
def test_the_worst_of_pages_is_read_in_order_to_its_last_word():
    text = read_aloud(crowded())
    wanted = [
        "SUPERBILL",
        "PATIENT",
        "RENDERING PROVIDER",
        "DIAGNOSES",
        *CODES,
        "Payments received",
        "REQUEST",
    ]
    places = [text.index(each) for each in wanted]
    assert places == sorted(places)
    for words in ("מרים כהן", "محمد بن عبد الله", "Núñez-Żółkiewski", "Causalgia of right lower limb"):
        assert words in text
    assert all(f"96{300 + place}" in text for place in range(1, 21))
    assert "MD, PhD, FACP, DABA" in text.split("Signature of")[1]


def test_diagnoses_stand_by_their_codes_alone_unless_their_words_are_wished():
    (text,) = pages(superbill_body())
    assert "F33.2" in text
    assert "Major depressive" not in text


def test_who_referred_and_the_clinic_s_phone_are_shown():
    (text,) = pages(superbill_body(referring_provider={"name": "Dana Sender", "npi": "1245319599"}))
    assert "Dana Sender, NPI" in text
    assert "(512) 555-0199" in text
    (text,) = pages(superbill_body(referring_provider={"name": "Dana Sender", "npi": ""}))
    assert "Dana Sender\n" in text


def test_a_superbill_of_before_these_facts_is_still_printed():
    body = superbill_body()
    body["clinic"] = {name: told for name, told in body["clinic"].items() if name != "phone"}
    assert "SB-000123" in pages(body)[0]


def test_what_the_plan_has_paid_already_is_told_beside_what_the_patient_paid():
    (before,) = pages(superbill_body())
    assert "Paid by the plan" not in before
    totals = {"list_cents": 45_000, "discount_cents": 0, "net_cents": 45_000, "balance_cents": 0}
    (text,) = pages(superbill_body(totals=totals | {"paid_cents": 12_345, "insurer_cents": 32_655}))
    assert all(told in text for told in ("Paid by the plan", "$326.55", "$123.45"))
