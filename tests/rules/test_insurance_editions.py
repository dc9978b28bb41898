"""An edition is read from the file that CMS publishes, whole or not at all."""

from datetime import date

import pytest

from billing.insurance.errors import UnreadableDiagnoses
from billing.insurance.rules.editions import packed, read_order_file, shipped_on, unpacked
from tests.factories.diagnoses import FEW, order_file, order_line


def changed(place, row=None, *, order=None):
    """The few codes, with another line in that place."""
    lines = order_file().splitlines(keepends=True)
    lines[place - 1] = order_line(order or place, row or FEW[place - 1]).encode() + b"\r\n"
    return b"".join(lines)


def replaced(old, new):
    content = order_file()
    assert content.count(old) >= 1
    return content.replace(old, new, 1)


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("cut", [True, False])
def test_codes_flags_and_long_descriptions_are_read(newline, cut):
    content = order_file(newline=newline)
    lines = read_order_file(content.removesuffix(newline.encode()) if cut else content)
    assert lines[:2] == [
        "F32\t0\tDepressive episode",
        "F321\t1\tMajor depressive disorder, single episode, moderate",
    ]
    assert lines == ["\t".join(row) for row in FEW]
    assert unpacked(packed(lines)) == lines


def test_the_order_of_the_tabular_list_is_no_order_of_characters():
    rows = [("C4A", "1", "Merkel cell carcinoma"), ("C44", "1", "Other neoplasm of skin")]
    assert [line[:3] for line in read_order_file(order_file(rows))] == ["C44", "C4A"]


def test_order_numbers_may_leave_some_out():
    assert len(read_order_file(changed(6, order=99_999))) == 6


def test_accents_and_long_descriptions_are_kept():
    long = "Ménière's disease, " + "x" * 280
    (line,) = read_order_file(order_file([("H810", "1", long)]))
    assert line == f"H810\t1\t{long}"


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "empty"),
        (b" \r\n\r\n", 1, "empty"),
        (changed(3, ("F33", "2", "Major")), 3, "the flag 2"),
        (changed(3, ("F33", " ", "Major")), 3, "neither 0"),
        (changed(5, ("F332", "1", "Twice")), 5, "the code F332 stands in line 4 already"),
        (changed(4, order=3), 4, "order number 00003 does not come after 00003"),
        (changed(4, order=2), 4, "order number 00002"),
        (replaced(b"00003", b"0000x"), 3, "0000x is no order number"),
        (replaced(b"00003", "000٣0".encode()), 3, "is no order number"),
        (replaced(b"00003 ", b"00003"), 3, "columns"),
        (replaced(b" 1 Pain, unspecified", b"  1 Pain, unspecified"), 6, "columns"),
        (order_file()[:150], 2, "columns"),
        (order_file() + b"\r\n", 7, "columns"),
        (order_file() + b"\x1a", 7, "cannot be printed"),
        (changed(2, ("F321", "1", "Moderate" + "x" * 400)), 2, "400 at most"),
        (changed(2, ("F321", "1", " ")), 2, "the long description is missing"),
        (changed(2, ("f321", "1", "Moderate")), 2, "f321 is no code"),
        (changed(2, ("F32.1", "1", "Moderate")), 2, "F32.1 is no code"),
        (changed(2, ("0016070", "1", "Bypass, a procedure")), 2, "0016070 is no code"),
        (changed(2, ("F3", "1", "Moderate")), 2, "F3 is no code"),
        (replaced(b"unspecified", b"unspeci\x00ied"), 6, "cannot be printed"),
        (replaced(b"unspecified", b"unspeci\tied"), 6, "cannot be printed"),
        (replaced(b"recurrent severe", b"recurrent s\xe9vere"), 4, "not UTF-8"),
        (b"\xef\xbb\xbf" + order_file(), 1, "cannot be printed"),
        (b"PK\x03\x04\x14\x00\x00", 1, "cannot be printed"),
        (changed(3, ("F33", "1", "Major")), 3, "F33 is billable (1), but has more specific codes"),
        (order_file(FEW[:3]), 3, "F33 is a heading (0), but has no more specific codes"),
    ],
)
def test_a_file_that_is_not_as_cms_publishes_it_is_refused_whole_with_its_line(content, line, words):
    with pytest.raises(UnreadableDiagnoses) as refused:
        read_order_file(content)
    (flaw,) = refused.value.flaws
    assert flaw.pointer == f"line {line}"
    assert words in flaw.message


@pytest.mark.parametrize("on", [date(2020, 1, 1), date(2026, 4, 1), date(2026, 11, 3)])
def test_the_oldest_edition_also_serves_the_days_before_it(on):
    assert shipped_on(on).starts_on == date(2026, 4, 1)


def test_the_shipped_edition_survives_the_file_that_cms_would_publish_of_it():
    """Its own lines written as an order file are read back as they are."""
    lines = shipped_on(date(2026, 4, 1)).lines
    rows = [tuple(line.split("\t")) for line in lines]
    assert read_order_file(order_file(rows)) == lines
