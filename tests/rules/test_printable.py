"""What our papers can print is what both faces of their font have, and nothing else is let in."""

import pytest
from reportlab.pdfbase.ttfonts import TTFont

from billing.adapters.page_drawing import BOLD, FONTS, PLAIN
from billing.kernel.printable import has_letter, is_printed, unprintable

PRINTED = (
    "Zoë Núñez-Żółkiewski",
    "Đặng Thị Thùy Trâm, Nguyễn Ngọc Quỳnh",
    "Ọlábísí Ìyàwó ẹ̀kọ́",
    "Ελένη Παπαδοπούλου, Ἀριστοτέλης",
    "Дмитрий Ілліч Їжак",
    "מרים כהן",
    "محمد عبد الله",
    "Գրիգոր, გიორგი",
    "Ann\u200dMarie",
    "“Joe’s” – 50 % ½ €",
)
NOT_PRINTED = (
    "陳大文",
    "김민준",
    "たなか",
    "สมชาย",
    "राहुल",
    "አበበ",
    "Ann 🩺",
    "Zo\U0001f9ff",
    "\u1ab0e",
    "\ue000",
)


def letters_of(name):
    return {
        chr(code) for code, glyph in TTFont(name, FONTS / f"{name}.ttf").face.charToGlyph.items() if glyph
    }


def test_the_data_says_what_both_faces_of_the_font_have():
    both = {each for each in letters_of(PLAIN) & letters_of(BOLD) if each.isprintable()}
    assert {chr(code) for code in range(0x110000) if has_letter(chr(code))} == both


@pytest.mark.parametrize("text", PRINTED)
def test_names_of_many_languages_are_printed(text):
    assert is_printed(text)


@pytest.mark.parametrize("text", NOT_PRINTED)
def test_what_the_font_lacks_is_not(text):
    assert not is_printed(text)


def test_each_text_that_cannot_be_printed_is_named_by_its_place_and_not_repeated():
    told = {"name": "陳", "lines": [{"code": "96365", "units": 1}, {"description": "ket 🩺"}], "none": None}
    flaws = list(unprintable(told))
    assert [flaw.pointer for flaw in flaws] == ["/name", "/lines/1/description"]
    assert all("陳" not in flaw.message for flaw in flaws)
