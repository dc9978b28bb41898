from datetime import date

import pytest

from billing.insurance.rules.diagnoses import diagnosis_flaw, is_billable

DAY = date(2026, 11, 3)


@pytest.mark.parametrize(
    "code",
    [
        "F33.2",
        "F41.1",
        "F43.12",
        "R45.851",
        "G90.511",
        "M79.7",
        "G54.6",
        "B02.29",
        "G89.4",
        "R10.20",
        "E11.42",
    ],
)
def test_leaves_are_billable(code):
    assert is_billable(code, DAY)


@pytest.mark.parametrize(
    "code",
    ["R10.2", "M54.5", "G90.5", "G90.51", "F42", "F33", "", "F332", "f33.2", "F33.2\n", "\nF33.2", "Z99.999"],
)
def test_chapters_and_inventions_are_not(code):
    assert not is_billable(code, DAY)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([], "1 to 12 diagnoses"),
        (["F33.2"] * 2, "stands twice"),
        (["F42"], "F42 is no billable"),
        (["F32.1", "F33.2"], "F32.1 and F33.2 exclude each other"),
        (["F33.2", "F32.1"], "exclude each other"),
        (["G90.511", "G56.41"], "exclude each other"),
        (["G89.4", "R52"], "exclude each other"),
        ([f"B02.2{n}" for n in range(10)] * 2, "1 to 12"),
    ],
)
def test_diagnoses_that_an_insurer_would_refuse_are_named(codes, words):
    assert words in str(diagnosis_flaw(codes, DAY))


def test_diagnoses_that_go_together_are_taken():
    assert diagnosis_flaw(["F33.2", "F41.1", "G89.4"], DAY) is None
