"""The quick way of printing a superbill shows what the plain way shows, to the letter and to the dot."""

import shutil
import subprocess
from io import BytesIO

import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader

from billing.adapters.light_fonts import USUAL
from billing.adapters.page_drawing import printed
from billing.adapters.superbill_pdf import drawing_of, render_superbill
from tests.factories.superbill_body import line, superbill_body

UNUSUAL = 'Zoë "Ω" Núñez-Żółkiewski (100%) \\ <Дмитрий>'


def with_name(name):
    return superbill_body(patient=superbill_body()["patient"] | {"name": name})


BODIES = {
    "the common page": superbill_body(),
    "a real clinic's, third version": superbill_body(is_sample=False, version=3, supersedes="SB-000007"),
    "without a plan or a payment": superbill_body(insurance=None, payments=[]),
    "unusual letters": with_name(UNUSUAL),
    "a name of several lines": with_name("Alexandra-Maria (Sandy) " * 6),
    "several pages": superbill_body(lines=[line("96366", place, ndc=place % 2 == 0) for place in range(70)]),
}
ALL = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def pages(pdf):
    return PdfReader(BytesIO(pdf)).pages


def words(pdf):
    return [page.extract_text().split() for page in pages(pdf)]


def placed_words(pdf):
    """Each text with its place to a tenth of a point, its font and its size."""
    told = []

    def see(text, _cm, matrix, font, size):
        if text.strip() and font:
            at = (round(matrix[4], 1), round(matrix[5], 1))
            told.append((text.strip(), *at, font["/BaseFont"].split("+")[-1], size))

    for page in pages(pdf):
        page.extract_text(visitor_text=see)
    return told


def pictures(pdf, path):
    path.mkdir()
    subprocess.run(["pdftoppm", "-r", "110", "-", path / "page"], input=pdf, check=True)
    return [Image.open(each) for each in sorted(path.iterdir())]


@ALL
def test_a_page_says_the_same_in_the_same_order(body):
    assert words(render_superbill(body)) == words(printed(*drawing_of(body)))


@pytest.mark.parametrize("name", [name for name in BODIES if name != "unusual letters"])
def test_every_text_stands_in_its_place(name):
    body = BODIES[name]
    assert placed_words(render_superbill(body)) == placed_words(printed(*drawing_of(body)))


@ALL
@pytest.mark.skipif(not shutil.which("pdftoppm"), reason="needs pdftoppm (poppler-utils)")
def test_a_page_looks_the_same(body, tmp_path):
    light = pictures(render_superbill(body), tmp_path / "light")
    plain = pictures(printed(*drawing_of(body)), tmp_path / "plain")
    assert len(light) == len(plain)
    for one, other in zip(light, plain, strict=True):
        faintest_that_is_seen = 48
        differences = ImageChops.difference(one, other).convert("L")
        assert max(differences.getextrema()) < faintest_that_is_seen


def test_the_common_page_is_less_than_half_as_long():
    body = superbill_body()
    assert len(render_superbill(body)) < len(printed(*drawing_of(body))) / 2


def test_a_label_and_its_value_are_read_together():
    text = pages(render_superbill(superbill_body()))[0].extract_text()
    assert "Name Alex Sample\nDate of birth 04/12/1985\n" in text


def test_letters_beyond_the_usual_ones_get_a_font_of_their_own():
    def fonts(body):
        (page,) = pages(render_superbill(body))
        return sorted(page["/Resources"]["/Font"])

    assert fonts(with_name(USUAL)) == ["/F0", "/F1"]
    assert fonts(with_name(UNUSUAL)) == ["/F0", "/F0.0", "/F1"]


def test_three_hundred_unusual_letters_take_two_fonts():
    letters = "".join(chr(0x100 + place) for place in range(300))
    pdf = render_superbill(with_name(letters))
    assert {"/F0.0", "/F0.1"} <= set(pages(pdf)[0]["/Resources"]["/Font"])
    assert letters in "".join(word for page in words(pdf) for word in page)


def test_who_wrote_what_is_told_in_any_letters():
    clinic = superbill_body()["clinic"] | {"trade_name": "Clínica Żółw"}
    told = PdfReader(BytesIO(render_superbill(superbill_body(clinic=clinic)))).metadata
    assert (told.title, told.author) == ("Superbill SB-000123", "Clínica Żółw")
