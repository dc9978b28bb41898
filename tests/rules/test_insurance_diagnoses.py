"""Which diagnoses an insurer takes, by the edition that is shipped, and how one is looked for."""

from datetime import date
from itertools import product

import pytest
import yaml

from billing.insurance.records import Diagnosis
from billing.insurance.rules.diagnoses import (
    diagnosis_flaw,
    diagnosis_flaws,
    excluding_pair,
    find_diagnosis,
    is_billable,
    search_diagnoses,
)
from billing.insurance.rules.diagnosis_words import codes_by_word
from billing.insurance.rules.editions import billable_codes, shipped_on
from tests.conftest import ROOT

EDITION = shipped_on(date(2026, 11, 3))
SAMPLES = sorted((ROOT / "billing" / "catalog" / "samples").glob("*.yaml"))

USUAL = {
    "depression": ("F32.", "F33."),
    "treatment_resistant_depression": ("F32.", "F33."),
    "bipolar_depression": ("F31.3", "F31.4", "F31.5"),
    "anxiety": ("F41.",),
    "ptsd": ("F43.1",),
    "ocd": ("F42.",),
    "suicidality": ("R45.851",),
    "crps": ("G90.5", "G56.4", "G57.7"),
    "rsd": ("G90.5",),
    "fibromyalgia": ("M79.7",),
    "neuropathic_pain": ("G62.9", "G60."),
    "diabetic_neuropathy": ("E11.4", "E10.4"),
    "phantom_limb": ("G54.6",),
    "post_herpetic_neuralgia": ("B02.2",),
    "neuralgia": ("M79.2", "G50.0"),
    "pelvic_pain": ("R10.2",),
    "cancer_pain": ("G89.3",),
    "spinal_pain": ("M54.", "M96.1"),
    "migraine": ("G43.7", "G43.9"),
    "chronic_pain": ("G89.2", "G89.4"),
}
"""With what the usual codes of a condition begin."""


def codes_of(text):
    return [each.code for each in search_diagnoses(EDITION, text, 4)]


def test_the_edition_has_every_code_of_the_april_release():
    """CMS counts 74,719 codes that are valid for submission."""
    assert len(billable_codes(EDITION.lines)) == 74_719
    assert list(EDITION.lines) == sorted(EDITION.lines)


@pytest.mark.parametrize(
    "code",
    [
        *("F33.2", "F41.1", "F43.12", "F42.2", "R45.851", "G90.50", "G90.511", "M79.7", "G54.6", "B02.29"),
        *("G89.4", "R10.20", "R10.21", "R10.22", "R10.23", "R10.24", "E11.42", "M54.50", "QA0.011", "U09.9"),
    ],
)
def test_leaves_are_billable(code):
    assert is_billable(EDITION, code)


@pytest.mark.parametrize(
    "code",
    [
        *("R10.2", "M54.5", "G90.5", "G90.51", "F42", "F33", "", "F332", "f33.2", "F33.2\n", "\nF33.2"),
        *("Z99.999", "F33.2\t1", "?33.2", "F33.", "F30-F39"),
    ],
)
def test_headings_and_inventions_are_not(code):
    assert not is_billable(EDITION, code)


def test_a_code_is_told_in_words():
    assert find_diagnosis(EDITION, "G90.51") == Diagnosis(
        code="G90.51", description="Complex regional pain syndrome I of upper limb", is_billable=False
    )
    assert find_diagnosis(EDITION, "X00.00") is None


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([], "1 to 12 diagnoses"),
        (["F33.2"] * 2, "stands twice"),
        (["F42"], "F42 is no billable"),
        ([f"B02.2{n}" for n in range(10)] * 2, "1 to 12"),
    ],
)
def test_diagnoses_that_an_insurer_would_refuse_are_named(codes, words):
    assert words in str(diagnosis_flaw(EDITION, codes))


def test_each_flaw_stands_at_the_place_of_its_code():
    flaws = diagnosis_flaws(EDITION, ["F42", "F33.2", "F33.2", "F332"])
    assert [flaw.pointer for flaw in flaws] == ["/diagnoses/0", "/diagnoses/2", "/diagnoses/3"]


