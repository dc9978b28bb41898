"""The sheets as they are printed."""

from io import BytesIO

from pypdf import PdfReader

from billing.adapters.claim_cms1500 import NOT_FOR_OCR, print_cms1500
from billing.insurance.records.claims import Offset
from tests.factories.claims import a_claim, a_line


def claim(lines=1):
    return a_claim(control_number="ABCDEFGHJKMN23", lines=tuple(a_line(each) for each in range(1, lines + 1)))


def pages(content):
    return PdfReader(BytesIO(content)).pages


def places(page):
    """Where each text begins, in points."""
    found = {}

    def keep(text, _matrix, at, *_others):
        if text.strip():
            found.setdefault(text.strip(), (round(at[4], 1), round(at[5], 1)))

    page.extract_text(visitor_text=keep)
    return found


def test_the_sheet_has_the_data_and_nothing_else():
    (page,) = pages(print_cms1500([claim()], Offset()))
    told = page.extract_text()
    assert "SAMPLE, MARIA" in told
    assert "96365" in told
    assert NOT_FOR_OCR not in told
    assert "Member number" not in told
    assert (page.mediabox.width, page.mediabox.height) == (612, 792)


def test_ten_letters_and_six_lines_an_inch():
    (page,) = pages(print_cms1500([claim()], Offset()))
    at = places(page)
    (left, name_line), (_, member_line) = at["SAMPLE, MARIA"], at["W123456"]
    assert member_line - name_line == 2 * 12
    assert at["W123456"][0] - left == round(49 * 7.2, 1)


def test_an_offset_moves_everything_alike():
    (one,) = pages(print_cms1500([claim()], Offset()))
    (other,) = pages(print_cms1500([claim()], Offset(right=5, down=-3)))
    before, after = places(one), places(other)
    moved = {(round(after[each][0] - x, 1), round(after[each][1] - y, 1)) for each, (x, y) in before.items()}
    assert moved == {(5.0, 3.0)}


def test_a_view_says_that_it_is_no_claim_and_names_the_boxes():
    (page,) = pages(print_cms1500([claim()], Offset(right=5), is_view=True))
    told = page.extract_text()
    assert NOT_FOR_OCR in told
    assert "1a Member number" in told
    assert places(page)["W123456"] == places(pages(print_cms1500([claim()], Offset()))[0])["W123456"]


def test_a_batch_is_a_page_for_each_six_lines():
    assert len(pages(print_cms1500([claim(), claim(7), claim(13)], Offset()))) == 1 + 2 + 3


def test_the_same_claims_are_the_same_bytes():
    assert print_cms1500([claim(7)], Offset()) == print_cms1500([claim(7)], Offset())
