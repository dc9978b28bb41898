"""Names from right to left stand on the page as they are read there, and are copied as they were typed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from billing.adapters.page_drawing import is_known
from billing.adapters.right_to_left import as_shown, as_typed

HEBREW, ARABIC = "מרים כהן", "محمد عبد الله"


def shown(text):
    return as_shown(text, is_known)


def test_text_from_left_to_right_stays_as_it_is():
    for text in ("", "Alex Sample", "Zoë Núñez-Żółkiewski", "Дмитрий", "(512) 555-0123"):
        assert shown(text) == text


def test_hebrew_is_turned_around_and_its_latin_neighbours_are_not():
    assert shown(HEBREW) == HEBREW[::-1]
    assert shown(f"Dr. {HEBREW}, MD") == f"Dr. {HEBREW[::-1]}, MD"
    assert shown("כהן 17 לוי") == "ןהכ 17 יול"
    assert shown("(כהן)") == "(ןהכ)"
    assert shown("כהן (לוי) כהן") == "ןהכ (יול) ןהכ"


def test_marks_stay_on_their_letters():
    assert shown("שָׁלוֹם") == "םוֹלשָׁ"


def test_arabic_letters_join_as_their_neighbours_ask_and_are_copied_as_typed():
    joined = shown(ARABIC)
    assert joined != ARABIC[::-1]
    assert unicodedata.name(joined[-1]) == "ARABIC LETTER MEEM INITIAL FORM"
    assert "".join(as_typed(letter) for letter in reversed(joined)) == ARABIC
    assert as_shown(ARABIC, lambda _letter: False) == ARABIC[::-1], "a font without the forms"


@given(st.text(alphabet="אבג ابتد-()abc1é\u05b8", max_size=30))
def test_no_letter_is_lost_or_made_up(text):
    def letters(told):
        return sorted(as_typed(each) for each in told.replace(")", "("))

    assert letters(shown(text)) == letters(text)