def below(*starts):
    codes = "F32.1 F32.9 F33.2 F33.9 F31.30 F31.5 G90.50 G90.511 G90.529 G56.41 G57.72 G89.4 G89.21"
    return [code for code in codes.split() if code.startswith(starts)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *product(below("F32."), below("F33.", "F31.")),
        *product(below("F33."), below("F31.")),
        *product(below("G90.5"), below("G56.4", "G57.7")),
        *product(below("G89."), ["R52", "F45.41"]),
        ("G89.21", "G90.511"),  # chronic pain that has a code of its own
        ("G89.21", "G89.4"),
        ("E11.42", "E10.42"),
        ("M54.50", "M54.41"),
        ("R27.0", "I69.393"),  # final characters -93
        ("G99.0", "E11.43"),  # E08-E13 with .43
        ("S51.001A", "S52.501B"),  # open fracture 7th character
        ("M79.2", "G57.01"),  # G56-G58
        ("G62.9", "M79.2"),
        ("V43.52XA", "Y32.XXXA"),  # a note of V00-V99, which has other blocks within
    ],
)
def test_an_excludes1_note_holds_in_either_order(one, other):
    assert diagnosis_flaw(EDITION, [one, other]) is None
    assert excluding_pair(EDITION, ["Z00.00", one, other]) == (one, other)
    assert excluding_pair(EDITION, [other, one]) == (other, one)


@pytest.mark.parametrize(
    "codes",
    [
        ["F33.2", "F41.1", "G89.4"],
        ["S51.001A", "S52.501A"],  # a closed fracture
        ["R27.0", "I69.392"],
        ["M79.7", "M54.50", "G43.709"],
        ["F43.12", "F33.2", "R45.851"],
        ["C7A.00", "C79.51"],  # C7A is not between C76 and C80 in the tabular list
    ],
)
def test_diagnoses_that_go_together_are_taken(codes):
    assert diagnosis_flaw(EDITION, codes) is None
    assert excluding_pair(EDITION, codes) is None


@pytest.mark.parametrize("word", sorted(codes_by_word()))
def test_a_short_word_stands_for_codes_that_there_are_and_finds_billable_ones_first(word):
    for code in codes_by_word()[word]:
        dotted = f"{code[:3]}.{code[3:]}" if len(code) > 3 else code
        assert find_diagnosis(EDITION, dotted), dotted
    found = search_diagnoses(EDITION, word.upper(), 4)
    assert found
    assert found[0].is_billable


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("crps", "G90.50"),
        ("CRPS right upper", "G90.511"),
        ("rsd", "G90.50"),
        ("mdd recurrent severe", "F33.2"),
        ("TRD", "F32.0"),
        ("ptsd chronic", "F43.12"),
        ("ocd", "F42.2"),
    ],
)
def test_what_clinicians_call_it_is_found(text, first):
    assert codes_of(text)[0] == first


def test_a_heading_that_alone_has_the_words_shows_what_is_billable_under_it():
    found = search_diagnoses(EDITION, "complex regional pain syndrome I (CRPS I)", 50)
    assert [each.code for each in found][:2] == ["G90.50", "G90.511"]
    assert "G90.5" in [each.code for each in found], "after them"


@pytest.mark.parametrize("text", ["f33.2", "F332", " F33.2 ", "F33.2"])
def test_a_code_is_found_however_it_is_typed(text):
    assert codes_of(text) == ["F33.2"]


def test_billable_codes_come_before_their_headings():
    assert codes_of("g90.5") == ["G90.50", "G90.511", "G90.512", "G90.513"]
    found = search_diagnoses(EDITION, "G90.5", 50)
    assert [each.code for each in found if not each.is_billable] == ["G90.5", "G90.51", "G90.52"]
    assert [each.is_billable for each in found] == sorted((each.is_billable for each in found), reverse=True)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("RECURR major sev", "F33.2"),
        ("phantom pain", "G54.6"),
        ("meniere right", "H81.01"),
        ("Ménière right", "H81.01"),
        ("crohn's", "K50.00"),
        ("b12 deficiency", "D51.0"),
        ("pain phantom", "G54.6"),
        ("depress", "F32.A"),
        ("anxiety unsp", "F41.9"),
    ],
)
def test_every_word_begins_a_word_of_the_description(text, first):
    assert codes_of(text)[0] == first


@pytest.mark.parametrize(
    "text", ["", " ", "--", "ecurrent", "zzz", "depression zzz", "F33.2x", "%", "[", "\\"]
)
def test_what_fits_nothing_finds_nothing(text):
    assert codes_of(text) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_usual_codes_of_every_condition_are_billable(sample):
    for condition in yaml.safe_load(sample.read_text())["conditions"]:
        codes = condition["icd10"]
        assert codes
        assert [code for code in codes if not is_billable(EDITION, code)] == []
        assert [code for code in codes if not code.startswith(USUAL[condition["slug"]])] == []
